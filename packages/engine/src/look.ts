/** Reads what a key's decision depends on, inside a transaction, and decides. */
import type { InstanceId, Millis, ProjectId } from '@berth/core';
import { isFleetFinished, isInstanceReady, isJobFinished, isRunFinished } from '@berth/core';
import type { InstanceRow, IntentRow, JobRow, RunRow } from '@berth/store';
import type { Tx } from './books.ts';
import { type BootstrapEffect, lookAtBootstrap } from './bootstraps.ts';
import type { CloudMemory } from './cloud-memory.ts';
import { decideFleet, type FleetEffect } from './decide-fleet.ts';
import { decideInstance, type InstanceEffect } from './decide-instance.ts';
import { decideIntent, type IntentEffect } from './decide-intent.ts';
import { decideJob, type JobEffect } from './decide-job.ts';
import { decideRun, type RunEffect } from './decide-run.ts';
import { type Decision, NOTHING } from './decision.ts';
import { type Hedging, hedgeAfter } from './hedge.ts';
import { type Lane, laneOf, laneOfJob } from './lanes.ts';
import { type AroundEffect, lookAtOrphan, lookAtSweep } from './look-around.ts';
import { jobsOf } from './place-run.ts';
import type { Backends } from './ports.ts';
import { lookAtLine } from './waiting.ts';
import { type Concern, concern, type Key } from './wake.ts';

export type Effect =
  | RunEffect
  | JobEffect
  | InstanceEffect
  | FleetEffect
  | IntentEffect
  | AroundEffect
  | BootstrapEffect;

/** What is not in the store. */
export interface Surroundings {
  readonly now: Millis;
  /** For which is looked; null: there is one server, for all. */
  readonly lane: Lane | null;
  /** Since when this server is there to see what happens in the lane. */
  readonly awakeSince: Millis;
  readonly backends: Pick<Backends, 'get' | 'usable'>;
  readonly clouds: CloudMemory;
  linkedSince(instance: InstanceId | null): Millis | null;
}

export interface Look {
  readonly decision: Decision<Effect>;
  /** Others whose situation is not as it was, because of what is not in the store. */
  readonly concerned: readonly Concern[];
  /** Nothing will ever be decided about it again. */
  readonly over: boolean;
}

const OVER: Look = { decision: NOTHING, concerned: [], over: true };

/** For an instance whose backend is not configured any more. */
const NO_BACKEND_TIMEOUT_MS = 10 * 60_000;

export async function look(tx: Tx, key: Key, around: Surroundings): Promise<Look> {
  const colon = key.indexOf(':');
  const id = key.slice(colon + 1);
  switch (key.slice(0, colon)) {
    case 'run':
      return lookAtRun(tx, id, around);
    case 'job':
      return lookAtJob(tx, id, around);
    case 'instance':
      return lookAtInstance(tx, id, around);
    case 'fleet':
      return lookAtFleet(tx, id, around);
    case 'sweep':
      return {
        decision: await lookAtSweep(tx, id, { ...around, sweeps: around.clouds.sweeps }),
        concerned: [],
        over: false,
      };
    case 'bootstrap':
      return { decision: await lookAtBootstrap(tx, id, around.backends, around.now), concerned: [], over: false };
    case 'orphan':
      return { decision: await lookAtOrphan(tx, id, around.now), concerned: [], over: false };
    case 'line':
      // Made from a project's id in `wake.ts`.
      return {
        decision: await lookAtLine(tx, around.backends, id as ProjectId, around.now),
        concerned: [],
        over: true,
      };
    default:
      return lookAtIntent(tx, id, around);
  }
}

async function lookAtRun(tx: Tx, id: string, { now }: Surroundings): Promise<Look> {
  const run = await tx.read.runs.get(id);
  if (run === null || isRunFinished(run.status)) return OVER;
  return { decision: decideRun({ run, jobs: await jobsOf(tx.read, run) }, now), concerned: [], over: false };
}

