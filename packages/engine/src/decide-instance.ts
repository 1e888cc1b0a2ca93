/**
 * The life of an instance: from the intent that creates it to the day on which the cloud itself says
 * that it is gone. Everything between costs money, so every state here has an end of its own.
 */
import type { InstanceEndReason, Millis } from '@berth/core';
import { isInstanceReady } from '@berth/core';
import type { Insert, InstanceRow, IntentRow, Patch } from '@berth/store';
import { type Decision, sooner, type Write } from './decision.ts';
import { giveUpAt } from './reach.ts';
import { CLOCK_SLACK_MS } from './timing.ts';

export interface InstanceSnapshot {
  readonly instance: InstanceRow;
  /** At most one of each kind. */
  readonly openIntents: readonly IntentRow[];
  readonly linked: boolean;
  /** Made beside another one, for a job that does not wait any more. */
  readonly isSpare: boolean;
  /** Since when this engine is there to see what happens. */
  readonly awakeSince: Millis;
  /** From creation until the agent must have answered. */
  readonly provisioningTimeoutMs: number;
}

export type InstanceEffect =
  /** Keep a link to its agent. */
  | { readonly kind: 'link'; readonly instance: InstanceRow }
  /** The address is not known yet: ask the cloud. */
  | { readonly kind: 'find-address'; readonly instance: InstanceRow }
  /** Nobody needs its agent any more. */
  | { readonly kind: 'unlink'; readonly instance: InstanceRow };

export function decideInstance(snapshot: InstanceSnapshot, now: Millis): Decision<InstanceEffect> {
  const { instance, linked } = snapshot;
  if (
    snapshot.isSpare &&
    instance.busyBlocks === 0 &&
    instance.status !== 'terminating' &&
    instance.status !== 'terminated'
  ) {
    return terminate(snapshot, 'hedged', null, now);
  }
  switch (instance.status) {
    case 'terminated':
      return { writes: [], effects: [{ kind: 'unlink', instance }], wakeAt: null };
    case 'terminating':
      return terminating(snapshot, now);
    case 'pending':
      // Its create intent acts. Were that lost, the deadline would end it.
      return orTimeout(snapshot, now, []);
    case 'provisioning':
      return orTimeout(snapshot, now, reach(instance));
    case 'idle':
    case 'busy':
      return ready(snapshot, linked, now);
  }
}

function reach(instance: InstanceRow): readonly InstanceEffect[] {
  if (instance.address !== null) return [{ kind: 'link', instance }];
  // Until the cloud has given it an id, the intent to create it is what acts.
  return instance.cloudId === null ? [] : [{ kind: 'find-address', instance }];
}

function orTimeout(
  snapshot: InstanceSnapshot,
  now: Millis,
  effects: readonly InstanceEffect[],
): Decision<InstanceEffect> {
  const deadline = Math.max(snapshot.instance.createdAt, snapshot.awakeSince) + snapshot.provisioningTimeoutMs;
  if (now < deadline) return { writes: [], effects, wakeAt: deadline };
  const seconds = Math.round(snapshot.provisioningTimeoutMs / 1000);
  return terminate(snapshot, 'provisioning-timeout', `Its agent did not answer within ${seconds} s.`, now);
}

function ready(snapshot: InstanceSnapshot, linked: boolean, now: Millis): Decision<InstanceEffect> {
  const { instance } = snapshot;
  const patch = notInFuture(instance, now);
  if (patch === null) return waiting(snapshot, linked, now);
  const decision = waiting({ ...snapshot, instance: { ...instance, ...patch } }, linked, now);
  if (decision.writes.length > 0) return decision;
  return { ...decision, writes: [{ change: 'instances', row: instance, patch }] };
}

