import type { Client } from '@berth/client/client';
import { events } from '@berth/client/follow';
import type { RunView } from '@berth/core/api-schemas';
import { formatRuns } from './output/runs.ts';
import { print } from './output/write.ts';

/** Events come in bursts; one look at the list answers for all of them. */
const BURST_MS = 150;

/** Shows the list now and after every change, until the process is interrupted. */
export async function watchRuns(client: Client, list: () => Promise<RunView[]>): Promise<never> {
  let lines = 0;
  const show = async () => {
    const text = formatRuns(await list(), Date.now());
    // On a terminal the list stays in its place; elsewhere every state of it is printed.
    if (process.stdout.isTTY && lines > 0) process.stdout.write(`\x1b[${lines}A\x1b[J`);
    print(`${text}\n`);
    lines = text.split('\n').length;
  };
  await show();
  let pending = false;
  return new Promise((_, reject) => {
    const refresh = () => {
      pending = false;
      show().catch(reject);
    };
    const follow = async () => {
      for await (const _event of events(client)) {
        if (!pending) setTimeout(refresh, BURST_MS);
        pending = true;
      }
      throw new Error('the stream of events ended');
    };
    follow().catch(reject);
  });
}
