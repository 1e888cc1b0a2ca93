import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskSpec } from './testing/specs.ts';
import { World } from './testing/world.ts';

test('a task gets a machine, runs, ends, and its machine is given back after idle_duration', async () => {
  const world = await World.make();
  const run = await world.engine.applyRun(world.actor, taskSpec({ idleDurationMs: 60_000 }), null);
  await world.advance(500);
  assert.equal((await world.run(run.id)).status, 'running');
  assert.equal(world.cloud.alive.length, 1);
  await world.advance(1_000);
  const ended = await world.run(run.id);
  assert.equal(ended.status, 'done');
  assert.equal(ended.endReason, 'all-jobs-done');
  assert.equal(world.cloud.alive.length, 1, 'the machine is kept for the next run');
  await world.advance(61_000);
  assert.equal(world.cloud.alive.length, 0);
  const [instance] = await world.instances();
  assert.equal(instance?.status, 'terminated');
  assert.equal(instance?.endReason, 'idle-timeout');
  console.log(world.life.transactions, world.life.commits, world.logged);
  await world.close();
});
