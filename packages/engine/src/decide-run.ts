/**
 * The life of a run: it places its nodes all or none, starts them together, and draws the one
 * conclusion from how they ended. What a single job does is its own (`decide-job.ts`).
 */
import type { JobEndReason, Millis, RetryEvent, RunEndReason, RunStatus } from '@berth/core';
import { isJobFinished, isRunFinished } from '@berth/core';
import type { Insert, JobRow, Patch, RunRow } from '@berth/store';
import { type Decision, NOTHING, type Write } from './decision.ts';
import { RETRY_DELAY } from './timing.ts';

export interface RunSnapshot {
  readonly run: RunRow;
  /** Those of the present submission, by replica and node. */
  readonly jobs: readonly JobRow[];
}

export type RunEffect =
  /** Find instances or offers for every job that has none. */
  | { readonly kind: 'place'; readonly run: RunRow }
  /** Every node is ready: tell the agent of this one to begin. */
  | { readonly kind: 'start'; readonly run: RunRow; readonly job: JobRow };

export function decideRun(snapshot: RunSnapshot, now: Millis): Decision<RunEffect> {
  const { run, jobs } = snapshot;
  if (isRunFinished(run.status)) return NOTHING;
  const live = jobs.filter((job) => !isJobFinished(job.status));

  if (run.stopRequested !== null) return stopping(run, live, now);
  if (run.status === 'pending') return pending(run, jobs, now);
  if (run.status === 'terminating') return closing(run, live, now);

  const failed = jobs.find(isFailure);
  if (failed !== undefined) return failing(run, live, failed, now);
  if (live.length === 0) return close(run, live, 'all-jobs-done', null, now);
  const master = jobs.find((job) => job.node === 0);
  if (run.spec.stopCriteria === 'master-done' && master?.status === 'done') {
    return close(run, live, 'all-jobs-done', null, now);
  }
  return advancing(run, jobs, live, now);
}

/** Ended in a way that is nobody's wish. */
function isFailure(job: JobRow): boolean {
  return isJobFinished(job.status) && job.status !== 'done' && job.endReason !== 'stopped-by-run';
}

function advancing(run: RunRow, jobs: readonly JobRow[], live: readonly JobRow[], now: Millis): Decision<RunEffect> {
  const effects: RunEffect[] = [];
  if (live.some((job) => job.status === 'submitted')) effects.push({ kind: 'place', run });
  for (const job of startable(run, jobs)) effects.push({ kind: 'start', run, job });

  const status = aggregate(jobs);
  const patch: Mutable<Patch<RunRow>> = {};
  if (status !== run.status) patch.status = status;
  if (status === 'running' && run.startedAt === null) patch.startedAt = now;
  // All nodes are up: the window of `retry.duration` begins anew.
  if (status === 'running' && run.status !== 'running') patch.retryWindowAt = now;
  if (run.message !== null && status !== 'submitted') patch.message = null;
  const writes: Write[] = Object.keys(patch).length === 0 ? [] : [{ change: 'runs', row: run, patch }];
  return { writes, effects, wakeAt: null };
}

/** Gang start: nobody begins before everybody is ready; then `startup_order` rules. */
export function startable(run: Pick<RunRow, 'spec'>, jobs: readonly JobRow[]): readonly JobRow[] {
  const begun = (job: JobRow): boolean => job.agentState === 'running' || job.agentState === 'ended';
  const ready = (job: JobRow): boolean => job.status === 'pulling' && job.agentState === 'ready';
  if (!jobs.every((job) => begun(job) || ready(job))) return [];
  const master = jobs.filter((job) => job.node === 0);
  const workers = jobs.filter((job) => job.node !== 0);
  switch (run.spec.startupOrder) {
    case 'any':
      return jobs.filter(ready);
    case 'master-first':
      return master.every(begun) ? workers.filter(ready) : master.filter(ready);
    case 'workers-first':
      return workers.every(begun) ? master.filter(ready) : workers.filter(ready);
  }
}

function aggregate(jobs: readonly JobRow[]): RunStatus {
  if (jobs.some((job) => job.status === 'submitted')) {
    return jobs.every((job) => job.status === 'submitted') ? 'submitted' : 'provisioning';
  }
  if (jobs.some((job) => job.status === 'provisioning' || job.status === 'pulling')) return 'provisioning';
  return 'running';
}

