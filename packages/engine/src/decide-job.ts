/**
 * The life of one job: from an instance that is ready, over the agent, to a recorded end that never
 * changes. Placing, and the order to start that all nodes get together, are the run's (`decide-run.ts`).
 */
import type { JobStatus, Millis } from '@berth/core';
import { isInstanceReady, isJobFinished } from '@berth/core';
import type { InstanceRow, JobRow, Patch, RunRow } from '@berth/store';
import { type Decision, NOTHING, sooner, type Write } from './decision.ts';
import { changeOver, giveUpHedge, type Hedging, hedgeDueAt, hedgeWins, liveHedge } from './hedge.ts';
import { giveUpAt } from './reach.ts';
import { avoidedOffers } from './retry.ts';
import {
  AVOID_BROKEN_OFFER_MS,
  AVOID_OFFER_MS,
  DRAIN_LIMIT_MS,
  isDue,
  STOP_OVERDUE_MS,
  SUBMIT_LIMIT_MS,
} from './timing.ts';

export interface JobSnapshot {
  readonly job: JobRow;
  readonly run: RunRow;
  readonly instance: InstanceRow | null;
  /** Since when the link to the instance's agent is up; null: it is down. */
  readonly linkedSince: Millis | null;
  /** Since when this engine is there to see what happens: silence before that proves nothing. */
  readonly awakeSince: Millis;
  /** Of a job whose instance is being made; null: there is nothing of the kind. */
  readonly hedging: Hedging | null;
}

export type JobEffect =
  /** Its instance takes too long: make another one beside it. */
  | { readonly kind: 'hedge'; readonly job: JobRow; readonly instance: InstanceRow }
  /** All nodes are ready and the run has said so: let it begin. */
  | { readonly kind: 'start'; readonly job: JobRow; readonly instance: InstanceRow }
  /** Send blobs and the assignment. */
  | { readonly kind: 'submit'; readonly job: JobRow; readonly instance: InstanceRow }
  | { readonly kind: 'stop'; readonly job: JobRow; readonly instance: InstanceRow; readonly graceMs: number }
  /** Wait for the last of the log, fetch artifacts, let the agent forget the job. */
  | { readonly kind: 'drain'; readonly job: JobRow; readonly instance: InstanceRow }
  /** What is left at the agent cannot be had and shall not stay there. */
  | { readonly kind: 'forget'; readonly job: JobRow; readonly instance: InstanceRow };

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
  const { job, instance, linkedSince, hedging } = snapshot;
  if (job.stopRequested !== null) {
    const ended = stopped(snapshot, now);
    return { ...ended, writes: [...ended.writes, ...giveUpHedge(hedging, 'The job was stopped.', now)] };
  }
  const hedge = liveHedge(hedging);
  if (hedge !== null && hedgeWins(hedge, instance)) {
    const left = instance === null ? {} : release(instance, now);
    const avoidOffers = avoidedFrom(job, isGone(instance) ? instance : null, now);
    return { writes: changeOver(job, hedge, instance, { avoidOffers }, left, now), effects: [], wakeAt: null };
  }
  if (instance === null || isGone(instance)) return placeAgain(job, instance, now);
  // The instance has deadlines of its own, and wakes the job when it is ready or given up.
  if (!isInstanceReady(instance.status)) {
    const dueAt = hedgeDueAt(job, instance, hedging, snapshot.awakeSince);
    if (dueAt === null || now < dueAt) return { ...NOTHING, wakeAt: dueAt };
    return { writes: [], effects: [{ kind: 'hedge', job, instance }], wakeAt: null };
  }
  if (linkedSince === null) return NOTHING;
  // Written before the agent is told, so that a job is never at an agent that the books do not name.
  // A node without peers has nobody to wait for: it may start as soon as it is ready.
  const startOrderedAt = snapshot.run.spec.nodes === 1 ? now : null;
  const patch = { status: 'pulling', agentState: null, progress: null, startOrderedAt } as const;
  const rivals = giveUpHedge(hedging, `${instance.name} was ready first.`, now);
  return { writes: [{ change: 'jobs', row: job, patch }, ...rivals], effects: [], wakeAt: null };
}

/** What the job leaves alone from now on. */
function avoidedFrom(job: JobRow, instance: InstanceRow | null, now: Millis): JobRow['avoidOffers'] {
  const avoidOffers = avoidedOffers([job], now);
  // What a cloud refuses is remembered for everybody (`failures.ts`); what became of a machine is this job's own lesson.
  if (instance !== null && instance.endReason !== 'create-failed') {
    const broken = instance.endReason === 'provisioning-timeout';
    avoidOffers[instance.offer.id] = now + (broken ? AVOID_BROKEN_OFFER_MS : AVOID_OFFER_MS);
  }
  return avoidOffers;
}

/** The instance was lost before it had the job: another offer is tried, this one is left alone for a while. */
function placeAgain(job: JobRow, instance: InstanceRow | null, now: Millis): Decision<JobEffect> {
  const avoidOffers = avoidedFrom(job, instance, now);
  const writes: Write[] = [
    {
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
    },
  ];
  return { writes: [...writes, ...released(instance, now)], effects: [], wakeAt: null };
}

