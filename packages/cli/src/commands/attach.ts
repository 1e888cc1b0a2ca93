import { isRunFinished } from '@berth/core/states';
import { defineCommand } from '../command.ts';
import { Interrupts } from '../interrupts.ts';
import { parseIndex } from '../output/parse-option.ts';
import { seeToEnd } from '../see-to-end.ts';

interface Options {
  readonly logs?: true;
  readonly replica?: number;
  readonly node?: number;
  readonly artifacts: boolean;
}

export default defineCommand<Options, [run: string]>({
  define: (parser) =>
    parser
      .argument('<run>', 'name or id')
      .option('--logs', 'from the beginning of the log instead of from now')
      .option('--replica <number>', 'log of this replica', parseIndex)
      .option('--node <number>', 'log of this node; 0 when left out', parseIndex)
      .option('--no-artifacts', 'do not fetch what it leaves'),
  examples: ['berth attach my-run', 'berth attach my-run --logs'],
  async run(context, options, name) {
    using interrupts = new Interrupts();
    const client = await context.client();
    const run = await client.call('run.get', { params: { run: name } });
    const { replica = 0, node = 0 } = options;
    const job = run.jobs.find((candidate) => candidate.replica === replica && candidate.node === node);
    // What ended before has no "from now": its whole log is what there is to see.
    const fromStart = options.logs === true || isRunFinished(run.status);
    const from = fromStart ? { offset: 0 } : job?.log_bytes != null ? { offset: job.log_bytes } : { since: Date.now() };
    const place = {
      ...(options.replica === undefined ? {} : { replica }),
      ...(options.node === undefined ? {} : { node }),
    };
    return await seeToEnd(client, run, {
      cwd: context.cwd,
      signal: interrupts.signal,
      ...from,
      artifacts: options.artifacts,
      ...place,
    });
  },
});
