/**
 * The life of one job: from an instance that is ready, over the agent, to a recorded end that never
 * changes. Placing and the common start of a replica's nodes are the run's (`decide-run.ts`).
 */
import type { JobStatus, Millis } from '@berth/core';
import { isInstanceReady, isJobFinished } from '@berth/core';
import type { InstanceRow, JobRow, Patch, RunRow } from '@berth/store';
import { type Decision, NOTHING, type Write } from './decision.ts';
import { AVOID_OFFER_MS, DRAIN_LIMIT_MS, STOP_OVERDUE_MS, UNREACHABLE_LIMIT_MS } from './timing.ts';

export interface JobSnapshot {
  readonly job: JobRow;
  readonly run: RunRow;
  readonly instance: InstanceRow | null;
  /** The link to the instance's agent is up. */
  readonly linked: boolean;
}

export type JobEffect =
  /** Send blobs and the assignment. */
  | { readonly kind: 'submit'; readonly job: JobRow; readonly instance: InstanceRow }
  | { readonly kind: 'stop'; readonly job: JobRow; readonly instance: InstanceRow; readonly graceMs: number }
  /** Wait for the last of the log, fetch artifacts, let the agent forget the job. */
  | { readonly kind: 'drain'; readonly job: JobRow; readonly instance: InstanceRow };

