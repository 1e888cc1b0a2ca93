/** What is refused when a run is applied, and what secrets do. */
import assert from 'node:assert/strict';
import { Secret } from '@berth/core';
import { inWorld } from './testing/in-world.ts';
import { taskSpec } from './testing/specs.ts';

const WITH_SECRET = { work: { env: { TOKEN: 'x-${{ secrets.hf_token }}' } } };

inWorld('a live name is taken, and free again when its run has ended', async (world) => {
  world.agents.behave = () => ({ afterMs: 60_000 });
  const run = await world.apply();
  await world.advance(5_000);
  for (const base of [null, undefined, { id: run.id, version: (await world.run(run.id)).version }]) {
    await assert.rejects(world.engine.applyRun(world.actor, taskSpec(), base), {
      code: 'conflict',
      message: 'A run named task is running already.',
    });
  }
  await world.advance(60_000);
  const again = await world.apply();
  assert.notEqual(again.id, run.id);
});

inWorld('of two that apply one name at the same time, one is refused', async (world) => {
  const results = await Promise.allSettled([world.apply(), world.apply()]);
  assert.deepEqual(results.map((result) => result.status).sort(), ['fulfilled', 'rejected']);
  assert.equal(await world.store.read.runs.count(), 1);
});

inWorld('a plan that was based on what has changed since is refused', async (world) => {
  world.agents.behave = () => ({ afterMs: 60_000 });
  const run = await world.apply();
  await world.advance(5_000);
  const stale = { id: run.id, version: run.version };
  await assert.rejects(world.engine.applyRun(world.actor, taskSpec(), stale), /has changed since the plan was made/);
  await world.advance(60_000);
  await assert.rejects(world.engine.applyRun(world.actor, taskSpec(), stale), /has changed since the plan was made/);
});

inWorld('a secret that does not exist is refused by name, and nothing is created', async (world) => {
  await assert.rejects(world.apply(WITH_SECRET), {
    code: 'invalid-configuration',
    message: 'The project has no secret `hf_token`, which the configuration names.',
  });
  await assert.rejects(world.engine.planRun(world.project, taskSpec(WITH_SECRET)), /no secret `hf_token`/);
  assert.equal(await world.store.read.runs.count(), 0);
});

inWorld('a secret reaches the agent and is never stored', async (world) => {
  world.secrets.set('hf_token', new Secret('s3cret'));
  world.agents.behave = () => ({ afterMs: 60_000 });
  const run = await world.apply(WITH_SECRET);
  await world.advance(5_000);
  const { job } = world.agents.with((await world.job(run)).id);
  assert.equal(job.assignment.work.env.TOKEN, 'x-s3cret');
  const { runs, jobs, events } = world.store.read;
  const kept = JSON.stringify([await runs.find(), await jobs.find(), await events.find()]);
  assert.ok(!kept.includes('s3cret') && !world.logged.join().includes('s3cret'));
});

inWorld('a secret that is deleted before the job gets it ends the job with a reason', async (world) => {
  world.secrets.set('hf_token', new Secret('s3cret'));
  const run = await world.apply(WITH_SECRET);
  world.secrets.clear();
  await world.advance(5_000);
  const job = await world.job(run);
  assert.deepEqual([job.status, job.endReason], ['failed', 'setup-error']);
  assert.match(job.message ?? '', /no secret `hf_token`/);
  assert.equal(world.agents.count('submit'), 0);
  assert.equal((await world.instances())[0]?.status, 'idle');
});

inWorld('a fleet that does not exist is refused by name', async (world) => {
  await assert.rejects(world.apply({ fleets: ['pool'] }), {
    code: 'not-found',
    message: 'There is no fleet pool in this project.',
  });
});

const env = (count: number, text: string): { readonly work: { readonly env: Record<string, string> } } => ({
  work: { env: Object.fromEntries(Array.from({ length: count }, (_, at) => [`V${at}`, text])) },
});

inWorld('regression: what does not fit into a message to an agent is refused at plan and apply', async (world) => {
  const { maxAssignmentBytes: most } = world.agents;
  const refused = {
    code: 'too-large',
    message:
      /^Commands, env .* may have 1,024 KiB together\. They have [\d,]+ KiB \(`env\.V0` 600 KiB, `env\.V1` 600 KiB\)\.$/,
    hint: /`files`/,
  };
  const large = env(2, 'x'.repeat(600 * 1024 - 2));
  await assert.rejects(world.engine.planRun(world.project, taskSpec(large)), refused);
  await assert.rejects(world.apply(large), refused);
  // In bytes of JSON: of one letter there may be six.
  await assert.rejects(world.apply({ work: { commands: ['\u0001'.repeat(most / 5)] } }), /`commands` 1,229 KiB/);
  world.secrets.set('hf_token', new Secret('x'.repeat(64 * 1024)));
  const often = env(20, '${{ secrets.hf_token }}');
  await assert.rejects(world.apply(often), { code: 'too-large', message: /`env\.V16` with its secrets/ });
  assert.equal(await world.store.read.runs.count(), 0);

  const fits = await world.apply({ work: { commands: ['x'.repeat(most - 10 * 1024)] } });
  await world.advance(30_000);
  assert.equal((await world.run(fits.id)).status, 'done');
});

inWorld(
  'regression: secrets that have grown since do not keep a job waiting for a message too large',
  async (world) => {
    world.agents.preparingMs = 0;
    world.secrets.set('hf_token', new Secret('short'));
    const run = await world.apply(env(20, '${{ secrets.hf_token }}'));
    world.secrets.set('hf_token', new Secret('x'.repeat(64 * 1024)));
    await world.advance(30_000);
    const job = await world.job(run);
    assert.deepEqual([job.status, job.endReason], ['failed', 'setup-error']);
    assert.match(job.message ?? '', /may have 1,024 KiB together/);
    assert.equal(world.agents.count('submit'), 0);
  },
);
