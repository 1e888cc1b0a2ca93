/** When an intent's outside action is taken, and when it no longer needs to be. */
import type { Millis } from '@berth/core';
import type { InstanceRow, IntentRow } from '@berth/store';
import type { Decision, Write } from './decision.ts';
import { NOTHING } from './decision.ts';
import { isDue, LONGEST_INTENT_WAIT_MS } from './timing.ts';

export interface IntentSnapshot {
  readonly intent: IntentRow;
  readonly instance: InstanceRow;
  /** The instance's open create intent, when this one is to terminate it. */
  readonly openCreate: IntentRow | null;
  /** Nothing is created there before; null: as usual. */
  readonly heldUntil: Millis | null;
}

export type IntentEffect =
  | { readonly kind: 'create'; readonly intent: IntentRow; readonly instance: InstanceRow }
  | { readonly kind: 'terminate'; readonly intent: IntentRow; readonly instance: InstanceRow }
  /** Nobody wants the machine any more, but it may exist: look for it by its token. */
  | { readonly kind: 'settle-by-looking'; readonly intent: IntentRow; readonly instance: InstanceRow };

export function decideIntent(snapshot: IntentSnapshot, now: Millis): Decision<IntentEffect> {
  const { intent } = snapshot;
  if (intent.status !== 'open') return NOTHING;
  return intent.kind === 'instance.create' ? create(snapshot, now) : terminate(snapshot, now);
}

function create({ intent, instance, heldUntil }: IntentSnapshot, now: Millis): Decision<IntentEffect> {
  const wanted = instance.status === 'pending' || instance.status === 'provisioning';
  if (!wanted && !intent.uncertain) {
    // No attempt is open, so there is nothing out there.
    return { writes: [settled(intent, 'failed', now)], effects: [], wakeAt: null };
  }
  if (!isDue(intent.nextAttemptAt, now, LONGEST_INTENT_WAIT_MS)) return { ...NOTHING, wakeAt: intent.nextAttemptAt };
  if (wanted && heldUntil !== null) return { ...NOTHING, wakeAt: heldUntil };
  // A repeated create is the same machine (C2), so an unknown outcome is settled by asking again;
  // by looking only, when the machine is no longer wanted.
  const kind = wanted ? 'create' : 'settle-by-looking';
  return { writes: [], effects: [{ kind, intent, instance }], wakeAt: null };
}

function terminate({ intent, instance, openCreate }: IntentSnapshot, now: Millis): Decision<IntentEffect> {
  // The create intent settles first: until then it is not known what there is to terminate.
  if (openCreate !== null) return NOTHING;
  if (instance.cloudId === null) {
    const writes: Write[] = [settled(intent, 'done', now), gone(instance, now)];
    return { writes, effects: [], wakeAt: null };
  }
  if (!isDue(intent.nextAttemptAt, now, LONGEST_INTENT_WAIT_MS)) return { ...NOTHING, wakeAt: intent.nextAttemptAt };
  return { writes: [], effects: [{ kind: 'terminate', intent, instance }], wakeAt: null };
}

export function settled(intent: IntentRow, status: 'done' | 'failed', now: Millis): Write {
  return { change: 'intents', row: intent, patch: { status, uncertain: false, settledAt: now } };
}

/** The cloud itself said so, or never knew of it. */
export function gone(instance: InstanceRow, now: Millis): Write {
  return {
    change: 'instances',
    row: instance,
    patch: { status: 'terminated', terminatedAt: now, busyBlocks: 0, unreachableSince: null },
  };
}