function waiting(snapshot: InstanceSnapshot, linked: boolean, now: Millis): Decision<InstanceEffect> {
  const { instance } = snapshot;
  let wakeAt = giveUpAt(instance, snapshot.awakeSince);
  if (wakeAt !== null && now >= wakeAt) {
    return terminate(snapshot, 'unreachable', 'Its agent could not be reached any more.', now);
  }
  // In a fleet the fleet decides, because it keeps a minimum.
  // A hedge is its job's to take.
  const { hedgeOf } = instance;
  if (instance.status === 'idle' && hedgeOf === null && instance.fleetId === null && instance.idleDurationMs !== null) {
    const idleUntil = (instance.idleSince ?? instance.createdAt) + instance.idleDurationMs;
    if (now >= idleUntil) return terminate(snapshot, 'idle-timeout', null, now);
    wakeAt = sooner(wakeAt, idleUntil);
  }
  return { writes: [], effects: linked ? [] : [{ kind: 'link', instance }], wakeAt };
}

/** Since when it waits, where that is from before the clock was set back: otherwise it would be billed so much longer. */
function notInFuture({ idleSince, unreachableSince }: InstanceRow, now: Millis): Patch<InstanceRow> | null {
  const isLater = (at: Millis | null): boolean => at !== null && at - now > CLOCK_SLACK_MS;
  if (!isLater(idleSince) && !isLater(unreachableSince)) return null;
  return {
    ...(isLater(idleSince) ? { idleSince: now } : {}),
    ...(isLater(unreachableSince) ? { unreachableSince: now } : {}),
  };
}

function terminating(snapshot: InstanceSnapshot, now: Millis): Decision<InstanceEffect> {
  const { instance, openIntents } = snapshot;
  const writes: Write[] = [];
  if (!openIntents.some((intent) => intent.kind === 'instance.terminate')) {
    writes.push({ add: 'intents', row: terminateIntent(instance, now) });
  }
  return { writes, effects: [{ kind: 'unlink', instance }], wakeAt: null };
}

function terminate(
  snapshot: InstanceSnapshot,
  reason: InstanceEndReason,
  message: string | null,
  now: Millis,
): Decision<InstanceEffect> {
  return { writes: letGo(snapshot.instance, reason, message, now), effects: [], wakeAt: null };
}

/** The one way by which an instance is given back: from here on it is terminated until it is gone. */
export function letGo(
  instance: InstanceRow,
  reason: InstanceEndReason,
  message: string | null,
  now: Millis,
): readonly Write[] {
  if (instance.status === 'terminating' || instance.status === 'terminated') return [];
  return [
    {
      change: 'instances',
      row: instance,
      patch: { status: 'terminating', endReason: reason, message, terminationRequestedAt: now },
    },
  ];
}

export function terminateIntent(instance: InstanceRow, now: Millis): Omit<Insert<IntentRow>, 'id'> {
  return intent(instance, 'instance.terminate', now);
}

export function createIntent(instance: InstanceRow, now: Millis): Omit<Insert<IntentRow>, 'id'> {
  return intent(instance, 'instance.create', now);
}

function intent(instance: InstanceRow, kind: IntentRow['kind'], now: Millis): Omit<Insert<IntentRow>, 'id'> {
  return {
    projectId: instance.projectId,
    kind,
    instanceId: instance.id,
    backend: instance.backend,
    status: 'open',
    uncertain: false,
    attempts: 0,
    looks: 0,
    nextAttemptAt: now,
    lastError: null,
    createdAt: now,
    settledAt: null,
  };
}

/** Whether a job may have it now. A hedge is kept for the job for which it was made. */
export function isUsable(instance: InstanceRow): boolean {
  const { status, unreachableSince, busyBlocks, totalBlocks, hedgeOf } = instance;
  return isInstanceReady(status) && unreachableSince === null && busyBlocks < totalBlocks && hedgeOf === null;
}

/** Whether a job may wait for it: it is being made, and nobody has it. */
export function isOnItsWay({ status, busyBlocks, hedgeOf }: InstanceRow): boolean {
  return (status === 'pending' || status === 'provisioning') && busyBlocks === 0 && hedgeOf === null;
}
