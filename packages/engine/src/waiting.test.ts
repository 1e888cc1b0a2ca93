/** Who goes first when a place becomes free. */
import assert from 'node:assert/strict';
import type { RunSpec } from '@berth/core';
import { inWorld } from './testing/in-world.ts';
import { SimCloud } from './testing/sim-cloud.ts';
import type { World, WorldOptions } from './testing/world.ts';

const RETRY: RunSpec['retry'] = { onEvents: ['no-capacity', 'error'], durationMs: 3_600_000 };
/** A cloud with room for one machine. */
const ONE: WorldOptions = {
  clouds: (clock) => {
    const cloud = new SimCloud(clock);
    cloud.capacity = 1;
    return [cloud];
  },
};

const startedAt = async (world: World, id: string): Promise<number> => (await world.run(id)).startedAt ?? Infinity;

inWorld(
  'an instance that becomes free goes to who waits, at once and not after a back-off',
  async (world) => {
    world.agents.behave = ({ runName }) => ({ afterMs: runName === 'first' ? 100_000 : 1_000 });
    await world.apply({ name: 'first' });
    await world.advance(5_000);
    const waiting = await world.apply({ name: 'waits', retry: RETRY });
    await world.advance(90_000);
    assert.equal((await world.run(waiting.id)).status, 'pending');
    await world.advance(10_000);
    assert.equal((await world.run(waiting.id)).status, 'done');
  },
  ONE,
);

inWorld(
  'of those who wait, the highest priority goes first, then who came first',
  async (world) => {
    world.agents.behave = ({ runName }) => ({ afterMs: runName === 'first' ? 60_000 : 5_000 });
    await world.apply({ name: 'first' });
    await world.advance(5_000);
    const early = await world.apply({ name: 'early', retry: RETRY });
    await world.advance(1_000);
    const late = await world.apply({ name: 'late', retry: RETRY });
    const urgent = await world.apply({ name: 'urgent', retry: RETRY, priority: 50 });
    await world.advance(600_000);
    const times = [
      await startedAt(world, urgent.id),
      await startedAt(world, early.id),
      await startedAt(world, late.id),
    ];
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
    assert.ok(times.every(Number.isFinite));
  },
  ONE,
);

inWorld('one that waits after a failure is not called forward: its back-off is meant', async (world) => {
  world.agents.behave = ({ env }) => ({ afterMs: 1_000, exitStatus: env.BERTH_SUBMISSION_NUM === '0' ? 1 : 0 });
  const run = await world.apply({ retry: RETRY });
  await world.advance(10_000);
  assert.equal((await world.run(run.id)).status, 'pending', 'although its instance is idle');
});

inWorld('an idle machine of a backend that was taken out is not used again', async (world) => {
  const first = await world.apply({ name: 'first' });
  await world.advance(5_000);
  assert.equal((await world.run(first.id)).status, 'done');
  world.cloud.usable = false;
  const second = await world.apply({ name: 'second' });
  await world.advance(5_000);
  assert.equal((await world.run(second.id)).endReason, 'no-capacity');
  world.cloud.usable = true;
});
