/** A machine that takes too long gets a rival; the loser is let go, and never is more paid than was allowed. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { inWorld } from './testing/in-world.ts';
import { SimCloud } from './testing/sim-cloud.ts';
import { ANY, fleetSpec } from './testing/specs.ts';
import type { World, WorldOptions } from './testing/world.ts';

const MINUTE = 60_000;

/** The cheap cloud tells no address for a quarter of an hour: longer than anybody waits. */
const SLOW_AND_FAST: WorldOptions = {
  clouds: (clock) => {
    const slow = new SimCloud(clock, 'slow', [{ pricePerHour: 1 }]);
    slow.addressAfterMs = 15 * MINUTE;
    return [slow, new SimCloud(clock, 'fast', [{ pricePerHour: 2 }])];
  },
};

function alive(world: World): string[] {
  return world.clouds.flatMap((cloud) => cloud.alive.map(() => cloud.name));
}

describe('a machine that takes too long', () => {
  inWorld(
    'gets a rival on another offer; the job goes to it, and the slow one is let go at once',
    async (world) => {
      world.agents.behave = () => ({ afterMs: 2 * MINUTE });
      const run = await world.apply({ idleDurationMs: 0 });
      await world.advance(4.9 * MINUTE);
      assert.deepEqual(alive(world), ['slow']);
      await world.advance(0.5 * MINUTE);
      assert.deepEqual(alive(world), ['fast']);
      const [slow, fast] = await world.instances();
      assert.deepEqual([slow?.endReason, fast?.status, fast?.hedgeOf], ['hedged', 'busy', null]);
      assert.equal((await world.events('instance.hedged')).length, 1);
      await world.advance(3 * MINUTE);
      const job = await world.job(run);
      assert.deepEqual([job.status, job.instanceId, job.pricePerHour], ['done', fast?.id, 2]);
      assert.deepEqual(alive(world), []);
    },
    SLOW_AND_FAST,
  );

  inWorld(
    'and is ready first all the same keeps the job, and the rival is let go',
    async (world) => {
      const [slow, fast] = world.clouds;
      if (slow !== undefined) slow.addressAfterMs = 6 * MINUTE;
      if (fast !== undefined) fast.addressAfterMs = 20 * MINUTE;
      world.agents.behave = () => ({ afterMs: 20 * MINUTE });
      await world.apply();
      await world.advance(5.2 * MINUTE);
      assert.deepEqual(alive(world), ['slow', 'fast']);
      await world.advance(2 * MINUTE);
      assert.deepEqual(alive(world), ['slow']);
      const [, rival] = await world.instances();
      assert.deepEqual([rival?.endReason, rival?.message?.endsWith('was ready first.')], ['hedged', true]);
    },
    SLOW_AND_FAST,
  );

  inWorld(
    'and is lost then: the job goes to the rival, also while that is being made',
    async (world) => {
      const [, fast] = world.clouds;
      if (fast !== undefined) fast.addressAfterMs = 6 * MINUTE;
      const run = await world.apply();
      await world.advance(10.5 * MINUTE);
      const [first, rival] = await world.instances();
      assert.equal(first?.endReason, 'provisioning-timeout');
      assert.deepEqual([(await world.job(run)).instanceId, rival?.hedgeOf], [rival?.id, null]);
      await world.advance(2 * MINUTE);
      assert.equal((await world.run(run.id)).status, 'done');
      assert.equal((await world.instances()).length, 2);
    },
    SLOW_AND_FAST,
  );

  inWorld(
    'of a run that is stopped: both are let go',
    async (world) => {
      const [, fast] = world.clouds;
      if (fast !== undefined) fast.addressAfterMs = 6 * MINUTE;
      const run = await world.apply({ idleDurationMs: 0 });
      await world.advance(5.2 * MINUTE);
      await world.engine.stopRun(world.actor, run.id, false);
      await world.advance(20 * MINUTE);
      assert.deepEqual(alive(world), []);
      const [first, rival] = await world.instances();
      assert.equal(rival?.endReason, 'hedged');
      assert.equal(first?.status, 'terminated');
    },
    SLOW_AND_FAST,
  );
});

describe('no rival is made', () => {
  const none = (claim: string, apply: (world: World) => Promise<unknown>): void =>
    inWorld(
      claim,
      async (world) => {
        await apply(world);
        await world.advance(9 * MINUTE);
        assert.ok(!alive(world).includes('fast'));
      },
      SLOW_AND_FAST,
    );

  none('above the highest price', (world) => world.apply({ requirements: { ...ANY, maxPricePerHour: 1.5 } }));
  none('for one node of several', (world) => world.apply({ nodes: 2 }));
  none('where the fleet is full', async (world) => {
    await world.engine.applyFleet(world.actor, fleetSpec({ nodes: { min: 0, target: 0, max: 1 } }), null);
    await world.apply({ fleets: ['pool'] });
  });
  none('where machines are only used again', async (world) => {
    await world.engine.applyFleet(world.actor, fleetSpec({ nodes: { min: 1, target: 1, max: 3 } }), null);
    await world.advance(1_000);
    await world.apply({ creationPolicy: 'reuse' });
  });
});
