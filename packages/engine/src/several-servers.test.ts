/** Several servers on one store: they share the work, and survive whatever befalls one of them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isRunFinished } from '@berth/core';
import type { RunRow } from '@berth/store';
import { BEAT_MS, LEASE_TTL_MS } from './decide-leases.ts';
import { LANE_COUNT } from './lanes.ts';
import { wrongAtLast } from './testing/invariants.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { SimServer } from './testing/sim-server.ts';
import { taskSpec } from './testing/specs.ts';
import { World } from './testing/world.ts';

const MINUTE = 60_000;

/** A world whose own server is one of two. */
async function two(): Promise<{ readonly world: World; readonly other: SimServer }> {
  const world = await World.make({ leased: true, store: new MemoryStore() });
  world.agents.behave = () => ({ afterMs: 20_000, artifacts: true });
  const other = await SimServer.join(world);
  await world.advance(3 * BEAT_MS);
  return { world, other };
}

async function applyMany(world: World, count: number, prefix = 'task', nodes = 1): Promise<RunRow[]> {
  const runs: RunRow[] = [];
  for (let i = 0; i < count; i++) {
    const spec = taskSpec({ name: `${prefix}-${i}`, nodes, idleDurationMs: 30_000 });
    runs.push(await world.insist((engine) => engine.applyRun(world.actor, spec, null)));
  }
  return runs;
}

/** All of these are done, each job ran once, nothing is left. */
async function allWell(world: World, runs: readonly RunRow[]): Promise<void> {
  for (const { id } of runs) {
    const run = await world.run(id);
    assert.equal(run.status, 'done', `${run.name}: ${run.message}`);
    for (const job of await world.jobs(run)) assert.equal(world.starts(job.id), 1, `${run.name}, node ${job.node}`);
  }
  assert.deepEqual(await wrongAtLast(world), []);
}

async function owners(world: World): Promise<Map<string | null, number>> {
  const counts = new Map<string | null, number>();
  for (const { owner } of await world.store.read.leases.find()) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  return counts;
}

describe('sharing', () => {
  test('a second server gets its share within seconds, while jobs go on, and leaves it behind when it goes', async () => {
    const world = await World.make({ leased: true, store: new MemoryStore() });
    world.agents.behave = () => ({ afterMs: 20_000, artifacts: true });
    const runs = await applyMany(world, 10);
    await world.advance(2_000);
    const links = world.engine.load.links;
    assert.equal(links, 10);
    const other = await SimServer.join(world);
    await world.advance(2 * BEAT_MS);
    assert.ok(other.leases.size > LANE_COUNT / 4, `${other.leases.size} lanes`);
    assert.ok(other.engine.load.links > 0, 'links went with their lanes');
    assert.equal(other.engine.load.links + world.engine.load.links, links);
    await other.leave();
    await world.advance(100);
    assert.equal(world.engine.load.links, links);
    assert.deepEqual(await world.store.read.servers.count(), 1);
    await world.advance(5 * MINUTE);
    await allWell(world, runs);
    const told = (await world.store.read.events.find({ where: { targetKind: 'server' } })).map(({ kind }) => kind);
    assert.deepEqual(told, ['server.joined', 'server.joined', 'server.left']);
    await world.close();
  });

  test('whoever is asked, both work on it, and none waits for the other’s beat', async () => {
    const { world, other } = await two();
    world.agents.behave = () => ({ afterMs: 1_000 });
    const here = await applyMany(world, 8, 'here', 2);
    for (let i = 0; i < 8; i++) {
      const spec = taskSpec({ name: `there-${i}`, idleDurationMs: 30_000 });
      here.push(await world.insist(() => other.engine.applyRun(world.actor, spec, null)));
    }
    await world.advance(BEAT_MS);
    for (const { id } of here) assert.ok(isRunFinished((await world.run(id)).status), 'ended within a beat');
    assert.ok(world.engine.load.links > 0 && other.engine.load.links > 0);
    await world.advance(5 * MINUTE);
    await allWell(world, here);
    assert.deepEqual([world.engine.load.links, other.engine.load.links], [0, 0]);
    await other.leave();
    await world.close();
  });

  test('servers at rest write nothing but their signs of life', async () => {
    const { world, other } = await two();
    const before = [world.life.commits, other.life.commits];
    const leases = JSON.stringify(await world.store.read.leases.find());
    await world.advance(10 * MINUTE);
    const beats = (10 * MINUTE) / BEAT_MS;
    assert.ok(world.life.commits - (before[0] ?? 0) <= beats + 1);
    assert.ok(other.life.commits - (before[1] ?? 0) <= beats + 1);
    assert.equal(JSON.stringify(await world.store.read.leases.find()), leases, 'no lane moves');
    await other.leave();
    await world.close();
  });
});

