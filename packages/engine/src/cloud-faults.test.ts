/** Clouds that fail, lie, hang and forget: no machine is made twice, and none is lost. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { inWorld } from './testing/in-world.ts';
import { SimCloud } from './testing/sim-cloud.ts';
import type { World, WorldOptions } from './testing/world.ts';

const MINUTE = 60_000;
const TWO_OFFERS: WorldOptions = {
  clouds: (clock) => [
    new SimCloud(clock, 'sim', [
      { instanceType: 'cheap', pricePerHour: 1 },
      { instanceType: 'dear', pricePerHour: 2 },
    ]),
  ],
};

async function openIntents(world: World): Promise<number> {
  return (await world.store.read.intents.find({ where: { status: 'open' } })).length;
}

describe('creating', () => {
  inWorld('refused before anything happened: it is tried again, and one machine is made', async (world) => {
    world.cloud.faults.create.push('fails-before', 'fails-before');
    const run = await world.apply();
    await world.advance(10_000);
    assert.equal((await world.run(run.id)).status, 'done');
    assert.deepEqual([world.cloud.count('create'), world.cloud.machines.size], [3, 1]);
  });

  inWorld('done, but the answer was lost: the repeat finds the same machine', async (world) => {
    world.cloud.faults.create.push('succeeds-then-times-out');
    const run = await world.apply();
    await world.advance(10_000);
    assert.equal((await world.run(run.id)).status, 'done');
    assert.equal(world.cloud.machines.size, 1);
  });

  inWorld('hanging: it is given up at its deadline and tried again', async (world) => {
    world.cloud.faults.create.push('hangs');
    const run = await world.apply();
    await world.advance(59_000);
    assert.equal((await world.run(run.id)).status, 'provisioning');
    await world.advance(10_000);
    assert.equal((await world.run(run.id)).status, 'done');
  });

  inWorld(
    'out of stock: the next offer is taken, and the first one left alone',
    async (world) => {
      world.cloud.faults.create.push('no-capacity');
      const run = await world.apply();
      await world.advance(5_000);
      assert.equal((await world.run(run.id)).status, 'done');
      const rows = await world.instances();
      assert.deepEqual(
        rows.map((row) => [row.instanceType, row.endReason]),
        [
          ['cheap', 'create-failed'],
          ['dear', null],
        ],
      );
      assert.equal(await openIntents(world), 0);
    },
    TWO_OFFERS,
  );

  inWorld('credentials that are wrong fail the run with the cloud’s own words', async (world) => {
    world.cloud.faults.create.push('auth');
    const run = await world.apply();
    await world.advance(5_000);
    const { status, endReason, message } = await world.run(run.id);
    assert.deepEqual([status, endReason], ['failed', 'no-capacity']);
    assert.match(message ?? '', /sim refused: the key is wrong/);
    assert.equal(await openIntents(world), 0);
  });

  inWorld(
    'a machine whose agent never answers is given back, and its offer is not tried again',
    async (world) => {
      world.agents.onNew = () => {};
      world.cloud.addressAfterMs = 60 * MINUTE;
      const run = await world.apply();
      await world.advance(90 * MINUTE);
      const { status, endReason } = await world.run(run.id);
      assert.deepEqual([status, endReason], ['failed', 'no-capacity']);
      assert.deepEqual(
        (await world.instances()).map((row) => [row.instanceType, row.endReason]),
        [
          ['cheap', 'provisioning-timeout'],
          ['dear', 'provisioning-timeout'],
        ],
      );
      assert.equal(world.cloud.alive.length, 0);
    },
    TWO_OFFERS,
  );
});

describe('a creation whose outcome is not known', () => {
  inWorld('is looked for when the run is stopped, and what it made is terminated', async (world) => {
    world.cloud.faults.create.push('succeeds-then-times-out', 'hangs');
    const run = await world.apply({ idleDurationMs: 0 });
    await world.advance(2_000);
    await world.engine.stopRun(world.actor, run.id, true);
    await world.advance(20 * MINUTE);
    assert.equal(world.cloud.machines.size, 1);
    assert.equal(world.cloud.alive.length, 0);
    assert.equal(await openIntents(world), 0);
  });

  inWorld('is looked for also when a later attempt is refused', async (world) => {
    world.cloud.faults.create.push('succeeds-then-times-out', 'auth');
    await world.apply();
    await world.advance(20 * MINUTE);
    assert.equal(world.cloud.machines.size, 1);
    assert.equal(world.cloud.alive.length, 0, 'the machine that nobody heard of is terminated');
    const [row] = await world.instances();
    assert.deepEqual([row?.status, row?.endReason], ['terminated', 'create-failed']);
  });

  inWorld('stays unknown when a later attempt did nothing', async (world) => {
    world.cloud.faults.create.push('succeeds-then-times-out', 'fails-before', 'fails-before');
    await stopAndDelete(world, 2_500);
    await world.advance(20 * MINUTE);
    assert.deepEqual([world.cloud.machines.size, world.cloud.alive.length], [1, 0]);
  });

  inWorld('is looked for more than once, because a list may be late', async (world) => {
    world.cloud.faults.create.push('succeeds-then-times-out', 'fails-before', 'fails-before');
    world.cloud.faults.list.push('late', 'late');
    await stopAndDelete(world, 1_500);
    await world.advance(20 * MINUTE);
    assert.deepEqual([world.cloud.machines.size, world.cloud.alive.length], [1, 0]);
  });

  /** After that nobody wants the machine, of which it is not known whether it exists. */
  async function stopAndDelete(world: World, afterMs: number): Promise<void> {
    const run = await world.apply();
    await world.advance(afterMs);
    await world.engine.stopRun(world.actor, run.id, true);
    await world.advance(1);
    const [row] = await world.instances();
    await world.engine.deleteInstance(world.actor, row?.id ?? assert.fail());
  }
});

