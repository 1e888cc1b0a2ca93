import { isRunFinished } from '@berth/core/states';
import { defineCommand, withJson } from '../command.ts';
import { describeRun } from '../output/describe.ts';
import { printJson } from '../output/json.ts';
import { print } from '../output/write.ts';

interface Options {
  readonly abort?: true;
  readonly yes?: true;
  readonly json?: true;
}

export default defineCommand<Options, [runs: string[]]>({
  define: (parser) =>
    withJson(
      parser
        .argument('<run...>', 'names or ids')
        .option('-x, --abort', 'at once, without the time to end in order')
        .option('-y, --yes', 'do not ask'),
    ),
  examples: ['berth stop my-run', 'berth stop -y -x my-run other-run'],
  async run(context, options, runs) {
    const client = await context.client();
    const what = `${options.abort === true ? 'Abort' : 'Stop'} ${runs.join(', ')}?`;
    if (options.yes !== true) {
      // A name that does not exist is said before anything is asked.
      await Promise.all(runs.map((run) => client.call('run.get', { params: { run } })));
      const { confirm } = await import('../output/confirm.ts');
      if (!(await confirm(what))) return 1;
    }
    const stopped = [];
    for (const run of runs) {
      const view = await client.call('run.stop', { params: { run }, body: { abort: options.abort === true } });
      stopped.push(view);
      if (options.json !== true)
        print(
          `${view.name}: ${isRunFinished(view.status) ? `has ended already (${describeRun(view)})` : 'stopping'}\n`,
        );
    }
    if (options.json === true) printJson({ runs: stopped });
    return 0;
  },
});