function pending(run: RunRow, jobs: readonly JobRow[], now: Millis): Decision<RunEffect> {
  if (run.nextAttemptAt !== null && now < run.nextAttemptAt) return { ...NOTHING, wakeAt: run.nextAttemptAt };
  const patch: Mutable<Patch<RunRow>> = { status: 'submitted', nextAttemptAt: null };
  // After a stock-out the same jobs are still waiting; after a failure a new submission is made.
  if (jobs.some((job) => !isJobFinished(job.status))) {
    return { writes: [{ change: 'runs', row: run, patch }], effects: [], wakeAt: null };
  }
  patch.submission = run.submission + 1;
  const writes: Write[] = newJobs(run, run.submission + 1, now).map((row) => ({ add: 'jobs', row }));
  writes.unshift({ change: 'runs', row: run, patch });
  return { writes, effects: [], wakeAt: null };
}

/** One job for each node of the one replica that a task has. */
export function newJobs(run: RunRow, submission: number, now: Millis): Omit<Insert<JobRow>, 'id'>[] {
  return Array.from({ length: run.spec.nodes }, (_, node) => ({
    runId: run.id,
    projectId: run.projectId,
    replica: 0,
    node,
    submission,
    status: 'submitted',
    endReason: null,
    message: null,
    exitStatus: null,
    signal: null,
    agentState: null,
    progress: null,
    instanceId: null,
    pricePerHour: null,
    heldFrom: null,
    heldUntil: null,
    stopRequested: null,
    stopReason: null,
    stopBy: null,
    submittedAt: now,
    startedAt: null,
    finishedAt: null,
    avoidOffers: {},
    artifacts: null,
    logBytes: null,
    cleanedAt: null,
  }));
}

function stopping(run: RunRow, live: readonly JobRow[], now: Millis): Decision<RunEffect> {
  const abort = run.stopRequested === 'abort';
  const reason = abort ? 'aborted-by-user' : 'stopped-by-user';
  if (live.length === 0) return end(run, reason, null, now);
  const writes = stopJobs(live, abort ? 'abort' : 'stop', reason);
  if (run.status !== 'terminating') {
    writes.unshift({ change: 'runs', row: run, patch: { status: 'terminating', nextAttemptAt: null } });
  }
  return { writes, effects: [], wakeAt: null };
}

function failing(run: RunRow, live: readonly JobRow[], failed: JobRow, now: Millis): Decision<RunEffect> {
  const event = retryEvent(failed.endReason);
  const retry = run.spec.retry;
  const wanted = event !== null && retry !== null && retry.onEvents.includes(event);
  if (wanted && retry !== null && now < run.retryWindowAt + retry.durationMs) {
    const nextAttemptAt = now + retryDelay(run, now);
    const message = `${describeFailure(failed)} It is tried again.`;
    if (live.length === 0) {
      return {
        writes: [{ change: 'runs', row: run, patch: { status: 'pending', nextAttemptAt, message } }],
        effects: [],
        wakeAt: nextAttemptAt,
      };
    }
    const writes = stopJobs(live, 'stop', 'stopped-by-run');
    writes.unshift({ change: 'runs', row: run, patch: { status: 'terminating', nextAttemptAt, message } });
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
    wakeAt: run.nextAttemptAt,
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
 * A run for which there is no place now. It waits with the jobs it has when `retry` says so: no rows
 * are made for a stock-out, however long it lasts. Otherwise its jobs fail.
 */
export function noPlace(
  run: RunRow,
  waiting: readonly JobRow[],
  message: string,
  retryAt: Millis | null,
  now: Millis,
): readonly Write[] {
  const retry = run.spec.retry;
  const wanted = retry?.onEvents.includes('no-capacity') === true;
  if (retry !== null && wanted && now < run.retryWindowAt + retry.durationMs) {
    const nextAttemptAt = Math.max(now + retryDelay(run, now), Math.min(retryAt ?? 0, now + RETRY_DELAY.maxMs));
    return [{ change: 'runs', row: run, patch: { status: 'pending', nextAttemptAt, message } }];
  }
  return waiting.map((row) => ({
    change: 'jobs',
    row,
    patch: { status: 'failed', endReason: 'no-capacity', message, finishedAt: now },
  }));
}

function retryDelay(run: RunRow, now: Millis): number {
  const soFar = now - run.retryWindowAt;
  return Math.min(RETRY_DELAY.maxMs, Math.max(RETRY_DELAY.minMs, soFar));
}

export function describeFailure(job: JobRow): string {
  const where = `Node ${job.node}`;
  const tail = job.message ? `: ${job.message}` : '.';
  switch (job.endReason) {
    case 'exited':
      return job.signal !== null
        ? `${where} was ended by signal ${job.signal}.`
        : `${where} exited with status ${job.exitStatus ?? '?'}.`;
    case 'no-capacity':
      return job.message ?? 'There is no place for it.';
    case 'agent-lost':
      return `${where}: agent lost${tail}`;
    case 'max-duration':
      return `${where} was ended because its max_duration was over.`;
    default:
      return `${where}: ${job.endReason ?? 'failed'}${tail}`;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
