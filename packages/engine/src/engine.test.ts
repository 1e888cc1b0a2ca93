import assert from 'node:assert/strict';
import { totalCost } from '@berth/core/cost';
import { inWorld } from './testing/in-world.ts';
import { SimCloud } from './testing/sim-cloud.ts';
import { ANY } from './testing/specs.ts';

inWorld('a task gets a machine, runs, ends, and its machine is given back after idle_duration', async (world) => {
  const run = await world.apply({ idleDurationMs: 60_000 });
  await world.advance(500);
  assert.equal((await world.run(run.id)).status, 'running');
  assert.equal(world.cloud.alive.length, 1);
  await world.advance(1_000);
  const ended = await world.run(run.id);
  assert.deepEqual([ended.status, ended.endReason, ended.live], ['done', 'all-jobs-done', false]);
  assert.equal(world.cloud.alive.length, 1, 'the machine is kept for the next run');
  await world.advance(61_000);
  assert.equal(world.cloud.alive.length, 0);
  const [instance] = await world.instances();
  assert.deepEqual([instance?.status, instance?.endReason], ['terminated', 'idle-timeout']);
});

inWorld('a second run takes the idle machine: nothing is created, and no cloud is asked for offers', async (world) => {
  const first = await world.apply({ name: 'first' });
  await world.advance(2_000);
  const [offers, creates] = [world.cloud.count('offers'), world.cloud.count('create')];
  const second = await world.apply({ name: 'second' });
  await world.advance(2_000);
  assert.equal((await world.run(second.id)).status, 'done');
  assert.deepEqual([world.cloud.count('offers'), world.cloud.count('create')], [offers, creates]);
  assert.equal((await world.job(second)).instanceId, (await world.job(first)).instanceId);
});

inWorld('bug: why an idle machine and its own offer do not fit was said twice', async (world) => {
  await world.apply({ name: 'first' });
  await world.advance(2_000);
  const run = await world.apply({ name: 'large', requirements: { ...ANY, cpu: { min: 99, max: null } } });
  await world.advance(2_000);
  assert.equal((await world.run(run.id)).message, 'CPUs 4 < 99.');
});

inWorld('a program that fails fails its run, with its exit status', async (world) => {
  world.agents.behave = () => ({ afterMs: 1_000, exitStatus: 7 });
  const run = await world.apply();
  await world.advance(2_000);
  const { status, endReason, message } = await world.run(run.id);
  assert.deepEqual([status, endReason, message], ['failed', 'job-failed', 'Node 0 exited with status 7.']);
  assert.equal((await world.job(run)).exitStatus, 7);
});

inWorld('what cannot be prepared fails with the agent’s reason', async (world) => {
  world.agents.behave = () => ({ afterMs: 0, cannotPrepare: 'image-error' });
  const run = await world.apply();
  await world.advance(2_000);
  const job = await world.job(run);
  assert.deepEqual([job.status, job.endReason, job.startedAt], ['failed', 'image-error', null]);
  assert.equal((await world.run(run.id)).message, 'Node 0: image-error: it cannot be prepared.');
});

inWorld('of two runs that want one idle machine, one gets it and the other a new one', async (world) => {
  await world.apply({ name: 'first' });
  await world.advance(2_000);
  const [a, b] = await Promise.all([world.apply({ name: 'a' }), world.apply({ name: 'b' })]);
  await world.advance(2_000);
  assert.notEqual((await world.job(a)).instanceId, (await world.job(b)).instanceId);
  assert.equal(world.cloud.machines.size, 2);
});

inWorld('idle_duration 0 gives the machine back at once; without one it stays', async (world) => {
  await world.apply({ name: 'short', idleDurationMs: 0 });
  await world.advance(60_000);
  assert.equal(world.cloud.alive.length, 0);
  await world.apply({ name: 'long', idleDurationMs: null });
  await world.advance(30 * 24 * 3_600_000);
  assert.equal(world.cloud.alive.length, 1);
  const [row] = (await world.instances()).slice(-1);
  assert.equal(row?.status, 'idle');
  await world.engine.deleteInstance(world.actor, row?.id ?? assert.fail());
  await world.advance(60_000);
  assert.equal(world.cloud.alive.length, 0);
});