describe('terminating', () => {
  async function idleMachine(world: World): Promise<void> {
    await world.apply({ idleDurationMs: 2 * MINUTE });
    await world.advance(MINUTE);
    assert.equal(world.cloud.alive.length, 1);
  }

  for (const fault of ['fails-before', 'succeeds-then-times-out', 'hangs', 'ignored'] as const) {
    inWorld(`${fault}: it is done again until the machine is gone`, async (world) => {
      await idleMachine(world);
      world.cloud.faults.terminate.push(fault, fault);
      await world.advance(10 * MINUTE);
      assert.equal(world.cloud.alive.length, 0);
      const [row] = await world.instances();
      assert.deepEqual([row?.status, row?.endReason], ['terminated', 'idle-timeout']);
      assert.equal(await openIntents(world), 0);
    });
  }

  inWorld('a machine stays on the books until the cloud itself says that it is gone', async (world) => {
    await idleMachine(world);
    world.cloud.terminateTakesMs = 5 * MINUTE;
    await world.advance(4 * MINUTE);
    assert.equal((await world.instances())[0]?.status, 'terminating');
    await world.advance(5 * MINUTE);
    assert.equal((await world.instances())[0]?.status, 'terminated');
    assert.deepEqual(await world.events('instance.stuck'), [], 'taking five minutes is no reason to cry');
  });

  inWorld('what cannot be terminated is reported once as stuck, and tried for ever', async (world) => {
    await idleMachine(world);
    world.cloud.faults.terminate.push(...Array.from({ length: 100 }, () => 'auth' as const));
    await world.advance(60 * MINUTE);
    const [event, ...more] = await world.events('instance.stuck');
    assert.deepEqual(more, []);
    assert.match(event?.message ?? '', /cannot be terminated \(the key is wrong\)\. It may still be billed/);
    const tries = world.cloud.count('terminate');
    assert.ok(tries > 50 && tries < 80, `${tries} tries in an hour: patience has a limit, and so has its lack`);
    world.cloud.faults.terminate.length = 0;
    await world.advance(2 * MINUTE);
    assert.equal(world.cloud.alive.length, 0);
  });

  inWorld('a cloud that says yes and does nothing is stuck as well', async (world) => {
    await idleMachine(world);
    world.cloud.faults.terminate.push(...Array.from({ length: 100 }, () => 'ignored' as const));
    await world.advance(30 * MINUTE);
    const [event] = await world.events('instance.stuck');
    assert.match(event?.message ?? '', /the cloud still lists it/);
  });

  inWorld('a machine that the cloud has just made and does not list yet is not believed gone', async (world) => {
    await world.apply({ idleDurationMs: 0 });
    await world.advance(1_000);
    world.cloud.faults.terminate.push('ignored');
    world.cloud.faults.list.push('late');
    await world.advance(5 * MINUTE);
    assert.equal(world.cloud.alive.length, 0);
  });

  inWorld(
    'a backend that is no longer configured is waited for, with patience, and then used at once',
    async (world) => {
      await idleMachine(world);
      world.cloud.usable = false;
      const before = world.life.transactions;
      await world.advance(6 * 60 * MINUTE);
      const [intent] = await world.store.read.intents.find({ where: { status: 'open' } });
      assert.equal(intent?.lastError?.message, 'Backend sim cannot be used at present.');
      const spent = world.life.transactions - before;
      assert.ok(spent < 2_000, `${spent} transactions in six hours`);
      assert.equal((await world.events('instance.stuck')).length, 1);
      world.cloud.usable = true;
      for (const listener of world.backendListeners) listener(world.project);
      await world.advance(1_000);
      assert.equal(world.cloud.alive.length, 0);
    },
  );
});

describe('a backend that is no longer configured', () => {
  inWorld('does not disturb the job that runs on its machine', async (world) => {
    world.agents.behave = () => ({ afterMs: 5 * MINUTE });
    const run = await world.apply();
    await world.advance(MINUTE);
    world.cloud.usable = false;
    for (const agent of world.agents.all.values()) agent.cut();
    await world.advance(10 * MINUTE);
    assert.equal((await world.run(run.id)).status, 'done');
  });

  inWorld('before it was asked: the run finds no place, and no machine is left in doubt', async (world) => {
    world.cloud.faults.create.push('fails-before');
    const run = await world.apply();
    await world.advance(500);
    world.cloud.usable = false;
    await world.advance(30 * MINUTE);
    assert.equal((await world.run(run.id)).endReason, 'no-capacity');
    assert.equal((await world.instances())[0]?.status, 'terminated');
    assert.equal(await openIntents(world), 0);
  });

  inWorld('while it is not known whether it has made a machine: that is settled when it is back', async (world) => {
    world.cloud.faults.create.push('succeeds-then-times-out');
    const run = await world.apply();
    await world.advance(500);
    world.cloud.usable = false;
    await world.advance(60 * MINUTE);
    assert.equal((await world.run(run.id)).endReason, 'no-capacity');
    assert.equal((await world.instances())[0]?.status, 'terminating');
    assert.equal(world.cloud.alive.length, 1);
    assert.equal((await world.events('instance.stuck')).length, 1, 'and until then somebody can see it');
    world.cloud.usable = true;
    for (const listener of world.backendListeners) listener(world.project);
    await world.advance(5 * MINUTE);
    assert.equal(world.cloud.alive.length, 0);
  });
});
