/** Rows to decide upon: plain ones, and random ones within what a store can hold. */
import {
  INSTANCE_STATUSES,
  type InstanceId,
  type IntentId,
  isJobFinished,
  JOB_END_REASONS,
  JOB_STATUSES,
  type JobId,
  type Millis,
  mayFollow,
  type ProjectId,
  RETRY_EVENTS,
  RUN_STATUSES,
  type RunId,
  type UserId,
} from '@berth/core';
import type { FleetRow, InstanceRow, IntentRow, JobRow, RunRow } from '@berth/store';
import fc from 'fast-check';
import type { Write } from '../decision.ts';
import { newJobs } from '../new-jobs.ts';
import { simOffer } from './sim-cloud.ts';
import { fleetSpec, taskSpec } from './specs.ts';

export const NOW: Millis = 1_700_000_000_000;
export const MINUTE = 60_000;
const PROJECT = 'p1' as ProjectId;

export function runRow(row: Partial<RunRow> = {}): RunRow {
  return {
    id: 'r1' as RunId,
    projectId: PROJECT,
    userId: 'u1' as UserId,
    name: 'task',
    live: true,
    status: 'submitted',
    endReason: null,
    message: null,
    spec: taskSpec(),
    stopRequested: null,
    submission: 0,
    submittedAt: NOW,
    retryWindowAt: NOW,
    nextAttemptAt: null,
    startedAt: null,
    finishedAt: null,
    version: 1,
    ...row,
  };
}

export function jobRow(row: Partial<JobRow> = {}): JobRow {
  const [fresh] = newJobs(runRow(), 0, {}, NOW);
  if (fresh === undefined) throw new Error('A run has at least one job.');
  return { ...fresh, id: `j${row.node ?? 0}` as JobId, version: 1, ...row };
}

export function instanceRow(row: Partial<InstanceRow> = {}): InstanceRow {
  const offer = simOffer({});
  return {
    id: 'i1' as InstanceId,
    projectId: PROJECT,
    fleetId: null,
    name: 'task-1',
    status: 'busy',
    endReason: null,
    message: null,
    backend: offer.backend,
    region: offer.region,
    zone: offer.zone,
    instanceType: offer.instanceType,
    capacityType: offer.capacityType,
    pricePerHour: offer.pricePerHour,
    resources: offer.resources,
    offer,
    token: 'i1',
    cloudId: 'c1',
    address: { kind: 'unix', path: 'i1' },
    internalIp: '10.0.0.1',
    gpuDevices: [],
    agentSecret: 'sealed',
    totalBlocks: 1,
    busyBlocks: 1,
    idleDurationMs: 5 * MINUTE,
    hedgeOf: null,
    createdAt: NOW - MINUTE,
    readyAt: NOW - MINUTE,
    idleSince: null,
    unreachableSince: null,
    terminationRequestedAt: null,
    terminatedAt: null,
    agentEventSeq: 0,
    agentBootId: null,
    version: 1,
    ...row,
  };
}

export function fleetRow(row: Partial<FleetRow> = {}): FleetRow {
  return {
    id: 'f1' as FleetRow['id'],
    projectId: PROJECT,
    userId: 'u1' as UserId,
    name: 'pool',
    live: true,
    status: 'active',
    message: null,
    spec: fleetSpec(),
    attempts: 0,
    nextAttemptAt: null,
    filledAt: null,
    createdAt: NOW,
    finishedAt: null,
    version: 1,
    ...row,
  };
}

export function intentRow(row: Partial<IntentRow> = {}): IntentRow {
  return {
    id: 'x1' as IntentId,
    projectId: PROJECT,
    kind: 'instance.create',
    instanceId: 'i1' as InstanceId,
    backend: 'sim',
    status: 'open',
    uncertain: false,
    attempts: 0,
    looks: 0,
    nextAttemptAt: NOW,
    lastError: null,
    createdAt: NOW,
    settledAt: null,
    version: 1,
    ...row,
  };
}

/** Any time from two hours ago until two hours from now: also what a stepped clock leaves behind. */
export const anyTime = fc.integer({ min: NOW - 120 * MINUTE, max: NOW + 120 * MINUTE });
const maybeTime = fc.option(anyTime, { nil: null });

const anySpec = fc
  .record({
    nodes: fc.integer({ min: 1, max: 4 }),
    startupOrder: fc.constantFrom('any', 'master-first', 'workers-first'),
    stopCriteria: fc.constantFrom('all-done', 'master-done'),
    retry: fc.option(
      fc.record({ onEvents: fc.subarray([...RETRY_EVENTS]), durationMs: fc.constantFrom(MINUTE, 60 * MINUTE) }),
      { nil: null },
    ),
  })
  .map((spec) => taskSpec(spec));

