/** Who must look again because something was written: exactly the things whose decision may depend on it. */
import type { Touched } from './books.ts';

/** `line`: the runs of a project that wait for a place. */
export type Key = `${'run' | 'job' | 'instance' | 'fleet' | 'intent' | 'line'}:${string}`;

export function concernedBy(touched: Touched): Key[] {
  switch (touched.table) {
    case 'runs':
      return [`run:${touched.row.id}`];
    case 'jobs': {
      if (isOnly(touched.fields, ['progress'])) return [];
      const own: Key = `job:${touched.row.id}`;
      return isAny(touched.fields, ['status', 'agentState']) ? [own, `run:${touched.row.runId}`] : [own];
    }
    case 'instances': {
      // What an agent's journal has acknowledged decides nothing.
      if (isOnly(touched.fields, ['agentEventSeq'])) return [];
      const { id, fleetId, projectId, status } = touched.row;
      const keys: Key[] = fleetId === null ? [`instance:${id}`] : [`instance:${id}`, `fleet:${fleetId}`];
      if (status === 'idle' && isAny(touched.fields, ['status'])) keys.push(`line:${projectId}`);
      return keys;
    }
    case 'fleets':
      return [`fleet:${touched.row.id}`];
    case 'intents':
      // What it settled is seen by the instance; what it put off comes back at its time.
      return [touched.row.status === 'open' ? `intent:${touched.row.id}` : `instance:${touched.row.instanceId}`];
  }
}

function isOnly(fields: readonly string[] | null, names: readonly string[]): boolean {
  return fields?.every((field) => names.includes(field)) ?? false;
}

function isAny(fields: readonly string[] | null, names: readonly string[]): boolean {
  return fields?.some((field) => names.includes(field)) ?? true;
}
