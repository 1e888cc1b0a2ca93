import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INSTANCE_STATUSES } from '@berth/core';
import type { InstanceRow, IntentRow } from '@berth/store';
import fc from 'fast-check';
import { decideIntent, type IntentSnapshot } from './decide-intent.ts';
import { anyInstance, anyTime, instanceRow, intentRow, MINUTE, NOW, written } from './testing/rows.ts';
import { LONGEST_INTENT_WAIT_MS } from './timing.ts';

function snapshot(
  intent: Partial<IntentRow>,
  instance: Partial<InstanceRow> = {},
  openCreate: IntentRow | null = null,
): IntentSnapshot {
  return { intent: intentRow(intent), instance: instanceRow(instance), openCreate, heldUntil: null };
}

function act(before: IntentSnapshot): string | null {
  return decideIntent(before, NOW).effects[0]?.kind ?? null;
}

const terminate = { kind: 'instance.terminate' } as const;

test('a machine that is wanted is created, again with the same token when the outcome is not known', () => {
  assert.equal(act(snapshot({}, { status: 'pending' })), 'create');
  assert.equal(act(snapshot({ uncertain: true }, { status: 'provisioning' })), 'create');
});

test('a machine that nobody wants any more is not created, and looked for if it may exist', () => {
  const never = snapshot({}, { status: 'terminating' });
  assert.equal(act(never), null);
  assert.equal(written('intents', never.intent, decideIntent(never, NOW).writes).status, 'failed');
  assert.equal(act(snapshot({ uncertain: true }, { status: 'terminating' })), 'settle-by-looking');
});

test('nothing is terminated before it is known what there is', () => {
  const create = intentRow({ uncertain: true });
  assert.equal(act(snapshot(terminate, { status: 'terminating' }, create)), null);
  assert.equal(act(snapshot(terminate, { status: 'terminating' })), 'terminate');
});

test('what never came to be is gone without a word to the cloud', () => {
  const before = snapshot(terminate, { status: 'terminating', cloudId: null, busyBlocks: 1 });
  const { writes, effects } = decideIntent(before, NOW);
  assert.deepEqual(effects, []);
  assert.equal(written('intents', before.intent, writes).status, 'done');
  const instance = written('instances', before.instance, writes);
  assert.deepEqual([instance.status, instance.terminatedAt, instance.busyBlocks], ['terminated', NOW, 0]);
});

test('an attempt that was put off waits for its time, but not for a time from before the clock was set back', () => {
  const later = snapshot({ nextAttemptAt: NOW + MINUTE }, { status: 'pending' });
  assert.deepEqual(decideIntent(later, NOW), { writes: [], effects: [], wakeAt: NOW + MINUTE });
  assert.equal(act(snapshot({ nextAttemptAt: NOW + LONGEST_INTENT_WAIT_MS + 1 }, { status: 'pending' })), 'create');
});

test('a settled intent causes nothing; an open one acts, is settled, or waits for a time or for the creation', () => {
  const anySnapshot = fc.record({
    intent: fc
      .record({
        kind: fc.constantFrom('instance.create', 'instance.terminate'),
        status: fc.constantFrom('open', 'open', 'done', 'failed'),
        uncertain: fc.boolean(),
        nextAttemptAt: anyTime,
      })
      .map(intentRow),
    // An instance that is up or gone has no open intent to be created or terminated.
    instance: fc.tuple(anyInstance, fc.constantFrom(...INSTANCE_STATUSES)).map(([row, status]) => ({ ...row, status })),
    openCreate: fc.constantFrom(null, intentRow({ uncertain: true })),
    heldUntil: fc.constantFrom(null, NOW + MINUTE),
  });
  fc.assert(
    fc.property(anySnapshot, (before) => {
      const { writes, effects, wakeAt } = decideIntent(before, NOW);
      if (before.intent.status !== 'open') {
        assert.deepEqual([writes, effects, wakeAt], [[], [], null]);
        return;
      }
      const waitsForCreate = before.intent.kind === 'instance.terminate' && before.openCreate !== null;
      assert.ok(writes.length > 0 || effects.length > 0 || wakeAt !== null || waitsForCreate);
      if (before.instance.status !== 'pending' && before.instance.status !== 'provisioning') {
        assert.ok(
          effects.every((effect) => effect.kind !== 'create'),
          'nobody wants it',
        );
      }
    }),
    { numRuns: 1_000 },
  );
});
