/**
 * The life of a run: it places its nodes all or none, starts them together, and draws the one
 * conclusion from how they ended. What a single job does is its own (`decide-job.ts`).
 */
import type { JobEndReason, Millis, RunEndReason, RunStatus } from '@berth/core';
import { isJobFinished, isRunFinished } from '@berth/core';
import type { JobRow, Patch, RunRow } from '@berth/store';
import { type Decision, NOTHING, type Write } from './decision.ts';
import { describeFailure } from './describe.ts';
import { newJobs } from './new-jobs.ts';
import { avoidedOffers, isWithinWindow, retryDelay, retryEvent, retryWindow, wantsRetry } from './retry.ts';
import { startable } from './startup.ts';
import { isDue, RETRY_DELAY } from './timing.ts';

export interface RunSnapshot {
  readonly run: RunRow;
  /** Those of the present submission, by replica and node. */
  readonly jobs: readonly JobRow[];
}

/** Find instances or offers for every job that has none. */
export interface RunEffect {
  readonly kind: 'place';
  readonly run: RunRow;
}

export function decideRun(snapshot: RunSnapshot, now: Millis): Decision<RunEffect> {
  const { run, jobs } = snapshot;
  if (isRunFinished(run.status)) return NOTHING;
  const live = jobs.filter((job) => !isJobFinished(job.status));

  if (run.stopRequested !== null) return stopping(run, jobs, live, now);
  if (run.status === 'pending') return pending(run, jobs, now);
  if (run.status === 'terminating') return closing(run, live, now);

  // Before failures: when the master is done, workers often die of its absence.
  const master = jobs.find((job) => job.node === 0);
  if (run.spec.stopCriteria === 'master-done' && master?.status === 'done') {
    return close(run, live, 'all-jobs-done', null, now);
  }
  const failed = firstFailure(jobs);
  if (failed !== null) return failing(run, live, failed, now);
  if (live.length === 0) return close(run, live, 'all-jobs-done', null, now);
  return advancing(run, jobs, live, now);
}

/** Of several, the earliest: the others may be its consequences. */
function firstFailure(jobs: readonly JobRow[]): JobRow | null {
  const failures = jobs.filter(isFailure);
  return failures.reduce<JobRow | null>(
    (first, job) => (first === null || (job.finishedAt ?? 0) < (first.finishedAt ?? 0) ? job : first),
    null,
  );
}

/** Ended in a way that is nobody's wish. */
function isFailure(job: JobRow): boolean {
  return isJobFinished(job.status) && job.status !== 'done' && job.endReason !== 'stopped-by-run';
}

function advancing(run: RunRow, jobs: readonly JobRow[], live: readonly JobRow[], now: Millis): Decision<RunEffect> {
  const effects: RunEffect[] = [];
  if (live.some((job) => job.status === 'submitted')) effects.push({ kind: 'place', run });
  const status = aggregate(jobs);
  const patch: Mutable<Patch<RunRow>> = {};
  if (status !== run.status) patch.status = status;
  if (status === 'running' && run.startedAt === null) patch.startedAt = now;
  if (run.message !== null && status !== 'submitted') patch.message = null;
  const writes: Write[] = Object.keys(patch).length === 0 ? [] : [{ change: 'runs', row: run, patch }];
  // Written, because another server may hold the machine: whoever does tells its agent.
  for (const row of startable(run, jobs)) {
    if (row.startOrderedAt === null) writes.push({ change: 'jobs', row, patch: { startOrderedAt: now } });
  }
  return { writes, effects, wakeAt: null };
}

function aggregate(jobs: readonly JobRow[]): RunStatus {
  if (jobs.some((job) => job.status === 'submitted')) {
    return jobs.every((job) => job.status === 'submitted') ? 'submitted' : 'provisioning';
  }
  if (jobs.some((job) => job.status === 'provisioning' || job.status === 'pulling')) return 'provisioning';
  return 'running';
}

function pending(run: RunRow, jobs: readonly JobRow[], now: Millis): Decision<RunEffect> {
  if (!isDue(run.nextAttemptAt, now, RETRY_DELAY.maxMs)) return { ...NOTHING, wakeAt: run.nextAttemptAt };
  const patch: Mutable<Patch<RunRow>> = { status: 'submitted', nextAttemptAt: null };
  const writes: Write[] = [{ change: 'runs', row: run, patch }];
  // After a stock-out the same jobs are still waiting; after a failure a new submission is made.
  if (jobs.every((job) => isJobFinished(job.status))) {
    patch.submission = run.submission + 1;
    for (const row of newJobs(run, run.submission + 1, avoidedOffers(jobs, now), now)) {
      writes.push({ add: 'jobs', row });
    }
  }
  return { writes, effects: [], wakeAt: null };
}

