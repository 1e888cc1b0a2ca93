/** `retry` in a world: what is tried again, when, and with how many machines. */
import assert from 'node:assert/strict';
import type { RunSpec } from '@berth/core';
import { inWorld } from './testing/in-world.ts';
import { SimCloud } from './testing/sim-cloud.ts';
import type { World, WorldOptions } from './testing/world.ts';

const HOUR = 3_600_000;
const on = (...onEvents: NonNullable<RunSpec['retry']>['onEvents']): RunSpec['retry'] => ({
  onEvents,
  durationMs: HOUR,
});

/** Fails in its first submissions, then succeeds. */
function failFirst(world: World, times: number): void {
  world.agents.behave = ({ env }) => ({ afterMs: 1_000, exitStatus: Number(env.BERTH_SUBMISSION_NUM) < times ? 1 : 0 });
}

inWorld('error: a program that fails is run again after 15 s, on the machine it had', async (world) => {
  failFirst(world, 2);
  const run = await world.apply({ retry: on('error') });
  await world.advance(5_000);
  assert.equal((await world.run(run.id)).status, 'pending');
  assert.match((await world.run(run.id)).message ?? '', /exited with status 1\. It is tried again\./);
  await world.advance(120_000);
  assert.deepEqual([(await world.run(run.id)).status, (await world.run(run.id)).submission], ['done', 2]);
  assert.equal(world.cloud.machines.size, 1);
  const submitted = (await world.jobs(run)).map((job) => job.submittedAt - run.submittedAt);
  assert.ok((submitted[1] ?? 0) >= 15_000 && (submitted[1] ?? 0) < 18_000);
});

inWorld('without retry, and for an event that is not named, it fails at once', async (world) => {
  failFirst(world, 1);
  const never = await world.apply({ name: 'never' });
  const other = await world.apply({ name: 'other', retry: on('interruption') });
  await world.advance(5_000);
  assert.equal((await world.run(never.id)).endReason, 'job-failed');
  assert.equal((await world.run(other.id)).endReason, 'job-failed');
});

inWorld('a program that fails for ever is given up when its window is over', async (world) => {
  world.agents.behave = () => ({ afterMs: 1_000, exitStatus: 1 });
  const run = await world.apply({ retry: on('error') });
  await world.advance(3 * HOUR);
  const { status, endReason, submission } = await world.run(run.id);
  assert.deepEqual([status, endReason], ['failed', 'retry-limit-exceeded']);
  assert.ok(submission >= 5 && submission <= 15, `${submission} submissions`);
});

const SPOT: WorldOptions = { clouds: (clock) => [new SimCloud(clock, 'sim', [{ capacityType: 'spot' }])] };

inWorld(
  'interruption: a spot machine that is taken back costs its submission, not the run',
  async (world) => {
    world.agents.behave = ({ env }) => ({ afterMs: env.BERTH_SUBMISSION_NUM === '0' ? null : 1_000 });
    const run = await world.apply({ retry: on('interruption') });
    await world.advance(5 * HOUR);
    const [machine] = world.cloud.alive;
    world.cloud.kill(machine?.token ?? '');
    await world.advance(HOUR);
    assert.equal((await world.run(run.id)).status, 'done');
    const [first] = await world.jobs(run);
    assert.deepEqual([first?.status, first?.endReason], ['failed', 'interrupted']);
    assert.equal(world.cloud.machines.size, 2);
  },
  SPOT,
);

inWorld('interruption: the stock-out that follows one is borne as well', async (world) => {
  world.agents.behave = ({ env }) => ({ afterMs: env.BERTH_SUBMISSION_NUM === '0' ? null : 1_000 });
  const run = await world.apply({ retry: on('interruption') });
  await world.advance(HOUR);
  world.cloud.capacity = 0;
  world.cloud.kill(world.cloud.alive[0]?.token ?? '');
  await world.advance(HOUR / 2);
  assert.equal((await world.run(run.id)).status, 'pending');
  world.cloud.capacity = 1;
  await world.advance(HOUR / 2);
  assert.equal((await world.run(run.id)).status, 'done');
});

inWorld('no-capacity: one job waits for as long as it takes, and clouds are asked ever less often', async (world) => {
  world.cloud.capacity = 0;
  const run = await world.apply({ retry: on('no-capacity') });
  await world.advance(HOUR / 2);
  assert.equal((await world.run(run.id)).status, 'pending');
  assert.equal((await world.jobs(run)).length, 1, 'a stock-out makes no rows');
  const creates = world.cloud.count('create');
  assert.ok(creates >= 3 && creates <= 8, `${creates} attempts in half an hour`);
  assert.ok(world.cloud.count('offers') <= 2 * creates + 2, 'no hot loop of questions');
  world.cloud.capacity = 1;
  await world.advance(HOUR / 2);
  assert.equal((await world.run(run.id)).status, 'done');
});

inWorld('no-capacity: when nothing fits, the run says why and ends with its window', async (world) => {
  world.cloud.offers = [];
  const run = await world.apply({ retry: { onEvents: ['no-capacity'], durationMs: 60_000 } });
  await world.advance(30_000);
  assert.equal((await world.run(run.id)).message, 'no backend offers anything');
  await world.advance(HOUR);
  const { status, endReason, message } = await world.run(run.id);
  assert.deepEqual([status, endReason, message], ['failed', 'no-capacity', 'no backend offers anything.']);
});

inWorld('all nodes are submitted again together', async (world) => {
  world.agents.behave = ({ env }) =>
    env.BERTH_SUBMISSION_NUM === '0' && env.BERTH_JOB_NUM === '1'
      ? { afterMs: 1_000, exitStatus: 1 }
      : { afterMs: 5_000 };
  const run = await world.apply({ nodes: 2, retry: on('error') });
  await world.advance(60_000);
  assert.equal((await world.run(run.id)).status, 'done');
  assert.deepEqual(
    (await world.jobs(run)).map((job) => [job.submission, job.status]),
    [
      [0, 'terminated'],
      [0, 'failed'],
      [1, 'done'],
      [1, 'done'],
    ],
  );
  assert.equal(world.cloud.machines.size, 2);
});

inWorld('a run that waits for its next attempt can be stopped', async (world) => {
  failFirst(world, 9);
  const run = await world.apply({ retry: on('error') });
  await world.advance(5_000);
  await world.engine.stopRun(world.actor, run.id, false);
  await world.advance(1_000);
  const { status, endReason } = await world.run(run.id);
  assert.deepEqual([status, endReason], ['terminated', 'stopped-by-user']);
});
