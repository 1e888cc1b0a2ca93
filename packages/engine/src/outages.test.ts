/** A store that cannot write, a clock that is set, an engine that is stopped. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { inWorld } from './testing/in-world.ts';
import { wrongAtLast } from './testing/invariants.ts';
import { Seeded } from './testing/seeded.ts';

const MINUTE = 60_000;

describe('a store that cannot write', () => {
  for (const every of [2, 3, 5, 7, 10]) {
    inWorld(`one of ${every} times: everything still comes to its end`, async (world) => {
      // By chance and not by count: two writes that always come together would fail for ever.
      const chance = new Seeded(every);
      world.agents.behave = () => ({ afterMs: 1_000, artifacts: true });
      const run = await world.apply({ nodes: 2, idleDurationMs: MINUTE });
      world.store.failing = () => chance.chance(1 / every);
      await world.advance(30 * MINUTE);
      world.store.failing = () => false;
      await world.advance(10 * MINUTE);
      assert.equal((await world.run(run.id)).status, 'done');
      for (const job of await world.jobs(run)) assert.equal(world.starts(job.id), 1);
      assert.deepEqual(await wrongAtLast(world), []);
      const told = await world.events('server.store-recovered');
      assert.ok(told.length > 0 && told.length < 40, `${told.length} events in 40 minutes`);
    });
  }

  inWorld('for ten minutes: no job is killed, and the event says how long it was', async (world) => {
    world.agents.behave = () => ({ afterMs: 5 * MINUTE });
    const run = await world.apply();
    await world.advance(MINUTE);
    world.store.failing = () => true;
    await world.advance(10 * MINUTE);
    const during = await world.job(run);
    assert.equal(during.status, 'running');
    world.store.failing = () => false;
    await world.advance(MINUTE);
    const job = await world.job(run);
    assert.deepEqual([job.status, job.exitStatus], ['done', 0]);
    const [event, ...more] = await world.events('server.store-recovered');
    assert.deepEqual(more, []);
    assert.match(event?.message ?? '', /could not be written for \d{3} s; nothing was lost/);
    assert.equal(world.logged.filter((line) => line.includes('The database cannot be written')).length, 1);
  });

  inWorld('is asked with patience', async (world) => {
    world.agents.behave = () => ({ afterMs: MINUTE });
    await world.apply();
    await world.advance(10_000);
    world.store.failing = () => true;
    const before = world.store.writes;
    await world.advance(30 * MINUTE);
    const tries = world.store.writes - before;
    assert.ok(tries < 600, `${tries} tries in half an hour`);
  });
});

describe('a clock', () => {
  inWorld('that is set back an hour kills no job and makes nothing wait an hour longer', async (world) => {
    world.agents.behave = () => ({ afterMs: 10 * MINUTE });
    const run = await world.apply({ name: 'runs' });
    await world.advance(MINUTE);
    const { offers } = world.cloud;
    world.cloud.offers = [];
    const waits = await world.apply({ name: 'waits', retry: { onEvents: ['no-capacity'], durationMs: 60 * MINUTE } });
    await world.advance(MINUTE);
    assert.equal((await world.run(waits.id)).status, 'pending');
    world.clock.step(-60 * MINUTE);
    world.cloud.offers = offers;
    await world.advance(5 * MINUTE);
    assert.equal((await world.run(waits.id)).status, 'running');
    assert.equal((await world.run(run.id)).status, 'running');
    await world.advance(20 * MINUTE);
    assert.equal((await world.run(run.id)).status, 'done');
    assert.equal((await world.run(waits.id)).status, 'done');
    const [event] = await world.events('server.clock-set-back');
    assert.match(event?.message ?? '', /clock was set back by 3\d{3} s/);
  });

  inWorld('that is set back does not stop what failed from being tried again', async (world) => {
    world.cloud.faults.create.push('fails-before', 'fails-before', 'fails-before');
    const run = await world.apply();
    await world.advance(1_500);
    world.clock.step(-60 * MINUTE);
    await world.advance(MINUTE);
    assert.equal((await world.run(run.id)).status, 'done');
  });

  inWorld('that is set forward ends no job that its agent still has', async (world) => {
    world.agents.behave = () => ({ afterMs: 10 * MINUTE });
    const run = await world.apply();
    await world.advance(MINUTE);
    world.clock.step(60 * MINUTE);
    await world.advance(30 * MINUTE);
    assert.equal((await world.run(run.id)).status, 'done');
  });
});

describe('stopping the engine', () => {
  inWorld('lets go of every link and timer, and leaves the jobs alone', async (world) => {
    world.agents.behave = () => ({ afterMs: MINUTE });
    const run = await world.apply();
    await world.advance(5_000);
    const stopped = world.engine.stop();
    await world.clock.advance(1);
    await stopped;
    const [agent] = world.agents.all.values();
    assert.equal(agent?.linked, false);
    assert.equal(agent?.jobs.size, 1);
    assert.deepEqual(world.engine.load, { keys: 0, effects: 0, links: 0, failures: 0 });
    assert.equal(world.clock.armed, 1, 'the job’s own');
    await world.advance(5 * MINUTE);
    assert.equal((await world.run(run.id)).status, 'running', 'nobody is there to hear of its end');
    await world.boot();
    await world.advance(5_000);
    assert.equal((await world.run(run.id)).status, 'done');
  });

  inWorld('in the middle of a creation leaves an intent that the next one settles', async (world) => {
    world.cloud.faults.create.push('hangs');
    const run = await world.apply();
    await world.advance(1_000);
    const stopped = world.engine.stop();
    await world.clock.advance(10_000);
    await stopped;
    const [intent] = await world.store.read.intents.find({ where: { status: 'open' } });
    assert.equal(intent?.uncertain, true);
    await world.boot();
    await world.advance(20_000);
    assert.equal((await world.run(run.id)).status, 'done');
    assert.equal(world.cloud.machines.size, 1);
  });

  inWorld('does not wait for ever for what does not obey', async (world) => {
    world.agents.onNew = (agent) => agent.faults.submit.push('deaf');
    await world.apply();
    await world.advance(1_000);
    const stopped = world.engine.stop();
    await world.clock.advance(10_000);
    await stopped;
  });
});
