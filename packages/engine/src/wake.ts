/** Who must look again because something was written: exactly the things whose decision may depend on it. */
import { isFleetFinished, isJobFinished, isRunFinished } from '@berth/core';
import type { InstanceRow, JobRow } from '@berth/store';
import type { Touched } from './books.ts';
import { type Lane, laneOf, laneOfJob } from './lanes.ts';

/**
 * `line`: the runs of a project that wait for a place. `sweep`: a backend's list against the books, by
 * `<project>/<backend>`. `bootstrap`: what machines of a place share, by `<project>/<backend>/<region>`.
 */
export type Kind = 'run' | 'job' | 'instance' | 'fleet' | 'intent' | 'line' | 'sweep' | 'orphan' | 'bootstrap';
export type Key = `${Kind}:${string}`;

/** A key, and the lane in which it is handled. */
export interface Concern {
  readonly key: Key;
  readonly lane: Lane;
}

export function concernedBy(touched: Touched): readonly Concern[] {
  switch (touched.table) {
    case 'runs':
      return isRunFinished(touched.row.status) ? [] : [concern('run', touched.row.id)];
    case 'jobs':
      return byJob(touched.row, touched.fields);
    case 'instances':
      return byInstance(touched.row, touched.fields);
    case 'fleets':
      return isFleetFinished(touched.row.status) ? [] : [concern('fleet', touched.row.id)];
    case 'intents': {
      // What it settled is seen by the instance; what it put off comes back at its time.
      const { id, instanceId, status } = touched.row;
      return [status === 'open' ? concern('intent', id, laneOf(instanceId)) : concern('instance', instanceId)];
    }
    case 'orphans':
      return touched.row.status === 'terminating'
        ? [concern('orphan', touched.row.id, laneOfBackend(touched.row))]
        : [];
    case 'bootstraps':
      return touched.row.status === 'removing' ? [bootstrapConcern(touched.row)] : [];
    case 'failures':
      return [];
  }
}

/** The thing itself, when nothing will ever be decided about it again. */
export function overBy(touched: Touched): Concern | null {
  switch (touched.table) {
    case 'runs':
      return isRunFinished(touched.row.status) ? concern('run', touched.row.id) : null;
    case 'jobs':
      return isJobFinished(touched.row.status) ? concern('job', touched.row.id, laneOfJob(touched.row)) : null;
    case 'fleets':
      return isFleetFinished(touched.row.status) ? concern('fleet', touched.row.id) : null;
    case 'intents': {
      const { id, instanceId, status } = touched.row;
      return status === 'open' ? null : concern('intent', id, laneOf(instanceId));
    }
    case 'instances':
      return null; // its link is still to be let go
    case 'orphans':
      return touched.row.status === 'gone' ? concern('orphan', touched.row.id, laneOfBackend(touched.row)) : null;
    case 'bootstraps':
    case 'failures':
      return null;
  }
}

/** Of a thing that is its own anchor, unless a lane is given. */
export function concern(kind: Kind, id: string, lane: Lane = laneOf(id)): Concern {
  return { key: `${kind}:${id}`, lane };
}

type OfBackend = Pick<InstanceRow, 'projectId' | 'backend'>;

/** What is a backend's and no single machine's. */
export function laneOfBackend({ projectId, backend }: OfBackend): Lane {
  return laneOf(`${projectId}/${backend}`);
}

export function sweepConcern(of: OfBackend): Concern {
  return concern('sweep', `${of.projectId}/${of.backend}`);
}

export function bootstrapConcern(of: OfBackend & Pick<InstanceRow, 'region'>): Concern {
  return concern('bootstrap', `${of.projectId}/${of.backend}/${of.region}`, laneOfBackend(of));
}

function byJob(row: JobRow, fields: readonly string[] | null): readonly Concern[] {
  const run = concern('run', row.runId);
  const own = concern('job', row.id, laneOfJob(row));
  // Placing it is the run's affair, and so is what follows from its end.
  if (fields === null || isJobFinished(row.status)) return [run];
  const progress = isOnly(fields, ['progress', 'agentState', 'status', 'startedAt']);
  if (progress && row.stopRequested === null) {
    if (isOnly(fields, ['progress']) || row.agentState === 'preparing') return [];
    // On its way at the agent: the run may start it, or its peers.
    if (row.agentState === 'ready' && row.startOrderedAt !== null) return [own];
    if (row.agentState === 'ready' || row.agentState === 'running') return [run];
  }
  return isAny(fields, ['status', 'agentState']) ? [own, run] : [own];
}

function byInstance(row: InstanceRow, fields: readonly string[] | null): readonly Concern[] {
  // What an agent's journal has acknowledged decides nothing; and what was just taken by a job wants nothing else.
  if (isOnly(fields, ['agentEventSeq'])) return [];
  if (row.status === 'busy' && isOnly(fields, ['status', 'busyBlocks', 'idleSince'])) return [];
  const concerns = [concern('instance', row.id)];
  if (row.fleetId !== null) concerns.push(concern('fleet', row.fleetId));
  // Two machines are made for one job: whichever is ready, or given up, is for the job to see.
  if (row.hedgeOf !== null) concerns.push(concern('instance', row.hedgeOf));
  // A spot machine that was taken back is silent first, and then missing in the cloud's list.
  if (row.unreachableSince !== null && fields?.includes('unreachableSince')) concerns.push(sweepConcern(row));
  if (row.status === 'terminated') concerns.push(bootstrapConcern(row));
  if (row.status === 'idle' && (fields === null || isAny(fields, ['status']))) {
    concerns.push(concern('line', row.projectId));
  }
  return concerns;
}

function isOnly(fields: readonly string[] | null, names: readonly string[]): boolean {
  return fields?.every((field) => names.includes(field)) ?? false;
}

function isAny(fields: readonly string[], names: readonly string[]): boolean {
  return fields.some((field) => names.includes(field));
}