export const anyRun = fc
  .record({
    status: fc.constantFrom(...RUN_STATUSES),
    spec: anySpec,
    stopRequested: fc.constantFrom(null, null, 'stop', 'abort'),
    submission: fc.integer({ min: 0, max: 3 }),
    retryWindowAt: anyTime,
    nextAttemptAt: maybeTime,
    startedAt: maybeTime,
  })
  .map((row) => runRow(row));

/** A job as it can be: what is finished has a reason, what is at an agent has an instance. */
export const anyJob = fc
  .record({
    status: fc.constantFrom(...JOB_STATUSES),
    endReason: fc.constantFrom(...JOB_END_REASONS),
    agentState: fc.constantFrom(null, 'preparing', 'ready', 'running', 'ended'),
    stopRequested: fc.constantFrom(null, null, 'stop', 'abort'),
    stopReason: fc.constantFrom('stopped-by-user', 'aborted-by-user', 'stopped-by-run'),
    stopBy: maybeTime,
    heldFrom: anyTime,
    startedAt: maybeTime,
    finishedAt: anyTime,
    cleanedAt: maybeTime,
    avoidOffers: fc.dictionary(fc.constantFrom('a', 'b', 'c'), anyTime),
  })
  .map((drawn) => {
    const { status, stopRequested } = drawn;
    const held = status !== 'submitted';
    const told = held && status !== 'provisioning';
    const finished = isJobFinished(status);
    // The status says that it is running; then the agent has said so too.
    const agentState =
      status === 'running'
        ? 'running'
        : status === 'pulling' && drawn.agentState === 'running'
          ? 'ready'
          : drawn.agentState;
    const ended = told && agentState === 'ended' && status === 'terminating';
    return jobRow({
      status,
      agentState: told ? agentState : null,
      instanceId: held ? ('i1' as InstanceId) : null,
      heldFrom: held ? drawn.heldFrom : null,
      stopRequested,
      stopReason: stopRequested === null ? null : drawn.stopReason,
      stopBy: told ? drawn.stopBy : null,
      startedAt: told ? drawn.startedAt : null,
      avoidOffers: drawn.avoidOffers,
      endReason: finished || ended ? drawn.endReason : null,
      finishedAt: finished || ended ? drawn.finishedAt : null,
      cleanedAt: ended ? drawn.cleanedAt : null,
      exitStatus: ended || finished ? 0 : null,
    });
  })
  // An agent that has ended a job is heard of in `terminating` only.
  .filter((job) => !(job.agentState === 'ended' && (job.status === 'pulling' || job.status === 'running')));

export const anyInstance = fc
  .record({
    status: fc.constantFrom(...INSTANCE_STATUSES),
    capacityType: fc.constantFrom('on-demand', 'spot'),
    busyBlocks: fc.constantFrom(0, 1),
    cloudId: fc.constantFrom(null, 'c1'),
    address: fc.constantFrom(null, { kind: 'unix', path: 'i1' }),
    fleetId: fc.constantFrom(null, null, 'f1' as FleetRow['id']),
    idleDurationMs: fc.constantFrom(null, 0, 5 * MINUTE),
    createdAt: anyTime,
    readyAt: maybeTime,
    idleSince: maybeTime,
    unreachableSince: maybeTime,
  })
  .map((row) => instanceRow(row));

type Rows = {
  readonly runs: RunRow;
  readonly jobs: JobRow;
  readonly instances: InstanceRow;
  readonly fleets: FleetRow;
  readonly intents: IntentRow;
};

/** The row as the writes leave it. Throws when one of them is not a legal step. */
export function written<T extends keyof Rows>(table: T, row: Rows[T], writes: readonly Write[]): Rows[T] {
  let after = row;
  for (const write of writes) {
    if (!('change' in write) || write.change !== table || write.row.id !== row.id) continue;
    const patch = write.patch as Partial<Rows[T]>;
    after = { ...after, ...patch };
    const kind = table === 'runs' ? 'run' : table === 'jobs' ? 'job' : table === 'instances' ? 'instance' : null;
    if (kind !== null && !mayFollow(kind, row.status as never, after.status as never)) {
      throw new Error(`${kind} went from ${row.status} to ${after.status}`);
    }
  }
  return after;
}

/** How many of the writes are to rows of the table. */
export function countWrites(table: keyof Rows, writes: readonly Write[]): number {
  return writes.filter((write) => 'change' in write && write.change === table).length;
}
