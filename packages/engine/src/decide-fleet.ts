/** The size of a fleet: never below its minimum while it is active, back to it when nobody needs more. */
import type { Millis } from '@berth/core';
import { isInstanceAlive } from '@berth/core';
import type { FleetRow, InstanceRow } from '@berth/store';
import { letGo } from './decide-instance.ts';
import { type Decision, NOTHING, sooner, type Write } from './decision.ts';

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
  const { min, target } = fleet.spec.nodes;
  // The target is reached once, at the beginning; afterwards the minimum is kept.
  const wanted = fleet.filledAt === null ? Math.max(min, target) : min;
  const missing = wanted - staying.length;
  if (missing > 0) {
    if (fleet.nextAttemptAt !== null && now < fleet.nextAttemptAt) return { ...NOTHING, wakeAt: fleet.nextAttemptAt };
    return { writes: [], effects: [{ kind: 'fill', fleet, missing }], wakeAt: null };
  }
  const allReady = staying.every((instance) => instance.readyAt !== null);
  if (allReady && (fleet.filledAt === null || fleet.attempts > 0)) {
    const patch = { filledAt: fleet.filledAt ?? now, attempts: 0, nextAttemptAt: null, message: null };
    return { writes: [{ change: 'fleets', row: fleet, patch }], effects: [], wakeAt: null };
  }
  return reap(fleet, staying, now);
}

/** Idle instances above the minimum end after `idle_duration`, those that are idle longest first. */
function reap(fleet: FleetRow, staying: readonly InstanceRow[], now: Millis): Decision<FleetEffect> {
  const idleDurationMs = fleet.spec.idleDurationMs;
  if (idleDurationMs === null) return NOTHING;
  const idle = staying
    .filter((instance) => instance.status === 'idle')
    .sort((a, b) => (a.idleSince ?? now) - (b.idleSince ?? now) || (a.id < b.id ? -1 : 1));
  const spare = staying.length - fleet.spec.nodes.min;
  const writes: Write[] = [];
  let wakeAt: Millis | null = null;
  for (const instance of idle.slice(0, Math.max(0, spare))) {
    const until = (instance.idleSince ?? now) + idleDurationMs;
    if (now >= until) writes.push(...letGo(instance, 'idle-timeout', null, now));
    else wakeAt = sooner(wakeAt, until);
  }
  return { writes, effects: [], wakeAt };
}
