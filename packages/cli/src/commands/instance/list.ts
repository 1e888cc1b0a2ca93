import { defineCommand, withJson } from '../../command.ts';
import { formatInstances } from '../../output/instances.ts';
import { printJson } from '../../output/json.ts';
import { print } from '../../output/write.ts';

interface Options {
  readonly all?: true;
  readonly json?: true;
}

export default defineCommand<Options>({
  define: (parser) => withJson(parser.option('-a, --all', 'also machines that were given back')),
  async run(context, options) {
    const client = await context.client();
    const instances = await client.call('instance.list', {
      query: options.all === true ? { all: 'true', limit: 1000 } : { limit: 1000 },
    });
    if (options.json === true) printJson(instances);
    else print(`${formatInstances(instances, Date.now())}\n`);
  },
});
