import { defineCommand, withJson } from '../../command.ts';
import { printJson } from '../../output/json.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }, [name: string]>({
  define: (parser) => withJson(parser.argument('<secret>', 'its name')),
  async run(context, options, name) {
    const client = await context.client();
    const secret = await client.call('secret.get', { params: { secret: name } });
    if (options.json === true) printJson(secret);
    else if (process.stdout.isTTY) print(secret.value.endsWith('\n') ? secret.value : `${secret.value}\n`);
    // In a pipe nothing but the value: `$(berth secret get X)`, or a file that it was made from.
    else process.stdout.write(secret.value);
  },
});
