import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Breakers, begun, type Circuit, CLOSED, failed, heldUntil } from './breaker.ts';
import { inWorld } from './testing/in-world.ts';
import { instanceRow, MINUTE, NOW } from './testing/rows.ts';
import { BREAKER_AFTER, BREAKER_BACKOFF, BREAKER_PROBE_MS } from './timing.ts';

function after(failures: number, now = NOW): Circuit {
  return Array.from({ length: failures }).reduce<Circuit>((circuit) => failed(circuit, now), CLOSED);
}

describe('a circuit', () => {
  test('stays closed until enough has failed in a row, and waits longer with each failure then', () => {
    const waits = [0, 1, 2, 9].map((more) => (heldUntil(after(BREAKER_AFTER + more), NOW) ?? NOW) - NOW);
    assert.equal(heldUntil(after(BREAKER_AFTER - 1), NOW), null);
    assert.deepEqual(waits, [30_000, 60_000, 120_000, BREAKER_BACKOFF.maxMs]);
  });

  test('lets one attempt through when it has waited, and no other until that has come back or never will', () => {
    const open = after(BREAKER_AFTER);
    const later = NOW + 30_000;
    assert.equal(heldUntil(open, later), null);
    const probing = begun(open, later);
    assert.ok((heldUntil(probing, later) ?? 0) > later);
    assert.equal(heldUntil(probing, later + BREAKER_PROBE_MS), null);
  });

  test('never holds back longer than its longest wait, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), fc.integer({ min: -120, max: 120 }), (failures, minutes) => {
        const now = NOW + minutes * MINUTE;
        const until = heldUntil(after(failures), now);
        assert.ok(until === null || until - now <= BREAKER_BACKOFF.maxMs);
      }),
    );
  });
});

test('a refusal shows that the cloud is there: the circuit closes; and another region has its own', () => {
  const breakers = new Breakers();
  const here = instanceRow({ region: 'r1' });
  for (let i = 0; i < BREAKER_AFTER; i++) breakers.came(here, 'unknown', NOW);
  assert.equal(breakers.enter(here, NOW), false);
  assert.equal(breakers.enter(instanceRow({ region: 'r2' }), NOW), true);
  breakers.came(here, 'no-capacity', NOW);
  assert.equal(breakers.enter(here, NOW), true);
});

inWorld('a region that does not answer is asked seldom, and terminations are not held back', async (world) => {
  await world.apply({ name: 'before', idleDurationMs: 5 * MINUTE });
  await world.advance(10_000);
  world.agents.behave = () => ({ afterMs: null });
  world.cloud.faults.create.push(...Array.from({ length: 200 }, () => 'fails-before' as const));
  for (let i = 0; i < 5; i++) await world.apply({ name: `waits-${i}` });
  await world.advance(8 * MINUTE);
  const creates = world.cloud.count('create');
  assert.ok(creates < 25, `${creates} attempts in eight minutes, of five machines`);
  world.cloud.faults.create.length = 0;
  await world.advance(12 * MINUTE);
  assert.ok(world.cloud.alive.length > 0, 'it is used again');
});
