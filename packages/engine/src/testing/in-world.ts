import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrongNow } from './invariants.ts';
import { World, type WorldOptions } from './world.ts';

/** A test in a world of its own, in which besides the claim everything that must always be true is true at the end. */
export function inWorld(claim: string, play: (world: World) => Promise<void>, options: WorldOptions = {}): void {
  test(claim, async () => {
    const world = await World.make(options);
    await play(world);
    await world.advance(1);
    assert.deepEqual(await wrongNow(world), []);
    await world.close();
  });
}
