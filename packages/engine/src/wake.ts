/** Who must look again because something was written: exactly the things whose decision may depend on it. */
import { isFleetFinished, isJobFinished, isRunFinished } from '@berth/core';
import type { InstanceRow, JobRow } from '@berth/store';
import type { Touched } from './books.ts';

/** `line`: the runs of a project that wait for a place. */
export type Key = `${'run' | 'job' | 'instance' | 'fleet' | 'intent' | 'line'}:${string}`;

export function concernedBy(touched: Touched): readonly Key[] {
  switch (touched.table) {
    case 'runs':
      return isRunFinished(touched.row.status) ? [] : [`run:${touched.row.id}`];
    case 'jobs':
      return byJob(touched.row, touched.fields);
    case 'instances':
      return byInstance(touched.row, touched.fields);
    case 'fleets':
      return isFleetFinished(touched.row.status) ? [] : [`fleet:${touched.row.id}`];
    case 'intents':
      // What it settled is seen by the instance; what it put off comes back at its time.
      return [touched.row.status === 'open' ? `intent:${touched.row.id}` : `instance:${touched.row.instanceId}`];
  }
}

/** The thing itself, when nothing will ever be decided about it again. */
export function overBy(touched: Touched): Key | null {
  switch (touched.table) {
    case 'runs':
      return isRunFinished(touched.row.status) ? `run:${touched.row.id}` : null;
    case 'jobs':
      return isJobFinished(touched.row.status) ? `job:${touched.row.id}` : null;
    case 'fleets':
      return isFleetFinished(touched.row.status) ? `fleet:${touched.row.id}` : null;
    case 'intents':
      return touched.row.status === 'open' ? null : `intent:${touched.row.id}`;
    case 'instances':
      return null; // its link is still to be let go
  }
}

function byJob(row: JobRow, fields: readonly string[] | null): readonly Key[] {
  const run: Key = `run:${row.runId}`;
  // Placing it is the run's affair, and so is what follows from its end.
  if (fields === null || isJobFinished(row.status)) return [run];
  const progress = isOnly(fields, ['progress', 'agentState', 'status', 'startedAt']);
  if (progress && row.stopRequested === null) {
    if (isOnly(fields, ['progress']) || row.agentState === 'preparing') return [];
    // On its way at the agent: the run may start it, or its peers.
    if (row.agentState === 'ready' || row.agentState === 'running') return [run];
  }
  const own: Key = `job:${row.id}`;
  return isAny(fields, ['status', 'agentState']) ? [own, run] : [own];
}

function byInstance(row: InstanceRow, fields: readonly string[] | null): readonly Key[] {
  // What an agent's journal has acknowledged decides nothing; and what was just taken by a job wants nothing else.
  if (isOnly(fields, ['agentEventSeq'])) return [];
  if (row.status === 'busy' && isOnly(fields, ['status', 'busyBlocks', 'idleSince'])) return [];
  const keys: Key[] = row.fleetId === null ? [`instance:${row.id}`] : [`instance:${row.id}`, `fleet:${row.fleetId}`];
  if (row.status === 'idle' && (fields === null || isAny(fields, ['status']))) keys.push(`line:${row.projectId}`);
  return keys;
}

function isOnly(fields: readonly string[] | null, names: readonly string[]): boolean {
  return fields?.every((field) => names.includes(field)) ?? false;
}

function isAny(fields: readonly string[], names: readonly string[]): boolean {
  return fields.some((field) => names.includes(field));
}
