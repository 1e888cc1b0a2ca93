import { defineCommand, withJson } from '../../command.ts';
import { formatInstances } from '../../output/instances.ts';
import { printJson } from '../../output/json.ts';
import { formatStuck } from '../../output/stuck.ts';
import { print } from '../../output/write.ts';

interface Options {
  readonly all?: true;
  readonly stuck?: true;
  readonly json?: true;
}

export default defineCommand<Options>({
  define: (parser) =>
    withJson(
      parser
        .option('-a, --all', 'also machines that were given back')
        .option('--stuck', 'only those that cannot be made, given back or reached, and why'),
    ),
  async run(context, options) {
    const client = await context.client();
    const all = options.all === true ? { all: 'true' as const } : {};
    const stuck = options.stuck === true ? { stuck: 'true' as const } : {};
    const instances = await client.call('instance.list', { query: { ...all, ...stuck, limit: 1000 } });
    if (options.json === true) printJson(instances);
    else if (options.stuck === true) print(`${formatStuck(instances, Date.now())}\n`);
    else print(`${formatInstances(instances, Date.now())}\n`);
  },
});
