/** When a cloud is believed that a young machine is gone. */
import assert from 'node:assert/strict';
import { inWorld } from './testing/in-world.ts';
import type { World } from './testing/world.ts';

async function letGo(world: World): Promise<void> {
  await world.apply({ idleDurationMs: 0 });
  await world.advance(2_000);
  assert.equal(world.cloud.alive.length, 0);
}

const statuses = async (world: World): Promise<string[]> => (await world.instances()).map((row) => row.status);

inWorld('a cloud whose list is never late is believed at once', async (world) => {
  world.cloud.listLagMs = 0;
  await letGo(world);
  assert.deepEqual(await statuses(world), ['terminated']);
});

inWorld('a cloud that says nothing of it is believed when it says so a second time', async (world) => {
  await letGo(world);
  assert.deepEqual(await statuses(world), ['terminating']);
  await world.advance(31_000);
  assert.deepEqual(await statuses(world), ['terminated']);
});