function stopping(run: RunRow, jobs: readonly JobRow[], live: readonly JobRow[], now: Millis): Decision<RunEffect> {
  const abort = run.stopRequested === 'abort';
  const reason = abort ? 'aborted-by-user' : 'stopped-by-user';
  if (run.status !== 'terminating') {
    const writes = stopJobs(live, abort ? 'abort' : 'stop', reason);
    writes.unshift({ change: 'runs', row: run, patch: { status: 'terminating', nextAttemptAt: null } });
    return { writes, effects: [], wakeAt: null };
  }
  if (live.length > 0) {
    return { writes: stopJobs(live, abort ? 'abort' : 'stop', reason), effects: [], wakeAt: null };
  }
  // The wish may have come when the end was there already, or was being drawn.
  const done = jobs.length > 0 && jobs.every((job) => job.status === 'done');
  return end(run, run.endReason ?? (done ? 'all-jobs-done' : reason), run.endReason === null ? null : run.message, now);
}

function failing(run: RunRow, live: readonly JobRow[], failed: JobRow, now: Millis): Decision<RunEffect> {
  const wanted = wantsRetry(run, retryEvent(failed.endReason));
  const windowAt = retryWindow(run, failed, now);
  if (wanted && isWithinWindow(run, windowAt, now)) {
    const patch: Mutable<Patch<RunRow>> = {
      nextAttemptAt: now + retryDelay(windowAt, now),
      message: `${describeFailure(failed)} It is tried again.`,
      ...(windowAt === run.retryWindowAt ? {} : { retryWindowAt: windowAt }),
    };
    const status = live.length === 0 ? 'pending' : 'terminating';
    const writes = stopJobs(live, 'stop', 'stopped-by-run');
    writes.unshift({ change: 'runs', row: run, patch: { ...patch, status } });
    return { writes, effects: [], wakeAt: null };
  }
  const reason: RunEndReason =
    failed.endReason === 'no-capacity' ? 'no-capacity' : wanted ? 'retry-limit-exceeded' : 'job-failed';
  return close(run, live, reason, describeFailure(failed), now);
}

/** Ends the run, after the jobs that still live have been stopped. */
function close(
  run: RunRow,
  live: readonly JobRow[],
  reason: RunEndReason,
  message: string | null,
  now: Millis,
): Decision<RunEffect> {
  if (live.length === 0) return end(run, reason, message, now);
  const writes = stopJobs(live, 'stop', 'stopped-by-run');
  writes.unshift({ change: 'runs', row: run, patch: { status: 'terminating', endReason: reason, message } });
  return { writes, effects: [], wakeAt: null };
}

/** Its jobs are being stopped; what happens then was written down when that began. */
function closing(run: RunRow, live: readonly JobRow[], now: Millis): Decision<RunEffect> {
  if (live.length > 0) return { writes: stopJobs(live, 'stop', 'stopped-by-run'), effects: [], wakeAt: null };
  if (run.endReason !== null) return end(run, run.endReason, run.message, now);
  return {
    writes: [{ change: 'runs', row: run, patch: { status: 'pending' } }],
    effects: [],
    wakeAt: null,
  };
}

function end(run: RunRow, reason: RunEndReason, message: string | null, now: Millis): Decision<RunEffect> {
  const status: RunStatus =
    reason === 'all-jobs-done'
      ? 'done'
      : reason === 'stopped-by-user' || reason === 'aborted-by-user'
        ? 'terminated'
        : 'failed';
  const patch: Patch<RunRow> = {
    status,
    endReason: reason,
    message,
    live: false,
    finishedAt: now,
    nextAttemptAt: null,
  };
  return { writes: [{ change: 'runs', row: run, patch }], effects: [], wakeAt: null };
}

/** Only what is not yet said is written, so that a repeated decision writes nothing. */
function stopJobs(live: readonly JobRow[], how: 'stop' | 'abort', reason: JobEndReason): Write[] {
  return live
    .filter((job) => job.stopRequested === null || (how === 'abort' && job.stopRequested === 'stop'))
    .map((row) => ({
      change: 'jobs',
      row,
      // An end that is recorded already is not given another reason.
      patch: { stopRequested: how, stopReason: row.agentState === 'ended' ? row.stopReason : reason },
    }));
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
