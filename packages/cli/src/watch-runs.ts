import type { Client } from '@berth/client/client';
import { events } from '@berth/client/follow';
import type { RunView } from '@berth/core/api-schemas';
import { Redrawn } from './output/redrawn.ts';
import { formatRuns } from './output/runs.ts';
import { print } from './output/write.ts';

/** Events come in bursts; one look at the list answers for all of them. */
const BURST_MS = 150;
/** How old a run is changes without any event. */
const AGES_MS = 5_000;

export interface WatchOptions {
  /** One object a line, for a program, instead of a table. */
  readonly json: boolean;
  /** Instead of an empty list. */
  readonly whenEmpty: string;
}

/** Shows the list now and after every change, until the process is interrupted. */
export async function watchRuns(
  client: Client,
  list: () => Promise<RunView[]>,
  { json, whenEmpty }: WatchOptions,
): Promise<never> {
  // On a terminal the list stays in its place; elsewhere every state of it is printed.
  const screen = process.stdout.isTTY && !json ? new Redrawn(process.stdout) : null;
  let runs = await list();
  const show = () => {
    if (json) {
      process.stdout.write(`${JSON.stringify({ runs })}\n`);
      return;
    }
    const text = runs.length === 0 ? whenEmpty : formatRuns(runs, Date.now());
    if (screen === null) print(`${text}\n`);
    else screen.draw(text);
  };
  show();
  if (screen !== null) {
    process.stdout.on('resize', show);
    setInterval(show, AGES_MS).unref();
  }
  let pending = false;
  return new Promise((_, reject) => {
    const refresh = async () => {
      pending = false;
      runs = await list();
      show();
    };
    const follow = async () => {
      for await (const _event of events(client)) {
        if (!pending) setTimeout(() => refresh().catch(reject), BURST_MS);
        pending = true;
      }
      throw new Error('the stream of events ended');
    };
    follow().catch(reject);
  });
}
