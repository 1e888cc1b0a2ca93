import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FleetSpec } from '@berth/core';
import type { FleetRow, InstanceRow } from '@berth/store';
import fc from 'fast-check';
import { decideFleet, type FleetSnapshot } from './decide-fleet.ts';
import { anyInstance, countWrites, fleetRow, instanceRow, MINUTE, NOW, written } from './testing/rows.ts';
import { fleetSpec } from './testing/specs.ts';
import { FLEET_BACKOFF } from './timing.ts';

const IDLE_MS = 5 * MINUTE;

function fleet(nodes: Partial<FleetSpec['nodes']>, row: Partial<FleetRow> = {}): FleetRow {
  return fleetRow({
    spec: fleetSpec({ nodes: { min: 0, target: 0, max: null, ...nodes }, idleDurationMs: IDLE_MS }),
    ...row,
  });
}

function members(count: number, row: Partial<InstanceRow> = {}): InstanceRow[] {
  return Array.from({ length: count }, (_, i) =>
    instanceRow({ id: `i${i}` as InstanceRow['id'], status: 'idle', busyBlocks: 0, idleSince: NOW, ...row }),
  );
}

function missing(snapshot: FleetSnapshot): number {
  return decideFleet(snapshot, NOW).effects[0]?.missing ?? 0;
}

/** Ids of those that are let go. */
function letGoOf(snapshot: FleetSnapshot): string[] {
  const { writes } = decideFleet(snapshot, NOW);
  return snapshot.instances
    .filter((row) => written('instances', row, writes).status === 'terminating' && row.status !== 'terminating')
    .map((row) => row.id);
}

describe('filling', () => {
  test('the target is reached once; afterwards the minimum is kept', () => {
    assert.equal(missing({ fleet: fleet({ min: 1, target: 3 }), instances: [] }), 3);
    assert.equal(missing({ fleet: fleet({ min: 1, target: 3 }, { filledAt: NOW }), instances: [] }), 1);
    assert.equal(missing({ fleet: fleet({ min: 1, target: 3 }, { filledAt: NOW }), instances: members(1) }), 0);
  });

  test('one that is going does not count', () => {
    const going = members(1, { status: 'terminating' });
    assert.equal(missing({ fleet: fleet({ min: 1, target: 1 }, { filledAt: NOW }), instances: going }), 1);
  });

  test('it is filled when all its instances are ready', () => {
    const snapshot = { fleet: fleet({ target: 1 }, { attempts: 1, nextAttemptAt: NOW + 1 }), instances: members(1) };
    const after = written('fleets', snapshot.fleet, decideFleet(snapshot, NOW).writes);
    assert.deepEqual([after.filledAt, after.attempts, after.nextAttemptAt], [NOW, 0, null]);
    const coming = { ...snapshot, instances: members(1, { status: 'provisioning', readyAt: null }) };
    assert.deepEqual(decideFleet(coming, NOW).writes, []);
  });

  test('after a failure it waits, but not for a time from before the clock was set back', () => {
    const waiting = fleet({ min: 1, target: 1 }, { attempts: 1, nextAttemptAt: NOW + MINUTE });
    assert.deepEqual(decideFleet({ fleet: waiting, instances: [] }, NOW), {
      writes: [],
      effects: [],
      wakeAt: NOW + MINUTE,
    });
    const stale = { ...waiting, nextAttemptAt: NOW + FLEET_BACKOFF.maxMs + 1 };
    assert.equal(missing({ fleet: stale, instances: [] }), 1);
  });
});

