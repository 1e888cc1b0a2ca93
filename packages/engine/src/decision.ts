/** What a pure decision gives back: rows to write, effects to take, and when to look again. */
import type { Millis } from '@berth/core';
import type {
  BootstrapRow,
  FleetRow,
  Insert,
  InstanceRow,
  IntentRow,
  JobRow,
  OrphanRow,
  Patch,
  RunRow,
} from '@berth/store';
import type { EventDraft } from './books.ts';

export type Write =
  | { readonly change: 'runs'; readonly row: RunRow; readonly patch: Patch<RunRow> }
  | { readonly change: 'jobs'; readonly row: JobRow; readonly patch: Patch<JobRow> }
  | { readonly change: 'instances'; readonly row: InstanceRow; readonly patch: Patch<InstanceRow> }
  | { readonly change: 'fleets'; readonly row: FleetRow; readonly patch: Patch<FleetRow> }
  | { readonly change: 'intents'; readonly row: IntentRow; readonly patch: Patch<IntentRow> }
  | { readonly change: 'orphans'; readonly row: OrphanRow; readonly patch: Patch<OrphanRow> }
  | { readonly change: 'bootstraps'; readonly row: BootstrapRow; readonly patch: Patch<BootstrapRow> }
  /** Ids are given when it is written: deciding has no randomness. */
  | { readonly add: 'jobs'; readonly row: Omit<Insert<JobRow>, 'id'> }
  | { readonly add: 'intents'; readonly row: Omit<Insert<IntentRow>, 'id'> }
  | { readonly add: 'orphans'; readonly row: Omit<Insert<OrphanRow>, 'id'> }
  | { readonly event: EventDraft };

export interface Decision<Effect> {
  readonly writes: readonly Write[];
  readonly effects: readonly Effect[];
  readonly wakeAt: Millis | null;
}

export const NOTHING: Decision<never> = { writes: [], effects: [], wakeAt: null };

/** The earlier of two times, where null is never. */
export function sooner(a: Millis | null, b: Millis | null): Millis | null {
  if (a === null) return b;
  if (b === null) return a;
  return Math.min(a, b);
}
