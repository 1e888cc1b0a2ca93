import type { Millis } from '@berth/core';
import { isJobFinished } from '@berth/core';
import type { JobRow, RunRow } from '@berth/store';
import type { Write } from './decision.ts';
import { isWithinWindow, retryDelay, wantsRetry } from './retry.ts';
import { RETRY_DELAY } from './timing.ts';

/**
 * A run for which there is no place now. It waits with the jobs it has when `retry` says so: no rows
 * are made for a stock-out, however long it lasts. Otherwise its jobs fail; so they do when other nodes
 * hold instances already, because those must not be paid for while they wait for a peer.
 *
 * @param retryAt when an offer that is avoided now may be tried again, if there is one
 */
export function noPlace(
  run: RunRow,
  jobs: readonly JobRow[],
  message: string,
  retryAt: Millis | null,
  now: Millis,
): readonly Write[] {
  const waiting = jobs.filter((job) => job.status === 'submitted');
  const holding = jobs.some((job) => job.status !== 'submitted' && !isJobFinished(job.status));
  if (!holding && wantsRetry(run, 'no-capacity') && isWithinWindow(run, run.retryWindowAt, now)) {
    const soonest = now + retryDelay(run.retryWindowAt, now);
    const nextAttemptAt = Math.max(soonest, Math.min(retryAt ?? 0, now + RETRY_DELAY.maxMs));
    return [{ change: 'runs', row: run, patch: { status: 'pending', nextAttemptAt, message } }];
  }
  return waiting.map((row) => ({
    change: 'jobs',
    row,
    patch: { status: 'failed', endReason: 'no-capacity', message, finishedAt: now },
  }));
}