function atAgent(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> {
  const { job, instance, linkedSince } = snapshot;
  const lost = lostInstance(snapshot, now);
  if (lost !== null) return lost;
  if (job.stopRequested !== null) {
    return one({ change: 'jobs', row: job, patch: { status: 'terminating', progress: null } });
  }
  const wakeAt = lostAt(snapshot);
  if (instance === null || linkedSince === null) return { ...NOTHING, wakeAt };
  if (job.agentState === 'ready' && job.startOrderedAt !== null) {
    return { writes: [], effects: [{ kind: 'start', job, instance }], wakeAt };
  }
  if (job.agentState !== null) return { ...NOTHING, wakeAt };
  const submitBy = Math.max(job.heldFrom ?? 0, instance.readyAt ?? 0, snapshot.awakeSince) + SUBMIT_LIMIT_MS;
  if (now >= submitBy) {
    const message = `Its agent did not take the job within ${SUBMIT_LIMIT_MS / 60_000} min.`;
    const patch = { status: 'terminating', stopRequested: 'abort', stopReason: 'setup-error', message } as const;
    return one({ change: 'jobs', row: job, patch });
  }
  return { writes: [], effects: [{ kind: 'submit', job, instance }], wakeAt: sooner(wakeAt, submitBy) };
}

function ending(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> {
  const { job, run, instance, linkedSince } = snapshot;
  if (job.agentState === 'ended') return draining(snapshot, now);
  const lost = lostInstance(snapshot, now);
  if (lost !== null) return lost;
  const graceMs = job.stopRequested === 'abort' ? 0 : run.spec.work.stopDurationMs;
  const longestMs = graceMs + STOP_OVERDUE_MS;
  // An abort shortens what a stop has granted; a time beyond all grace is from before the clock was set back.
  if (job.stopBy === null || job.stopBy > now + longestMs) {
    return one({ change: 'jobs', row: job, patch: { stopBy: now + longestMs } });
  }
  // The link wakes the job when it is back, the instance when it is given up.
  if (instance === null || linkedSince === null) return { ...NOTHING, wakeAt: lostAt(snapshot) };
  const dueAt = dueWhileLinked(job.stopBy, linkedSince);
  if (now >= dueAt) {
    const message = 'The agent did not end the job in time; its instance is given back.';
    return finish(snapshot, now, { message }, { status: 'terminating', endReason: 'unreachable', message });
  }
  return { writes: [], effects: [{ kind: 'stop', job, instance, graceMs }], wakeAt: dueAt };
}

/** The end is known; the instance is held until the last of log and artifacts is here. */
function draining(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> {
  const { job, instance, linkedSince } = snapshot;
  if (job.cleanedAt !== null) return finish(snapshot, now, {});
  if (instance === null || isGone(instance)) return unfinished(snapshot, 'its instance is gone', now);
  if (linkedSince === null) {
    const lost = lostInstance(snapshot, now);
    return lost === null ? { ...NOTHING, wakeAt: lostAt(snapshot) } : unfinished(snapshot, 'it cannot be reached', now);
  }
  const dueAt = dueWhileLinked(job.stopBy ?? 0, linkedSince);
  if (isDue(dueAt, now, DRAIN_LIMIT_MS)) {
    const finished = unfinished(snapshot, 'it could not be stored in time', now);
    return { ...finished, effects: [{ kind: 'forget', job, instance }] };
  }
  return { writes: [], effects: [{ kind: 'drain', job, instance }], wakeAt: dueAt };
}

/** Its end is as it was reported, but not all that it left is here. */
function unfinished(snapshot: JobSnapshot, why: string, now: Millis): Decision<JobEffect> {
  const { job } = snapshot;
  const what = job.artifacts === null ? 'The rest of its log is' : 'The rest of its log and its artifacts are';
  return finish(snapshot, now, { message: [job.message, `${what} lost: ${why}.`].filter(Boolean).join(' ') });
}

/** An agent that was out of reach when its time ran out may have kept it: it gets a while to say so. */
function dueWhileLinked(at: Millis, linkedSince: Millis): Millis {
  return Math.max(at, linkedSince + STOP_OVERDUE_MS);
}

/** The job ends with its instance, when that is gone or has been silent for too long. */
function lostInstance(snapshot: JobSnapshot, now: Millis): Decision<JobEffect> | null {
  const { job, instance } = snapshot;
  const gone = instance === null || isGone(instance);
  const silentUntil = lostAt(snapshot);
  if (!gone && (silentUntil === null || now < silentUntil)) return null;
  if (job.stopReason !== null) return finish(snapshot, now, { finishedAt: now });
  const reason = instance?.capacityType === 'spot' ? 'interrupted' : 'agent-lost';
  const message = gone ? (instance?.message ?? 'Its instance is gone.') : 'Its instance cannot be reached.';
  return finish(snapshot, now, { endReason: reason, message, finishedAt: now });
}

function lostAt({ instance, awakeSince }: JobSnapshot): Millis | null {
  return instance === null ? null : giveUpAt(instance, awakeSince);
}

/** Given back, or known to be on its way: nothing on it can be reached any more. */
function isGone(instance: InstanceRow | null): boolean {
  return instance === null || instance.status === 'terminating' || instance.status === 'terminated';
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
  writes.push(...released(instance, now, lastly === null ? {} : { ...lastly, terminationRequestedAt: now }));
  return { writes, effects: [], wakeAt: null };
}

function released(instance: InstanceRow | null, now: Millis, lastly: Patch<InstanceRow> = {}): Write[] {
  if (instance === null) return [];
  const patch = { ...release(instance, now), ...lastly };
  return Object.keys(patch).length === 0 ? [] : [{ change: 'instances', row: instance, patch }];
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
