/** What makes several servers safe: a write for a lane that was let go is refused, as a whole. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerId } from '@berth/core';
import { Books } from './books.ts';
import { BEAT_MS, LEASE_MARGIN_MS, LEASE_TTL_MS } from './decide-leases.ts';
import { ALL_LANES, Fenced, type Lane, laneOf } from './lanes.ts';
import { leaseId } from './lease-rows.ts';
import { Leases } from './leases.ts';
import { StoreOutage } from './store-outage.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { runRow } from './testing/rows.ts';
import { Seeded } from './testing/seeded.ts';
import { SimClock } from './testing/sim-clock.ts';
import type { Concern } from './wake.ts';

async function setup() {
  const [clock, store] = [new SimClock(), new MemoryStore()];
  const logged: string[] = [];
  const note = (message: string): number => logged.push(message);
  const log = { debug: note, info: note, warn: note, error: note };
  const { bytes: random } = new Seeded(1);
  const leases = new Leases({ store, clock, elapsed: () => clock.elapsed, random, log, host: 'h', pid: 1 });
  const told: string[] = [];
  const names = (lanes: ReadonlySet<Lane>): string => (lanes.size === ALL_LANES.length ? 'all' : [...lanes].join());
  await leases.start({
    gained: async (lanes) => void told.push(`gained ${names(lanes)}`),
    lost: (lanes) => void told.push(`lost ${names(lanes)}`),
    yield: async (lanes) => void told.push(`yield ${lanes.size > 0}`),
    recheck: (lanes) => void told.push(`recheck ${names(lanes)}`),
  });
  const woken: Concern[] = [];
  const books = new Books({
    store,
    clock,
    random,
    lanes: leases,
    outage: new StoreOutage(clock, log),
    onWritten: (concerned) => woken.push(...concerned),
  });
  const announced: string[] = [];
  store.onAnnouncement((message) => announced.push(message));
  /** As another server would. */
  const takeAway = (lane: Lane) =>
    store.transaction(async ({ leases: rows }) => {
      const row = await rows.get(leaseId(lane));
      if (row === null) throw new Error('Nobody has held it.');
      await rows.update(row.id, row.version, { owner: 'other' as ServerId, token: row.token + 1 });
    });
  return { clock, store, leases, books, told, woken, announced, logged, takeAway };
}

const lane = laneOf('r1');

describe('a write for a lane', () => {
  test('passes while the lane is held, and wakes at once who is concerned', async () => {
    const { books, woken, announced } = await setup();
    await books.in(lane).write(null, (tx) => tx.add('runs', runRow()));
    assert.deepEqual(woken, [{ key: 'run:r1', lane }]);
    assert.deepEqual(announced, []);
  });

  test('is refused when another server has it: nothing is written, the lane is dropped, and that is told once', async () => {
    const { books, store, leases, told, woken, announced, logged, takeAway } = await setup();
    const own = books.in(lane);
    await takeAway(lane);
    for (let i = 0; i < 3; i++)
      await assert.rejects(
        own.write(null, (tx) => tx.add('runs', runRow())),
        Fenced,
      );
    assert.equal(await store.read.runs.count(), 0);
    assert.deepEqual(woken, []);
    assert.equal(leases.refusals, 3);
    assert.deepEqual(told.slice(0, 2), ['gained all', `lost ${lane}`]);
    assert.ok(announced.includes(`recheck ${leases.server} ${lane}`), 'what was forgotten here is seen there');
    assert.equal(logged.filter((line) => /taken over/.test(line)).length, 1);
  });

  test('is refused also when the lane has come back in the meantime', async () => {
    const { books, store, clock, leases, takeAway } = await setup();
    const before = books.in(lane);
    await takeAway(lane);
    await assert.rejects(before.assertOurs(), Fenced);
    // There is no such server, so it is taken back.
    await clock.advance(2 * BEAT_MS);
    assert.ok(leases.holds(lane));
    await assert.rejects(
      before.write(null, (tx) => tx.add('runs', runRow())),
      Fenced,
    );
    await books.in(lane).write(null, (tx) => tx.add('runs', runRow()));
    assert.equal(await store.read.runs.count(), 1);
  });
});

describe('what a user asks for', () => {
  test('needs no lane; whoever has it is told', async () => {
    const { books, woken, announced, takeAway, leases } = await setup();
    await takeAway(lane);
    await books.write(null, (tx) => tx.add('runs', runRow()));
    assert.deepEqual(woken, [], 'not here, although it was believed to be held');
    assert.deepEqual(announced, [`wake ${leases.server} ${lane}/run:r1`]);
  });
});

describe('time', () => {
  test('a server whose store hangs stops acting by its own clock', async () => {
    const { clock, store, leases, told } = await setup();
    const never = new Promise<never>(() => {});
    store.transaction = () => never;
    await clock.advance(LEASE_TTL_MS - LEASE_MARGIN_MS - 1);
    assert.ok(leases.holds(lane));
    await clock.advance(2);
    assert.ok(!leases.holds(lane));
    assert.deepEqual(told, ['gained all', 'lost all']);
  });

  test('a clock that is set means nothing', async () => {
    const { clock, leases, told } = await setup();
    for (const ms of [3_600_000, -7_200_000]) {
      clock.step(ms);
      await clock.advance(5 * BEAT_MS);
      assert.ok(leases.holds(lane));
    }
    assert.deepEqual(told, ['gained all']);
    await leases.stop();
  });
});
