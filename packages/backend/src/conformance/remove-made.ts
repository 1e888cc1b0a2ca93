/** Ends what a check made, whatever became of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreateRequest } from '../contract.ts';
import type { ConfiguredBackend } from '../registry.ts';
import type { Bench } from './bench.ts';
import { wordsOf } from './rule.ts';

export interface Made {
  readonly request: CreateRequest;
  readonly backend: ConfiguredBackend;
  /** Those that were told; there may be others. */
  readonly cloudIds: Set<string>;
}

/** Resolves with what is still there when patience is at its end: ids, or the name where not even those are known. */
export async function removeMade(bench: Bench, { request, backend, cloudIds }: Made): Promise<readonly string[]> {
  const { stage, isLive } = bench;
  const { pace, listLagMs } = stage;
  // Not the check's own signal: it may be over, and machines cost money.
  const call = bench.call(new AbortController().signal);
  const find = async (): Promise<readonly string[]> => {
    if (!isLive) return (await bench.billed(request)).map(({ cloudId }) => cloudId);
    const listed = await backend.compute.list(call);
    const own = listed.filter(({ token, state }) => token === request.token && state !== 'terminated');
    return own.map(({ cloudId }) => cloudId);
  };
  const end = Date.now() + pace.cleanMs;
  // A new machine may be listed late: on a real account, gone is what is gone twice.
  const looks = isLive ? 2 : 1;
  const pauseMs = isLive ? Math.max(pace.pollMs, listLagMs / looks) : pace.pollMs;
  let ids: readonly string[] = [...cloudIds];
  for (let seenGone = 0; ; ) {
    for (const cloudId of ids) {
      await backend.compute.terminate(bench.refOf(request, { cloudId }), call).catch((error: unknown) => {
        bench.did(`cleaning up, terminate ${cloudId}: ${wordsOf(error)}`);
      });
    }
    const left = await find().catch(() => null); // asked again below
    seenGone = left?.length === 0 ? seenGone + 1 : 0;
    if (seenGone >= looks) break;
    ids = left ?? ids;
    if (Date.now() > end) return ids.length > 0 ? ids : [request.name];
    await sleep(pauseMs);
  }
  await stage.options.live?.journal.gone(request.token);
  return [];
}
