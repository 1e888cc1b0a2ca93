/** The size of a fleet: never below its minimum while it is active, back to it when nobody needs more. */
import type { Millis } from '@berth/core';
import { isInstanceAlive } from '@berth/core';
import type { FleetRow, InstanceRow } from '@berth/store';
import { letGo } from './decide-instance.ts';
import { type Decision, NOTHING, sooner, type Write } from './decision.ts';
import { FLEET_BACKOFF, isDue } from './timing.ts';

export interface FleetSnapshot {
  readonly fleet: FleetRow;
  /** Those that are not terminated. */
  readonly instances: readonly InstanceRow[];
}

export interface FleetEffect {
  readonly kind: 'fill';
  readonly fleet: FleetRow;
  /** Instances that are missing. */
  readonly missing: number;
}

export function decideFleet(snapshot: FleetSnapshot, now: Millis): Decision<FleetEffect> {
  const { fleet } = snapshot;
  const alive = snapshot.instances.filter((instance) => isInstanceAlive(instance.status));
  switch (fleet.status) {
    case 'terminated':
      return NOTHING;
    case 'terminating':
      return terminating(fleet, alive, now);
    case 'active':
      return active(fleet, alive, now);
  }
}

function terminating(fleet: FleetRow, alive: readonly InstanceRow[], now: Millis): Decision<FleetEffect> {
  if (alive.length === 0) {
    const patch = { status: 'terminated' as const, live: false, finishedAt: now, nextAttemptAt: null };
    return { writes: [{ change: 'fleets', row: fleet, patch }], effects: [], wakeAt: null };
  }
  // One that a job holds waits for the job's end, which wakes the fleet.
  const writes = alive
    .filter((instance) => instance.busyBlocks === 0)
    .flatMap((instance) => letGo(instance, 'fleet-deleted', null, now));
  return { writes, effects: [], wakeAt: null };
}

function active(fleet: FleetRow, alive: readonly InstanceRow[], now: Millis): Decision<FleetEffect> {
  const staying = alive.filter((instance) => instance.status !== 'terminating');
  const missing = wantedNodes(fleet) - staying.length;
  if (missing <= 0 && staying.every((instance) => instance.readyAt !== null) && isStriving(fleet)) {
    const patch = { filledAt: fleet.filledAt ?? now, attempts: 0, nextAttemptAt: null, message: null };
    return { writes: [{ change: 'fleets', row: fleet, patch }], effects: [], wakeAt: null };
  }
  const { writes, wakeAt } = reap(fleet, staying, now);
  if (writes.length > 0 || missing <= 0) return { writes, effects: [], wakeAt };
  if (!isDue(fleet.nextAttemptAt, now, FLEET_BACKOFF.maxMs)) {
    return { ...NOTHING, wakeAt: sooner(wakeAt, fleet.nextAttemptAt) };
  }
  return { writes: [], effects: [{ kind: 'fill', fleet, missing }], wakeAt };
}

/** The target is reached once, at the beginning; afterwards the minimum is kept. */
export function wantedNodes(fleet: Pick<FleetRow, 'spec' | 'filledAt'>): number {
  const { min, target } = fleet.spec.nodes;
  return fleet.filledAt === null ? Math.max(min, target) : min;
}

function isStriving(fleet: FleetRow): boolean {
  return fleet.filledAt === null || fleet.attempts > 0;
}

/** Idle instances above the minimum end after `idle_duration`, those that are idle longest first. */
function reap(
  fleet: FleetRow,
  staying: readonly InstanceRow[],
  now: Millis,
): { readonly writes: readonly Write[]; readonly wakeAt: Millis | null } {
  const idleDurationMs = fleet.spec.idleDurationMs;
  if (idleDurationMs === null) return { writes: [], wakeAt: null };
  const idle = staying
    .filter((instance) => instance.status === 'idle')
    .sort((a, b) => idleFrom(a) - idleFrom(b) || (a.id < b.id ? -1 : 1));
  const spare = staying.length - fleet.spec.nodes.min;
  const writes: Write[] = [];
  let wakeAt: Millis | null = null;
  for (const instance of idle.slice(0, Math.max(0, spare))) {
    const until = idleFrom(instance) + idleDurationMs;
    if (now >= until) writes.push(...letGo(instance, 'idle-timeout', null, now));
    else wakeAt = sooner(wakeAt, until);
  }
  if (writes.length > 0 && fleet.filledAt === null) {
    // Otherwise the rest of the target would be made again and again, only to wait for what cannot be had.
    const message = 'The target was not reached before its first instances had been idle for too long.';
    writes.unshift({
      change: 'fleets',
      row: fleet,
      patch: { filledAt: now, attempts: 0, nextAttemptAt: null, message },
    });
  }
  return { writes, wakeAt };
}

function idleFrom(instance: InstanceRow): Millis {
  return instance.idleSince ?? instance.createdAt;
}