describe('reaping', () => {
  const over = NOW - IDLE_MS;

  test('idle instances above the minimum end, those that are idle longest first', () => {
    const instances = [
      ...members(1, { idleSince: over - 1, id: 'older' as InstanceRow['id'] }),
      ...members(1, { idleSince: over - 2, id: 'oldest' as InstanceRow['id'] }),
      ...members(1, { idleSince: over, id: 'old' as InstanceRow['id'] }),
    ];
    assert.deepEqual(letGoOf({ fleet: fleet({ min: 1 }, { filledAt: NOW }), instances }), ['older', 'oldest']);
    assert.deepEqual(letGoOf({ fleet: fleet({ min: 3 }, { filledAt: NOW }), instances }), []);
  });

  test('the next one wakes the fleet', () => {
    const instances = members(1, { idleSince: NOW - 1_000 });
    assert.equal(decideFleet({ fleet: fleet({}, { filledAt: NOW }), instances }, NOW).wakeAt, NOW - 1_000 + IDLE_MS);
  });

  test('without an idle_duration none ends', () => {
    const row = fleetRow({ spec: fleetSpec({ idleDurationMs: null }), filledAt: NOW });
    assert.deepEqual(letGoOf({ fleet: row, instances: members(2, { idleSince: over }) }), []);
  });

  test('a target that cannot be reached is given up rather than made again and again', () => {
    const coming = instanceRow({ id: 'slow' as InstanceRow['id'], status: 'provisioning', readyAt: null });
    const snapshot = { fleet: fleet({ target: 2 }), instances: [...members(1, { idleSince: over }), coming] };
    const { writes } = decideFleet(snapshot, NOW);
    assert.equal(written('fleets', snapshot.fleet, writes).filledAt, NOW);
    assert.deepEqual(letGoOf(snapshot), ['i0']);
  });
});

describe('deleting', () => {
  test('free instances go at once, held ones when they are free, and the fleet with the last', () => {
    const row = fleet({ min: 2, target: 2 }, { status: 'terminating' });
    const busy = instanceRow({ id: 'busy' as InstanceRow['id'], status: 'busy', busyBlocks: 1 });
    assert.deepEqual(letGoOf({ fleet: row, instances: [...members(1), busy] }), ['i0']);
    const { writes } = decideFleet({ fleet: row, instances: [] }, NOW);
    const after = written('fleets', row, writes);
    assert.deepEqual([after.status, after.live, after.finishedAt], ['terminated', false, NOW]);
  });
});

describe('whatever the rows are', () => {
  const anySnapshot = fc
    .record({
      min: fc.integer({ min: 0, max: 3 }),
      more: fc.integer({ min: 0, max: 2 }),
      status: fc.constantFrom('active', 'active', 'terminating', 'terminated'),
      filledAt: fc.constantFrom(null, NOW),
      attempts: fc.integer({ min: 0, max: 2 }),
      instances: fc.array(anyInstance, { maxLength: 5 }),
    })
    .map(
      ({ min, more, instances, ...row }): FleetSnapshot => ({
        fleet: fleet({ min, target: min + more }, row),
        instances: instances
          .filter((instance) => instance.status !== 'terminated')
          .map((instance, i) => ({ ...instance, id: `i${i}` as InstanceRow['id'], fleetId: 'f1' as FleetRow['id'] })),
      }),
    );

  test('an active fleet never lets its last `min` go, and only idle ones', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        if (snapshot.fleet.status !== 'active') return;
        const going = letGoOf(snapshot);
        const staying = snapshot.instances.filter((row) => row.status !== 'terminating').length - going.length;
        if (going.length > 0) assert.ok(staying >= snapshot.fleet.spec.nodes.min);
        for (const id of going) assert.equal(snapshot.instances.find((row) => row.id === id)?.status, 'idle');
      }),
      { numRuns: 1_000 },
    );
  });

  test('decisions come to rest within a few steps, and every step is one that its state table allows', () => {
    fc.assert(
      fc.property(anySnapshot, (first) => {
        let snapshot = first;
        for (let i = 0; i < 4; i++) {
          const { writes } = decideFleet(snapshot, NOW);
          if (writes.length === 0) return;
          snapshot = {
            fleet: written('fleets', snapshot.fleet, writes),
            instances: snapshot.instances.map((row) => written('instances', row, writes)),
          };
        }
        assert.fail('it is never settled');
      }),
      { numRuns: 1_000 },
    );
  });

  test('a terminated fleet causes nothing', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        if (snapshot.fleet.status !== 'terminated') return;
        assert.equal(countWrites('fleets', decideFleet(snapshot, NOW).writes), 0);
        assert.deepEqual(decideFleet(snapshot, NOW).effects, []);
      }),
    );
  });
});