describe('a server that is killed', () => {
  test('leaves everything to the other after its time is over, in the middle of whatever', async () => {
    for (let afterMs = 0; afterMs <= 21_000; afterMs += 700) {
      const { world, other } = await two();
      const runs = [...(await applyMany(world, 4)), ...(await applyMany(world, 2, 'pair', 2))];
      await world.advance(afterMs);
      other.kill();
      await world.advance(LEASE_TTL_MS + 2 * BEAT_MS);
      assert.deepEqual(
        await owners(world),
        new Map([[world.leases?.server ?? '', LANE_COUNT]]),
        `killed after ${afterMs} ms`,
      );
      await world.advance(10 * MINUTE);
      await allWell(world, runs);
      await world.close();
    }
  });

  test('at any of its writes, before it or after it', async () => {
    for (let commit = 1; commit <= 24; commit++) {
      for (const death of [{ before: commit }, { after: commit }]) {
        const { world, other } = await two();
        other.life.doom(death);
        const runs = await applyMany(world, 3, 'pair', 2);
        await world.advance(10 * MINUTE);
        if (!other.life.alive) other.kill();
        await world.advance(10 * MINUTE);
        await allWell(world, runs);
        if (other.life.alive) await other.leave();
        await world.close();
      }
    }
  });
});

describe('a server that stands still', () => {
  test('wakes up late: nothing that it writes counts, and it gets work again', async () => {
    let refusals = 0;
    for (let afterMs = 0; afterMs <= 21_000; afterMs += 1_500) {
      const { world, other } = await two();
      const runs = [...(await applyMany(world, 6)), ...(await applyMany(world, 2, 'pair', 2))];
      await world.advance(afterMs);
      other.life.pause();
      await world.advance(MINUTE);
      assert.deepEqual(await owners(world), new Map([[world.leases?.server ?? '', LANE_COUNT]]));
      other.life.resume();
      await world.advance(3 * BEAT_MS);
      refusals += other.leases.refusals;
      assert.ok(other.leases.size > 0, 'it takes part again');
      await world.advance(10 * MINUTE);
      await allWell(world, runs);
      await other.leave();
      await world.close();
    }
    assert.ok(refusals > 0, 'it never tried to write');
  });

  test('for less than its time: nobody takes anything', async () => {
    const { world, other } = await two();
    const runs = await applyMany(world, 6);
    await world.advance(2_000);
    const before = JSON.stringify(await world.store.read.leases.find());
    other.life.pause();
    await world.advance(LEASE_TTL_MS - 3 * BEAT_MS);
    other.life.resume();
    await world.advance(BEAT_MS);
    assert.equal(JSON.stringify(await world.store.read.leases.find()), before);
    await world.advance(10 * MINUTE);
    await allWell(world, runs);
    await other.leave();
    await world.close();
  });
});

describe('a server that cannot reach the store', () => {
  test('stops acting before others may, and comes back by itself', async () => {
    const { world, other } = await two();
    const runs = await applyMany(world, 6);
    await world.advance(2_000);
    other.life.cutOff(true);
    await world.advance(LEASE_TTL_MS - BEAT_MS);
    assert.equal(other.leases.size, 0);
    assert.equal(other.engine.load.links, 0);
    assert.equal((await owners(world)).size, 2, 'nobody has taken anything yet');
    await world.advance(MINUTE);
    assert.equal((await owners(world)).size, 1);
    other.life.cutOff(false);
    await world.advance(3 * BEAT_MS);
    assert.ok(other.leases.size > 0);
    await world.advance(10 * MINUTE);
    await allWell(world, runs);
    await other.leave();
    await world.close();
  });

  test('a store that is away for all of them costs time only: each has its lanes again', async () => {
    for (const awayMs of [3_000, 30_000]) {
      const { world, other } = await two();
      const runs = await applyMany(world, 6);
      await world.advance(2_000);
      for (const life of [world.life, other.life]) life.cutOff(true);
      await world.advance(awayMs);
      for (const life of [world.life, other.life]) life.cutOff(false);
      await world.advance(3 * BEAT_MS);
      assert.equal((await owners(world)).size, 2);
      await world.advance(10 * MINUTE);
      await allWell(world, runs);
      await other.leave();
      await world.close();
    }
  });
});
