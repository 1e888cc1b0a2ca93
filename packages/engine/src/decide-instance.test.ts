import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isInstanceReady } from '@berth/core';
import type { InstanceRow } from '@berth/store';
import fc from 'fast-check';
import { decideInstance, type InstanceSnapshot, isUsable } from './decide-instance.ts';
import { anyInstance, anyTime, instanceRow, intentRow, MINUTE, NOW, written } from './testing/rows.ts';
import { UNREACHABLE_LIMIT_MS } from './timing.ts';

const LONG_AGO = NOW - 24 * 60 * MINUTE;
const PROVISIONING_MS = 10 * MINUTE;

function snapshot(instance: Partial<InstanceRow>, more: Partial<InstanceSnapshot> = {}): InstanceSnapshot {
  return {
    instance: instanceRow(instance),
    openIntents: [],
    linked: true,
    awakeSince: LONG_AGO,
    isSpare: false,
    provisioningTimeoutMs: PROVISIONING_MS,
    ...more,
  };
}

const idle = { status: 'idle', busyBlocks: 0 } as const;

function ends(before: InstanceSnapshot, now = NOW): InstanceRow {
  return written('instances', before.instance, decideInstance(before, now).writes);
}

function effects(before: InstanceSnapshot): string[] {
  return decideInstance(before, NOW).effects.map((effect) => effect.kind);
}

describe('provisioning', () => {
  const made = { status: 'provisioning', readyAt: null, createdAt: NOW } as const;

  test('a machine without an address is looked for once the cloud has given it an id, then linked', () => {
    assert.deepEqual(effects(snapshot({ ...made, address: null, cloudId: null })), []);
    assert.deepEqual(effects(snapshot({ ...made, address: null })), ['find-address']);
    assert.deepEqual(effects(snapshot(made, { linked: false })), ['link']);
  });

  test('a machine whose agent does not answer in time is given back', () => {
    assert.equal(decideInstance(snapshot(made), NOW).wakeAt, NOW + PROVISIONING_MS);
    const late = ends(snapshot({ ...made, createdAt: NOW - PROVISIONING_MS }));
    assert.deepEqual([late.status, late.endReason], ['terminating', 'provisioning-timeout']);
    assert.equal(
      ends(snapshot({ ...made, status: 'pending', createdAt: NOW - PROVISIONING_MS })).status,
      'terminating',
    );
  });

  test('a server that was away gives it the whole time once more', () => {
    const before = snapshot({ ...made, createdAt: LONG_AGO }, { awakeSince: NOW });
    assert.equal(ends(before).status, 'provisioning');
    assert.equal(decideInstance(before, NOW).wakeAt, NOW + PROVISIONING_MS);
  });
});

