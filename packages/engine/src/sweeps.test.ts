/** Sweeps in a whole world: what the cloud has and no book expects, and what the books have and no cloud. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { machineName, ownerTags } from '@berth/backend';
import { inWorld } from './testing/in-world.ts';
import { SimCloud, TEST_INSTALLATION } from './testing/sim-cloud.ts';
import type { World, WorldOptions } from './testing/world.ts';
import { ORPHAN_MIN_AGE_MS } from './timing.ts';

const MINUTE = 60_000;

/** A machine with our tag that nobody has on a book. */
function plant(world: World, token: string): void {
  const [offer] = world.cloud.offers;
  if (offer === undefined) throw new Error('This cloud offers nothing.');
  world.cloud.truth.make({
    clientToken: token,
    name: machineName(TEST_INSTALLATION, token),
    tags: ownerTags({ installation: TEST_INSTALLATION, token, instance: token }),
    offer,
  });
}

describe('a machine on no book', () => {
  inWorld(
    'is seen within seconds of the start, terminated after the minimum age, and gone soon after',
    async (world) => {
      plant(world, 'stray');
      await world.advance(10_000);
      assert.equal((await world.events('orphan.seen')).length, 1);
      await world.advance(ORPHAN_MIN_AGE_MS - 10_000);
      assert.equal(world.cloud.alive.length, 1);
      await world.advance(30_000);
      assert.equal(world.cloud.alive.length, 0);
      await world.advance(5 * MINUTE);
      const [orphan] = await world.store.read.orphans.find();
      assert.deepEqual([orphan?.status, orphan?.token], ['gone', 'stray']);
      assert.equal((await world.events('orphan.terminated')).length, 1);
    },
  );

  inWorld('is terminated for ever, until the cloud lets it go', async (world) => {
    plant(world, 'stray');
    world.cloud.faults.terminate.push(...Array.from({ length: 10 }, () => 'auth' as const));
    await world.advance(60 * MINUTE);
    assert.equal(world.cloud.alive.length, 0);
    assert.equal((await world.events('orphan.stuck')).length, 1);
  });

  inWorld('survives a restart of the server in the middle', async (world) => {
    plant(world, 'stray');
    await world.advance(4 * MINUTE);
    await world.crash();
    await world.advance(90_000);
    assert.equal(world.cloud.alive.length, 0);
  });

  inWorld('that a row was written off for is terminated all the same, and names the row', async (world) => {
    world.agents.behave = () => ({ afterMs: null });
    const run = await world.apply();
    await world.advance(4 * MINUTE);
    const job = await world.job(run);
    const [row] = await world.instances();
    // The network is cut, and the cloud's list loses the machine for as long.
    world.agents.unreachable.add(row?.token ?? '');
    world.agents.of(row?.token ?? '').cut();
    world.cloud.hidden.add(row?.token ?? '');
    await world.advance(2 * MINUTE);
    assert.equal((await world.store.read.jobs.get(job.id))?.endReason, 'agent-lost');
    assert.equal(world.cloud.alive.length, 1);
    world.cloud.hidden.clear();
    await world.advance(10 * MINUTE);
    assert.equal(world.cloud.alive.length, 0);
    const [orphan] = await world.store.read.orphans.find();
    assert.deepEqual([orphan?.status, orphan?.instanceId], ['gone', row?.id]);
  });
});

const SPOT: WorldOptions = { clouds: (clock) => [new SimCloud(clock, 'sim', [{ capacityType: 'spot' }])] };

describe('a machine on the books that the cloud does not have', () => {
  inWorld(
    'a spot machine that was taken back: its job is interrupted within a minute, not after ten',
    async (world) => {
      world.agents.behave = () => ({ afterMs: null });
      const run = await world.apply();
      await world.advance(10 * MINUTE);
      const [row] = await world.instances();
      world.cloud.kill(row?.token ?? '');
      await world.advance(MINUTE);
      const job = await world.job(run);
      assert.deepEqual([job.status, job.endReason, job.message], ['failed', 'interrupted', 'The cloud took it back.']);
      assert.equal((await world.instances())[0]?.endReason, 'gone');
      assert.equal((await world.events('instance.gone')).length, 1);
    },
    SPOT,
  );

  inWorld('stays while its agent answers, however stale the list is', async (world) => {
    world.agents.behave = () => ({ afterMs: null });
    const run = await world.apply();
    await world.advance(MINUTE);
    const [row] = await world.instances();
    world.cloud.hidden.add(row?.token ?? '');
    await world.advance(30 * MINUTE);
    assert.equal((await world.run(run.id)).status, 'running');
  });
});

inWorld(
  'a backend that is lost while it holds machines is told of once, and again when it is lost again',
  async (world) => {
    world.agents.behave = () => ({ afterMs: null });
    await world.apply();
    await world.advance(MINUTE);
    const turn = async (usable: boolean): Promise<void> => {
      world.cloud.usable = usable;
      for (const listener of world.backendListeners) listener(world.project);
      await world.advance(MINUTE);
    };
    await turn(false);
    await turn(false);
    assert.equal((await world.events('backend.holds-machines')).length, 1);
    await turn(true);
    await turn(false);
    assert.equal((await world.events('backend.holds-machines')).length, 2);
  },
);

describe('a sweep that somebody asks for', () => {
  inWorld('tells of what is on no book and what is gone; a dry run changes nothing', async (world) => {
    await world.apply({ idleDurationMs: null });
    await world.advance(5 * MINUTE);
    plant(world, 'stray');
    const before = [await world.store.read.orphans.count(), await world.store.read.events.count()];
    const [dry] = await sweep(world, true);
    assert.deepEqual(
      [dry?.machines, dry?.orphans.map(({ cloudId, status }) => [cloudId, status])],
      [2, [[world.cloud.truth.ofToken('stray')?.cloudId, 'watched']]],
    );
    assert.deepEqual([await world.store.read.orphans.count(), await world.store.read.events.count()], before);
    const [real] = await sweep(world, false);
    const [orphan] = real?.orphans ?? [];
    assert.equal(orphan?.terminatesAt, (orphan?.firstSeenAt ?? 0) + ORPHAN_MIN_AGE_MS);
    assert.equal(await world.store.read.orphans.count(), 1);
  });

  inWorld('names a backend that cannot be used and one that does not answer', async (world) => {
    await world.apply({ idleDurationMs: null });
    await world.advance(5 * MINUTE);
    world.cloud.faults.list.push('fails-before');
    assert.equal((await sweep(world, false))[0]?.status, 'failed');
    world.cloud.usable = false;
    assert.equal((await sweep(world, false))[0]?.status, 'unavailable');
  });
});

async function sweep(world: World, dryRun: boolean): ReturnType<World['engine']['sweep']> {
  const swept = world.engine.sweep(world.project, { dryRun });
  await world.advance(10);
  return swept;
}
