import { defineCommand, withJson } from '../../command.ts';
import { timestamp } from '../../output/format.ts';
import { printJson } from '../../output/json.ts';
import { formatTable, terminalWidth } from '../../output/table.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }>({
  define: withJson,
  async run(context, options) {
    const client = await context.client();
    const secrets = await client.call('secret.list');
    if (options.json === true) {
      printJson(secrets);
      return;
    }
    const table = formatTable(
      [
        { title: 'NAME', value: (secret: (typeof secrets)[number]) => secret.name, min: 10 },
        { title: 'CHANGED', value: (secret) => timestamp(secret.updated_at) },
      ],
      secrets,
      terminalWidth(),
    );
    print(secrets.length === 0 ? 'There are no secrets. Make one with `berth secret set NAME`.\n' : `${table}\n`);
  },
});