async function lookAtJob(tx: Tx, id: string, around: Surroundings): Promise<Look> {
  const job = await tx.read.jobs.get(id);
  if (job === null || isJobFinished(job.status)) return OVER;
  // It has got or lost an instance in the meantime.
  if (around.lane !== null && around.lane !== laneOfJob(job)) {
    return { ...OVER, concerned: [concern('job', job.id, laneOfJob(job))] };
  }
  const run = await tx.read.runs.get(job.runId);
  if (run === null) return OVER;
  const instance = job.instanceId === null ? null : await tx.read.instances.get(job.instanceId);
  const linkedSince = around.linkedSince(job.instanceId);
  const { awakeSince } = around;
  return {
    decision: decideJob(
      {
        job,
        run,
        instance,
        linkedSince,
        awakeSince,
        hedging: await hedgingOf(tx, job, run, instance, around.backends),
      },
      around.now,
    ),
    concerned: [],
    over: false,
  };
}

/** For a single node, whose machine is not ready. */
async function hedgingOf(
  tx: Tx,
  job: JobRow,
  run: RunRow,
  instance: InstanceRow | null,
  backends: Pick<Backends, 'get'>,
): Promise<Hedging | null> {
  if (job.status !== 'provisioning' || run.spec.nodes !== 1 || instance === null) return null;
  const backend = backends.get(instance.projectId, instance.backend);
  const may = run.spec.creationPolicy !== 'reuse' && backend !== null;
  return {
    hedges: await tx.read.instances.find({ where: { hedgeOf: instance.id } }),
    afterMs: may ? hedgeAfter(backend.provisioningTimeoutMs) : null,
  };
}

/** Made for a job that waits on another machine, as long as it does. */
async function isSpare(tx: Tx, { hedgeOf }: InstanceRow): Promise<boolean> {
  if (hedgeOf === null) return false;
  const [waiting] = await tx.read.jobs.find({ where: { instanceId: hedgeOf, status: 'provisioning' }, limit: 1 });
  return waiting === undefined;
}

async function lookAtInstance(tx: Tx, id: string, around: Surroundings): Promise<Look> {
  const instance = await tx.read.instances.get(id);
  if (instance === null) return OVER;
  const openIntents = await tx.read.intents.find({ where: { instanceId: instance.id, status: 'open' } });
  const jobs = await tx.read.jobs.find({
    where: { instanceId: instance.id, status: { in: ['provisioning', 'pulling', 'running', 'terminating'] } },
  });
  const backend = around.backends.get(instance.projectId, instance.backend);
  const snapshot = {
    instance,
    openIntents,
    isSpare: await isSpare(tx, instance),
    linked: around.linkedSince(instance.id) !== null,
    awakeSince: around.awakeSince,
    provisioningTimeoutMs: backend?.provisioningTimeoutMs ?? NO_BACKEND_TIMEOUT_MS,
  };
  return {
    decision: decideInstance(snapshot, around.now),
    concerned: waitingFor(instance, laneOf(instance.id), jobs, openIntents),
    over: instance.status === 'terminated',
  };
}

/** The jobs on an instance that wait for it or its agent, and the intents about it. */
function waitingFor(
  instance: InstanceRow,
  lane: Lane,
  jobs: readonly JobRow[],
  intents: readonly IntentRow[],
): readonly Concern[] {
  const healthy = isInstanceReady(instance.status) && instance.unreachableSince === null;
  const waiting = jobs.filter((job) => !healthy || job.status !== 'running');
  return [
    ...intents.map((intent) => concern('intent', intent.id, lane)),
    ...waiting.map((job) => concern('job', job.id, lane)),
  ];
}

async function lookAtFleet(tx: Tx, id: string, { now }: Surroundings): Promise<Look> {
  const fleet = await tx.read.fleets.get(id);
  if (fleet === null || isFleetFinished(fleet.status)) return OVER;
  const instances = await tx.read.instances.find({ where: { fleetId: fleet.id, status: { not: 'terminated' } } });
  return { decision: decideFleet({ fleet, instances }, now), concerned: [], over: false };
}

async function lookAtIntent(tx: Tx, id: string, { now, clouds }: Surroundings): Promise<Look> {
  const intent = await tx.read.intents.get(id);
  const instance = intent === null ? null : await tx.read.instances.get(intent.instanceId);
  if (intent === null || instance === null || intent.status !== 'open') return OVER;
  const openCreate =
    intent.kind === 'instance.create'
      ? null
      : await tx.read.intents.first({
          where: { instanceId: instance.id, kind: 'instance.create', status: 'open' },
        });
  const heldUntil = clouds.breakers.heldUntil(instance, now);
  return { decision: decideIntent({ intent, instance, openCreate, heldUntil }, now), concerned: [], over: false };
}
