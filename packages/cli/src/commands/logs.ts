import { logs } from '@berth/client/follow';
import { Option } from 'commander';
import { defineCommand } from '../command.ts';
import { parseCount, parseIndex } from '../output/parse-option.ts';
import { parseSince } from '../output/parse-since.ts';
import { writeOut } from '../output/pipe.ts';
import { reconnectNotice } from '../output/reconnect-notice.ts';
import { say } from '../output/write.ts';

interface Options {
  readonly follow?: true;
  readonly replica?: number;
  readonly node?: number;
  readonly attempt?: number;
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
      .addOption(
        new Option('--attempt <number>', 'log of this attempt, counted from 1; the latest when left out')
          .argParser(parseCount)
          .conflicts('submission'),
      )
      .addOption(new Option('--submission <number>', 'the same, counted from 0 as in JSON').argParser(parseIndex))
      .option('--since <time>', 'nothing older: 5m, 2h, or 2026-05-01T12:00', parseSince),
  examples: ['berth logs my-run', 'berth logs my-run -f --since 10m', 'berth logs my-run --node 3 > node-3.log'],
  async run(context, { attempt, ...options }, run) {
    const client = await context.client();
    const position = attempt === undefined ? options : { ...options, submission: attempt - 1 };
    let bytes = 0;
    const notice = reconnectNotice();
    for await (const chunk of logs(client, run, position, { onReconnect: notice })) {
      bytes += chunk.bytes.length;
      await writeOut(chunk.bytes);
    }
    // A person would wonder whether the command works.
    if (bytes === 0 && process.stdout.isTTY)
      say(`${run} has not written anything${options.since === undefined ? '' : ' since then'}.\n`);
  },
});
