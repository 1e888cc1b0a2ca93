/** Whether a run is tried again after a failure, and when. */
import type { JobEndReason, Millis, RetryEvent } from '@berth/core';
import type { JobRow, RunRow } from '@berth/store';
import { RAN_WELL_MS, RETRY_DELAY } from './timing.ts';

/** The event of `retry.on_events` that an end amounts to; null: one that is never retried. */
export function retryEvent(reason: JobEndReason | null): RetryEvent | null {
  switch (reason) {
    case 'no-capacity':
    case 'provisioning-failed':
      return 'no-capacity';
    case 'interrupted':
    case 'agent-lost':
      return 'interruption';
    case 'exited':
    case 'image-error':
    case 'setup-error':
      return 'error';
    default:
      return null;
  }
}

/**
 * Whether the configuration wants this event to be retried. What is retried already survives a
 * stock-out on the way: an interruption is most often followed by one.
 */
export function wantsRetry(run: Pick<RunRow, 'spec' | 'submission'>, event: RetryEvent | null): boolean {
  const { retry } = run.spec;
  if (retry === null || event === null) return false;
  return retry.onEvents.includes(event) || (event === 'no-capacity' && run.submission > 0);
}

/** When the window of `retry.duration` began: anew with the failure of a job that had run well. */
export function retryWindow(run: Pick<RunRow, 'retryWindowAt'>, failed: JobRow | null, now: Millis): Millis {
  if (failed === null || failed.startedAt === null) return run.retryWindowAt;
  // Both from the agent's clock, which need not be ours.
  return (failed.finishedAt ?? now) - failed.startedAt >= RAN_WELL_MS ? now : run.retryWindowAt;
}

export function isWithinWindow(run: Pick<RunRow, 'spec'>, windowAt: Millis, now: Millis): boolean {
  return run.spec.retry !== null && now < windowAt + run.spec.retry.durationMs;
}

/** Milliseconds to wait: as long as it has been tried so far, so the waits double. */
export function retryDelay(windowAt: Millis, now: Millis): number {
  return Math.min(RETRY_DELAY.maxMs, Math.max(RETRY_DELAY.minMs, now - windowAt));
}

/** The offers that any of these jobs still avoids. */
export function avoidedOffers(jobs: readonly Pick<JobRow, 'avoidOffers'>[], now: Millis): Record<string, Millis> {
  const avoided: Record<string, Millis> = {};
  for (const job of jobs) {
    for (const [offer, until] of Object.entries(job.avoidOffers)) {
      if (until > now) avoided[offer] = Math.max(until, avoided[offer] ?? 0);
    }
  }
  return avoided;
}
