import { logs } from '@berth/client/follow';
import { defineCommand } from '../command.ts';
import { parseIndex } from '../output/parse-option.ts';
import { parseSince } from '../output/parse-since.ts';
import { writeOut } from '../output/pipe.ts';
import { reconnectNotice } from '../output/reconnect-notice.ts';

interface Options {
  readonly follow?: true;
  readonly replica?: number;
  readonly node?: number;
  readonly submission?: number;
  readonly since?: number;
}

export default defineCommand<Options, [run: string]>({
  define: (parser) =>
    parser
      .argument('<run>', 'name or id')
      .option('-f, --follow', 'go on until the job ends')
      .option('--replica <number>', 'log of this replica', parseIndex)
      .option('--node <number>', 'log of this node; 0 when left out', parseIndex)
      .option('--submission <number>', 'log of this attempt; the latest when left out', parseIndex)
      .option('--since <time>', 'nothing older: 5m, 2h, or 2026-05-01T12:00', parseSince),
  examples: ['berth logs my-run', 'berth logs my-run -f --since 10m', 'berth logs my-run --node 3 > node-3.log'],
  async run(context, options, run) {
    const client = await context.client();
    const notice = reconnectNotice();
    for await (const chunk of logs(client, run, options, { onReconnect: notice })) await writeOut(chunk.bytes);
  },
});