export function decideJob(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> {
  const { job } = snapshot;
  if (isJobFinished(job.status)) return NOTHING;
  switch (job.status) {
    case 'submitted':
      return job.stopRequested === null ? NOTHING : stopped(snapshot, now);
    case 'provisioning':
      return provisioning(snapshot, now);
    case 'pulling':
    case 'running':
      return atAgent(snapshot, now);
    default:
      return ending(snapshot, now);
  }
}

function provisioning(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> {
  const { job, instance, linked } = snapshot;
  if (job.stopRequested !== null) return stopped(snapshot, now);
  if (instance === null || instance.status === 'terminating' || instance.status === 'terminated') {
    return placeAgain(job, instance, now);
  }
  if (!isInstanceReady(instance.status) || !linked) return NOTHING;
  // Written before the agent is told, so that a job is never at an agent that the books do not name.
  return one({ change: 'jobs', row: job, patch: { status: 'pulling', agentState: null, progress: null } });
}

/** The instance was lost before it had the job: another offer is tried, this one is left alone for a while. */
function placeAgain(job: JobRow, instance: InstanceRow | null, now: Millis): Decision<JobEffect> {
  const avoidOffers: Record<string, Millis> = {};
  for (const [offer, until] of Object.entries(job.avoidOffers)) if (until > now) avoidOffers[offer] = until;
  if (instance !== null) avoidOffers[instance.offer.id] = now + AVOID_OFFER_MS;
  return one({
    change: 'jobs',
    row: job,
    patch: {
      status: 'submitted',
      instanceId: null,
      pricePerHour: null,
      heldFrom: null,
      avoidOffers,
      message: instance?.message ?? null,
    },
  });
}

function atAgent(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> {
  const { job, instance, linked } = snapshot;
  const lost = lostInstance(snapshot, now);
  if (lost !== null) return lost;
  if (job.stopRequested !== null) {
    return one({ change: 'jobs', row: job, patch: { status: 'terminating', progress: null } });
  }
  if (instance === null || !linked || job.agentState !== null) return { ...NOTHING, wakeAt: lostAt(instance) };
  return { writes: [], effects: [{ kind: 'submit', job, instance }], wakeAt: lostAt(instance) };
}

function ending(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> {
  const { job, run, instance, linked } = snapshot;
  if (job.agentState === 'ended') return draining(snapshot, now);
  const lost = lostInstance(snapshot, now);
  if (lost !== null) return lost;
  const graceMs = job.stopRequested === 'abort' ? 0 : run.spec.work.stopDurationMs;
  if (job.stopBy === null || (graceMs === 0 && job.stopBy > now + STOP_OVERDUE_MS)) {
    return one({ change: 'jobs', row: job, patch: { stopBy: now + graceMs + STOP_OVERDUE_MS } });
  }
  if (now >= job.stopBy && linked && instance !== null) {
    const message = 'The agent did not end the job in time; its instance is given back.';
    return finish(snapshot, now, { message }, { status: 'terminating', endReason: 'unreachable', message });
  }
  const wakeAt = Math.max(job.stopBy, now + 1_000);
  if (!linked || instance === null) return { ...NOTHING, wakeAt };
  return { writes: [], effects: [{ kind: 'stop', job, instance, graceMs }], wakeAt };
}

/** The end is known; the instance is held until the last of log and artifacts is here. */
function draining(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> {
  const { job, instance, linked } = snapshot;
  if (job.cleanedAt !== null) return finish(snapshot, now, {});
  const giveUpAt = (job.finishedAt ?? now) + DRAIN_LIMIT_MS;
  const gone = instance === null || instance.status === 'terminated';
  if (gone || now >= giveUpAt) {
    const what = gone ? 'its instance is gone' : 'they could not be stored in time';
    const message = [job.message, `The rest of its log and its artifacts are lost: ${what}.`].filter(Boolean).join(' ');
    return finish(snapshot, now, { message });
  }
  if (!linked) return { ...NOTHING, wakeAt: giveUpAt };
  return { writes: [], effects: [{ kind: 'drain', job, instance }], wakeAt: giveUpAt };
}

/** The job ends with its instance, when that is gone or has been silent for too long. */
function lostInstance(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> | null {
  const { job, instance } = snapshot;
  const gone = instance === null || instance.status === 'terminating' || instance.status === 'terminated';
  const silent =
    instance !== null && instance.unreachableSince !== null && now >= instance.unreachableSince + UNREACHABLE_LIMIT_MS;
  if (!gone && !silent) return null;
  if (job.stopReason !== null) return finish(snapshot, now, { finishedAt: now });
  const reason = instance?.capacityType === 'spot' ? 'interrupted' : 'agent-lost';
  const message = gone ? (instance?.message ?? 'Its instance is gone.') : 'Its instance cannot be reached.';
  return finish(snapshot, now, { endReason: reason, message, finishedAt: now });
}

function lostAt(instance: InstanceRow | null): Millis | null {
  return instance?.unreachableSince == null ? null : instance.unreachableSince + UNREACHABLE_LIMIT_MS;
}

/** Stopped before an agent knew of it. */
function stopped(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> {
  return finish(snapshot, now, { finishedAt: now });
}

function finish(
  snapshot: JobSnapshot,
  now: Millis,
  outcome: Patch<JobRow>,
  lastly: Patch<InstanceRow> | null = null,
): Decision<JobEffect> {
  const { job, instance } = snapshot;
  const ended: JobRow = { ...job, ...outcome };
  const endReason = ended.endReason ?? job.stopReason ?? 'agent-lost';
  const writes: Write[] = [
    {
      change: 'jobs',
      row: job,
      patch: {
        ...outcome,
        endReason,
        status: finalStatus({ endReason, exitStatus: ended.exitStatus, signal: ended.signal }),
        progress: null,
        finishedAt: ended.agentState === 'ended' ? (ended.finishedAt ?? now) : now,
        heldUntil: job.heldFrom === null ? null : now,
      },
    },
  ];
  if (instance !== null) {
    const patch = { ...release(instance, now), ...(lastly === null ? {} : { ...lastly, terminationRequestedAt: now }) };
    if (Object.keys(patch).length > 0) writes.push({ change: 'instances', row: instance, patch });
  }
  return { writes, effects: [], wakeAt: null };
}

/** Gives the job's block back. */
export function release(instance: InstanceRow, now: Millis): Patch<InstanceRow> {
  if (instance.status === 'terminated') return {};
  const busyBlocks = Math.max(0, instance.busyBlocks - 1);
  if (busyBlocks > 0) return { busyBlocks };
  return instance.status === 'busy' ? { busyBlocks, status: 'idle', idleSince: now } : { busyBlocks, idleSince: now };
}

/** The status that an outcome amounts to. */
export function finalStatus(outcome: Pick<JobRow, 'endReason' | 'exitStatus' | 'signal'>): JobStatus {
  switch (outcome.endReason) {
    case 'exited':
      return outcome.exitStatus === 0 && outcome.signal === null ? 'done' : 'failed';
    case 'stopped-by-user':
    case 'stopped-by-run':
      return 'terminated';
    case 'aborted-by-user':
      return 'aborted';
    default:
      return 'failed';
  }
}

function one(write: Write): Decision<JobEffect> {
  return { writes: [write], effects: [], wakeAt: null };
}