describe('ready', () => {
  test('it is kept linked', () => {
    assert.deepEqual(effects(snapshot({}, { linked: false })), ['link']);
    assert.deepEqual(effects(snapshot({})), []);
  });

  test('an idle instance ends after its idle_duration, and not before', () => {
    const before = snapshot({ ...idle, idleSince: NOW - 5 * MINUTE + 1 });
    assert.equal(ends(before).status, 'idle');
    assert.equal(decideInstance(before, NOW).wakeAt, NOW + 1);
    const over = ends(snapshot({ ...idle, idleSince: NOW - 5 * MINUTE }));
    assert.deepEqual([over.status, over.endReason, over.terminationRequestedAt], ['terminating', 'idle-timeout', NOW]);
  });

  test('a time from before the clock was set back does not keep it longer', () => {
    const before = snapshot({ ...idle, idleSince: NOW + 60 * MINUTE });
    const [write] = decideInstance(before, NOW).writes;
    assert.deepEqual(write !== undefined && 'patch' in write ? write.patch : null, { idleSince: NOW });
  });

  test('without an idle_duration it is kept for ever; in a fleet the fleet decides', () => {
    const forEver = snapshot({ ...idle, idleSince: LONG_AGO, idleDurationMs: null });
    assert.deepEqual(decideInstance(forEver, NOW), { writes: [], effects: [], wakeAt: null });
    const inFleet = snapshot({ ...idle, idleSince: LONG_AGO, fleetId: 'f1' as never });
    assert.deepEqual(decideInstance(inFleet, NOW), { writes: [], effects: [], wakeAt: null });
  });

  test('a busy one is never idle too long', () => {
    assert.equal(ends(snapshot({ idleSince: LONG_AGO })).status, 'busy');
  });

  test('one that cannot be reached is given up after the limit, counted while somebody tried', () => {
    const silent = { unreachableSince: NOW - UNREACHABLE_LIMIT_MS };
    assert.equal(ends(snapshot(silent, { linked: false })).endReason, 'unreachable');
    const tried = snapshot(silent, { linked: false, awakeSince: NOW - MINUTE });
    assert.equal(ends(tried).status, 'busy');
    assert.equal(decideInstance(tried, NOW).wakeAt, NOW - MINUTE + UNREACHABLE_LIMIT_MS);
  });

  test('what is full or out of reach is not offered to a run', () => {
    assert.equal(isUsable(instanceRow(idle)), true);
    assert.equal(isUsable(instanceRow({})), false);
    assert.equal(isUsable(instanceRow({ ...idle, unreachableSince: NOW })), false);
    assert.equal(isUsable(instanceRow({ status: 'terminating', busyBlocks: 0 })), false);
  });
});

describe('terminating', () => {
  test('an intent is written once, and the link is let go', () => {
    const first = decideInstance(snapshot({ status: 'terminating' }), NOW);
    assert.deepEqual(
      first.writes.map((write) => 'add' in write && write.add === 'intents' && write.row.kind),
      ['instance.terminate'],
    );
    const openIntents = [intentRow({ kind: 'instance.terminate' })];
    const second = decideInstance(snapshot({ status: 'terminating' }, { openIntents }), NOW);
    assert.deepEqual(second.writes, []);
    assert.deepEqual(
      second.effects.map((effect) => effect.kind),
      ['unlink'],
    );
  });
});

describe('whatever the rows are', () => {
  const anySnapshot = fc
    .record({
      instance: anyInstance,
      linked: fc.boolean(),
      awakeSince: anyTime,
      isSpare: fc.boolean(),
      openIntents: fc.subarray([
        intentRow({ id: 'a' as never }),
        intentRow({ id: 'b' as never, kind: 'instance.terminate' }),
      ]),
    })
    .map((drawn): InstanceSnapshot => ({ ...drawn, provisioningTimeoutMs: PROVISIONING_MS }));

  test('every step is one that the state table allows, and the second finds the first done', () => {
    fc.assert(
      fc.property(anySnapshot, (before) => {
        const instance = ends(before);
        const { writes } = decideInstance({ ...before, instance }, NOW);
        if (instance.status !== 'terminating') assert.deepEqual(writes, []);
        const openIntents = [intentRow({ kind: 'instance.terminate' })];
        assert.deepEqual(decideInstance({ ...before, instance, openIntents }, NOW).writes, []);
      }),
      { numRuns: 1_000 },
    );
  });

  test('a terminated instance is never changed', () => {
    fc.assert(
      fc.property(anySnapshot, (before) => {
        if (before.instance.status === 'terminated') assert.deepEqual(decideInstance(before, NOW).writes, []);
      }),
    );
  });

  test('what costs money and nobody needs has a time at which it ends', () => {
    fc.assert(
      fc.property(anySnapshot, (before) => {
        const { writes, wakeAt } = decideInstance(before, NOW);
        if (writes.length > 0 || wakeAt !== null) return;
        const { status, fleetId, idleDurationMs, unreachableSince } = before.instance;
        if (status === 'terminated' || status === 'terminating') return;
        assert.ok(isInstanceReady(status) && unreachableSince === null);
        if (status === 'idle') assert.ok(fleetId !== null || idleDurationMs === null);
      }),
    );
  });
});
