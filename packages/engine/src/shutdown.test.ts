/** A server that is asked to stop finishes what is under way, or leaves it for the next one to take up. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { inWorld } from './testing/in-world.ts';
import { SimCloud } from './testing/sim-cloud.ts';
import type { World, WorldOptions } from './testing/world.ts';

const MINUTE = 60_000;

/** Stops as the server does, and starts another one. How long the stop took, in ms. */
async function replace(world: World): Promise<number> {
  const began = world.clock.now();
  let took: number | null = null;
  void world.engine.stop().then(() => {
    took = world.clock.now() - began;
  });
  await world.advance(20_000);
  assert.notEqual(took, null, 'it ends');
  await world.boot();
  return took ?? 0;
}

const TWO: WorldOptions = {
  clouds: (clock) => [new SimCloud(clock, 'slow', [{}]), new SimCloud(clock, 'fast', [{ pricePerHour: 2 }])],
};

/** Begins something, stops in the middle of it, and says what must be true in the end. */
function handedOver(
  what: string,
  begin: (world: World) => Promise<void>,
  after: (world: World) => Promise<void>,
  options: WorldOptions = {},
): void {
  inWorld(
    what,
    async (world) => {
      await begin(world);
      const took = await replace(world);
      assert.ok(took <= 10_000, `it took ${took} ms`);
      await world.advance(20 * MINUTE);
      await after(world);
    },
    options,
  );
}

async function allDone(world: World): Promise<void> {
  for (const run of await world.store.read.runs.find()) assert.equal(run.status, 'done', run.message ?? '');
  for (const [job, starts] of world.agents.started) assert.equal(starts.length, 1, `${job} was started once`);
}

describe('what is under way when the server is asked to stop', () => {
  handedOver(
    'a creation that hangs: the machine is made once',
    async (world) => {
      world.cloud.faults.create.push('hangs');
      await world.apply();
      await world.advance(1_000);
    },
    async (world) => {
      await allDone(world);
      assert.equal(world.cloud.machines.size, 1);
    },
  );

  handedOver(
    'a creation whose answer comes in time: it is waited for',
    async (world) => {
      world.cloud.faults.create.push({ kind: 'slow', ms: 2_000 });
      await world.apply();
      await world.advance(500);
    },
    async (world) => {
      await allDone(world);
      assert.deepEqual([world.cloud.machines.size, world.cloud.count('create')], [1, 1]);
    },
  );

  handedOver(
    'a termination: it is made again until the machine is gone',
    async (world) => {
      await world.apply({ idleDurationMs: 0 });
      world.cloud.faults.terminate.push('hangs');
      await world.advance(3_000);
    },
    async (world) => assert.equal(world.cloud.alive.length, 0),
  );

  handedOver(
    'looking for what a lost answer made: it is found and terminated',
    async (world) => {
      world.cloud.faults.create.push('succeeds-then-times-out');
      world.cloud.faults.list.push('hangs', 'hangs');
      const run = await world.apply();
      await world.advance(100);
      await world.engine.stopRun(world.actor, run.id, false);
      await world.advance(3_000);
    },
    async (world) => assert.equal(world.cloud.alive.length, 0),
  );

  handedOver(
    'offers that nobody answers: the run is placed by the next server',
    async (world) => {
      world.cloud.offersFault = 'hangs';
      await world.apply();
      await world.advance(500);
      world.cloud.offersFault = null;
    },
    allDone,
  );

  handedOver(
    'a submission at an agent: the job runs once',
    async (world) => {
      world.agents.onNew = (agent) => agent.faults.submit.push('hangs');
      await world.apply();
      await world.advance(2_000);
    },
    allDone,
  );

  handedOver(
    'a job that runs: nobody touches it',
    async (world) => {
      world.agents.behave = () => ({ afterMs: 5 * MINUTE });
      await world.apply();
      await world.advance(10_000);
    },
    allDone,
  );

  handedOver(
    'logs and artifacts on their way: they are fetched by the next one',
    async (world) => {
      world.agents.behave = () => ({ afterMs: 1_000, artifacts: true });
      world.agents.onNew = (agent) => agent.faults.logComplete.push('hangs');
      await world.apply();
      await world.advance(3_000);
    },
    async (world) => {
      await allDone(world);
      assert.equal((await world.store.read.jobs.find())[0]?.artifacts?.fetched, true);
    },
  );

  handedOver(
    'a sweep: the next server makes another one',
    async (world) => {
      world.cloud.faults.list.push('hangs');
      await world.advance(6_000);
    },
    async (world) => assert.ok(world.cloud.count('list') > 10),
  );

  handedOver(
    'a rival that is being made: the job goes to it',
    async (world) => {
      const [slow, fast] = world.clouds;
      if (slow !== undefined) slow.addressAfterMs = 30 * MINUTE;
      fast?.faults.create.push('hangs');
      await world.apply();
      await world.advance(5 * MINUTE + 2_000);
    },
    async (world) => {
      await allDone(world);
      assert.equal(world.clouds[1]?.machines.size, 1);
    },
    TWO,
  );
});