inWorld(
  'the price is the offer’s when the machine was taken, and a run costs what its jobs held',
  async (world) => {
    const run = await world.apply({ nodes: 2 });
    await world.advance(100);
    world.cloud.offers = world.cloud.offers.map((offer) => ({ ...offer, pricePerHour: 99 }));
    await world.advance(2_000);
    const jobs = await world.jobs(run);
    for (const job of jobs) {
      const instance = await world.store.read.instances.get(job.instanceId ?? '');
      assert.deepEqual([job.pricePerHour, instance?.pricePerHour], [3.6, 3.6]);
      // From being placed to having given everything up: all of what can be billed for it.
      assert.equal(job.heldFrom, run.submittedAt);
      assert.ok((job.heldUntil ?? 0) >= run.submittedAt + 1_000);
    }
    const held = jobs.map((job) => ({
      pricePerHour: job.pricePerHour ?? 0,
      fromMs: job.heldFrom ?? 0,
      untilMs: job.heldUntil ?? 0,
    }));
    const seconds = held.reduce((sum, hold) => sum + (hold.untilMs - hold.fromMs) / 1_000, 0);
    assert.ok(Math.abs(totalCost(held) - seconds * 0.001) < 1e-6);
  },
  { clouds: (clock) => [new SimCloud(clock, 'sim', [{ pricePerHour: 3.6 }])] },
);

inWorld('what is finished leaves nothing in the engine’s memory but the next sweep', async (world) => {
  for (let i = 0; i < 20; i++) {
    world.cloud.faults.create.push('fails-before', 'no-capacity');
    world.agents.behave = () => ({ afterMs: 1_000, exitStatus: i % 2, artifacts: true });
    await world.apply({ name: `run-${i}`, idleDurationMs: 0 });
    await world.advance(5_000);
    for (const agent of world.agents.all.values()) agent.faults.fetchArtifacts.push('fails');
  }
  await world.advance(60 * 60_000);
  assert.deepEqual(world.engine.load, { keys: 1, effects: 0, links: 0, failures: 0 });
  assert.equal(world.clock.armed, 1, 'no other timer is left');
});

inWorld('a machine whose address comes late is looked for, with more and more patience', async (world) => {
  world.cloud.addressAfterMs = 60_000;
  const run = await world.apply();
  await world.advance(1_000);
  assert.equal((await world.run(run.id)).status, 'provisioning');
  await world.advance(120_000);
  assert.equal((await world.run(run.id)).status, 'done');
  // Besides the sweeps, which come every 15 s at first.
  const looks = world.cloud.count('list') - Math.ceil(121 / 15);
  assert.ok(looks >= 3 && looks <= 8, `${looks} looks in a minute`);
});

inWorld('rows that the server deletes after the end of a run disturb nobody', async (world) => {
  const run = await world.apply();
  await world.advance(1_300);
  // While the last of it is being decided.
  const gone = world.store.transaction(async (tx) => {
    await tx.jobs.delete({ runId: run.id });
    await tx.runs.delete({ id: run.id });
  });
  await gone;
  await world.advance(3_600_000);
  const [instance] = await world.instances();
  assert.ok(instance !== undefined);
});

inWorld('a job on an idle machine takes few transactions, and an idle world one for each sweep', async (world) => {
  await world.apply({ name: 'first', idleDurationMs: null });
  await world.advance(5_000);
  const before = { ...world.life };
  await world.apply({ name: 'second' });
  await world.advance(5_000);
  // From the request to the recorded end and the machine that is idle again.
  assert.ok(
    world.life.transactions - before.transactions <= 21,
    `${world.life.transactions - before.transactions} in all`,
  );
  assert.ok(world.life.commits - before.commits <= 12, `${world.life.commits - before.commits} that write`);
  const quiet = world.life.transactions;
  await world.advance(24 * 3_600_000);
  const sweeps = (24 * 60) / 2 + 10;
  assert.ok(world.life.transactions - quiet <= sweeps, `${world.life.transactions - quiet} in a day`);
  assert.equal(world.life.commits, before.commits + 12, 'and none that writes');
  assert.equal(world.clock.armed, 1);
});
