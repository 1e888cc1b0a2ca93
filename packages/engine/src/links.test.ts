/** Links that break, agents that restart, and servers that were away. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { RunRow } from '@berth/store';
import { inWorld } from './testing/in-world.ts';
import type { SimAgent } from './testing/sim-agent.ts';
import type { World } from './testing/world.ts';

const MINUTE = 60_000;

/** A run whose job runs until it is ended. */
async function running(world: World): Promise<{ run: RunRow; agent: SimAgent; token: string }> {
  world.agents.behave = () => ({ afterMs: null });
  const run = await world.apply({ idleDurationMs: MINUTE });
  await world.advance(5_000);
  assert.equal((await world.run(run.id)).status, 'running');
  const [token] = world.agents.all.keys();
  return { run, agent: world.agents.of(token ?? ''), token: token ?? '' };
}

async function ended(world: World, run: RunRow): Promise<readonly unknown[]> {
  const job = await world.job(run);
  return [(await world.run(run.id)).status, job.status, job.endReason, job.exitStatus];
}

describe('a machine that is starting', () => {
  inWorld('is linked soon after it is up, however long that took', async (world) => {
    let starting = true;
    world.agents.unreachable.has = () => starting;
    world.agents.behave = () => ({ afterMs: null });
    const run = await world.apply({ idleDurationMs: MINUTE });
    await world.advance(100_000);
    assert.equal((await world.run(run.id)).status, 'provisioning');
    starting = false;
    await world.advance(300);
    assert.equal((await world.run(run.id)).status, 'running');
  });
});

describe('a link that is cut', () => {
  inWorld('is made again, and what the agent has to say meanwhile is not lost', async (world) => {
    const { run, agent, token } = await running(world);
    world.agents.unreachable.add(token);
    agent.cut();
    agent.end((await world.job(run)).id, { exitStatus: 3 });
    await world.advance(5 * MINUTE);
    assert.equal((await world.run(run.id)).status, 'running');
    assert.notEqual((await world.instances())[0]?.unreachableSince, null);
    world.agents.unreachable.clear();
    await world.advance(10_000);
    assert.deepEqual(await ended(world, run), ['failed', 'failed', 'exited', 3]);
    assert.equal((await world.instances())[0]?.unreachableSince, null);
  });

  inWorld('for longer than the limit costs the job, and the machine is given back', async (world) => {
    const { run, agent, token } = await running(world);
    world.agents.unreachable.add(token);
    agent.cut();
    await world.advance(9 * MINUTE);
    assert.equal((await world.run(run.id)).status, 'running');
    await world.advance(2 * MINUTE);
    assert.deepEqual(await ended(world, run), ['failed', 'failed', 'agent-lost', null]);
    assert.equal(world.cloud.alive.length, 0);
    assert.equal((await world.instances())[0]?.endReason, 'unreachable');
  });

  inWorld('when a job is to be stopped: the order is given as soon as the link is back', async (world) => {
    const { run, agent, token } = await running(world);
    world.agents.unreachable.add(token);
    agent.cut();
    await world.engine.stopRun(world.actor, run.id, false);
    await world.advance(8 * MINUTE);
    assert.equal((await world.run(run.id)).status, 'terminating');
    world.agents.unreachable.clear();
    await world.advance(10_000);
    assert.deepEqual(await ended(world, run), ['terminated', 'terminated', 'stopped-by-user', null]);
    assert.equal((await world.instances())[0]?.status, 'idle', 'the machine is none the worse');
  });

  inWorld('again and again does not make the engine spin', async (world) => {
    const { agent } = await running(world);
    const before = world.life.transactions;
    for (let i = 0; i < 100; i++) {
      agent.cut();
      await world.advance(10);
    }
    assert.ok(world.life.transactions - before < 500, `${world.life.transactions - before} transactions`);
    await world.advance(MINUTE);
    assert.ok(agent.linked);
  });
});

describe('an agent that was started again', () => {
  inWorld('with its jobs: they go on, and it is told', async (world) => {
    const { run, agent } = await running(world);
    agent.restart('live');
    await world.advance(5_000);
    assert.equal((await world.run(run.id)).status, 'running');
    assert.equal((await world.events('agent.restarted')).length, 1);
    agent.end((await world.job(run)).id);
    await world.advance(5_000);
    assert.deepEqual(await ended(world, run), ['done', 'done', 'exited', 0]);
    assert.equal(world.starts((await world.job(run)).id), 1);
  });

  inWorld('without its jobs, as it says: they are lost, the machine is not', async (world) => {
    const { run, agent } = await running(world);
    agent.restart('die');
    await world.advance(5_000);
    assert.deepEqual(await ended(world, run), ['failed', 'failed', 'agent-lost', null]);
    assert.equal((await world.instances())[0]?.status, 'idle');
  });

  inWorld('and knows nothing of a job that ran: the job is lost, and not started twice', async (world) => {
    const { run, agent } = await running(world);
    agent.restart('forgotten');
    await world.advance(5_000);
    assert.deepEqual(await ended(world, run), ['failed', 'failed', 'agent-lost', null]);
    assert.equal(world.starts((await world.job(run)).id), 1);
  });

  inWorld('and knows nothing of a job that was ready, and may have been started: the job is lost', async (world) => {
    world.agents.onNew = (agent) => agent.faults.start.push('lost');
    const run = await world.apply();
    await world.advance(5_000);
    const job = await world.job(run);
    world.agents.with(job.id).agent.restart('forgotten');
    await world.advance(5_000);
    assert.deepEqual(await ended(world, run), ['failed', 'failed', 'agent-lost', null]);
  });

  inWorld('and knows that a job that was ready had not been started: it is told once more', async (world) => {
    world.agents.onNew = (agent) => agent.faults.start.push('lost');
    const run = await world.apply();
    await world.advance(5_000);
    const job = await world.job(run);
    assert.equal(job.agentState, 'ready');
    world.agents.with(job.id).agent.restart('keeps-started');
    await world.advance(MINUTE);
    assert.deepEqual(await ended(world, run), ['done', 'done', 'exited', 0]);
    assert.equal(world.starts(job.id), 1);
  });

  inWorld('and had not started one node of several: the node is told once more, and all begin', async (world) => {
    world.agents.onNew = (agent) => {
      if (world.agents.all.size === 0) agent.faults.submit.push('slow');
    };
    const run = await world.apply({ nodes: 2 });
    await world.advance(8_000);
    const nodes = await world.jobs(run);
    const ready = nodes.find((node) => node.agentState === 'ready');
    assert.ok(ready !== undefined, 'one is ready, the other is not');
    world.agents.with(ready.id).agent.restart('keeps-started');
    await world.advance(MINUTE);
    assert.equal((await world.run(run.id)).status, 'done');
    for (const node of nodes) assert.equal(world.starts(node.id), 1);
  });

  inWorld('and knows nothing of a job that was being prepared: it is told once more', async (world) => {
    world.agents.preparingMs = 10_000;
    const run = await world.apply();
    await world.advance(5_000);
    const job = await world.job(run);
    assert.equal(job.agentState, 'preparing');
    world.agents.with(job.id).agent.restart('forgotten');
    await world.advance(MINUTE);
    assert.deepEqual(await ended(world, run), ['done', 'done', 'exited', 0]);
    assert.equal(world.starts(job.id), 1);
  });
});

describe('a job that only the agent knows', () => {
  for (const [when, whenStopped] of [
    ['at once', 'ends'],
    ['when it has ended', 'lingers'],
  ] as const) {
    inWorld(`is stopped and removed ${when}`, async (world) => {
      const { run, agent } = await running(world);
      const own = await world.job(run);
      const { assignment } = world.agents.with(own.id).job;
      const stray = 'stray' as typeof own.id;
      world.agents.behave = () => ({ afterMs: null, whenStopped });
      agent.jobs.set(stray, { assignment: { ...assignment, job: stray }, state: 'running', cluster: null });
      agent.cut();
      await world.advance(5_000);
      assert.deepEqual([...agent.jobs.keys()], [own.id]);
      assert.equal((await world.run(run.id)).status, 'running');
    });
  }
});

describe('reports', () => {
  inWorld('that come twice, or after the end, change nothing', async (world) => {
    const { run, agent } = await running(world);
    const { id } = await world.job(run);
    await agent.repeat(1, { kind: 'job-preparing', job: id, step: 'again', progress: 0.5 });
    assert.equal((await world.job(run)).progress, null);
    agent.end(id, { exitStatus: 0 });
    await world.advance(5_000);
    const before = await world.job(run);
    await agent.repeat(1_000, { kind: 'job-running', job: id });
    await agent.repeat(1_001, { kind: 'job-ready', job: id });
    assert.deepEqual(await world.job(run), before);
  });

  inWorld('of a problem become events of the job', async (world) => {
    const { run, agent } = await running(world);
    const job = await world.job(run);
    await agent.repeat(1_000, { kind: 'problem', job: job.id, code: 'disk-full', message: 'The disk is full.' });
    const [event] = await world.events('agent.disk-full');
    assert.deepEqual([event?.message, event?.targetId, event?.runId], ['The disk is full.', job.id, run.id]);
  });

  inWorld('of progress are written and wake nobody', async (world) => {
    world.agents.preparingMs = 60_000;
    const run = await world.apply();
    await world.advance(5_000);
    const { id } = await world.job(run);
    const { agent } = world.agents.with(id);
    const before = world.life.transactions;
    for (let i = 1; i <= 20; i++) {
      await agent.repeat(100 + i, { kind: 'job-preparing', job: id, step: 'pulling', progress: i / 20 });
    }
    await world.advance(1_000);
    assert.equal((await world.job(run)).progress, 'pulling 100 %');
    assert.equal(world.life.transactions - before, 20);
  });
});

describe('a server that was away', () => {
  inWorld('for an hour gives everybody the time to answer before it gives them up', async (world) => {
    const { run, agent, token } = await running(world);
    world.agents.unreachable.add(token);
    agent.cut();
    await world.advance(MINUTE);
    assert.notEqual((await world.instances())[0]?.unreachableSince, null);
    world.life.end();
    await world.clock.advance(60 * MINUTE);
    world.agents.unreachable.clear();
    await world.boot();
    await world.advance(10_000);
    assert.equal((await world.run(run.id)).status, 'running');
    agent.end((await world.job(run)).id);
    await world.advance(5_000);
    assert.deepEqual(await ended(world, run), ['done', 'done', 'exited', 0]);
  });

  inWorld('while a job was stopping hears how it ended, instead of giving up its machine', async (world) => {
    const { run } = await running(world);
    world.agents.behave = () => ({ afterMs: null, whenStopped: 'lingers' });
    await world.engine.stopRun(world.actor, run.id, false);
    await world.advance(1_000);
    world.life.end();
    await world.clock.advance(60 * MINUTE);
    await world.boot();
    await world.advance(10_000);
    assert.deepEqual(await ended(world, run), ['terminated', 'terminated', 'stopped-by-user', null]);
    assert.equal((await world.instances())[0]?.status, 'idle');
  });

  inWorld('while a job’s log was being brought back brings the rest of it', async (world) => {
    const { run, agent } = await running(world);
    agent.faults.logComplete.push('hangs', 'hangs', 'hangs');
    agent.end((await world.job(run)).id);
    await world.advance(1_000);
    world.life.end();
    agent.faults.logComplete.length = 0;
    await world.clock.advance(60 * MINUTE);
    await world.boot();
    await world.advance(10_000);
    const job = await world.job(run);
    assert.deepEqual([job.status, job.message], ['done', null]);
  });

  inWorld('a machine that was being made is not given up on its return', async (world) => {
    world.cloud.addressAfterMs = 30 * MINUTE;
    const run = await world.apply();
    await world.advance(5_000);
    world.life.end();
    await world.clock.advance(40 * MINUTE);
    await world.boot();
    await world.advance(10_000);
    assert.equal((await world.run(run.id)).status, 'done');
    assert.equal(world.cloud.machines.size, 1);
  });
});

describe('what an ended job leaves', () => {
  inWorld('artifacts that cannot be fetched for a while are fetched later; the machine waits for it', async (world) => {
    const { run, agent } = await running(world);
    world.agents.behave = () => ({ afterMs: null, artifacts: true });
    agent.faults.fetchArtifacts.push('fails', 'fails', 'fails');
    agent.end((await world.job(run)).id);
    await world.advance(500);
    assert.equal((await world.instances())[0]?.status, 'busy');
    await world.advance(MINUTE);
    assert.equal((await world.job(run)).artifacts?.fetched, true);
    assert.equal((await world.run(run.id)).status, 'done');
  });

  inWorld('artifacts that are not there do not hold up the end, and the job says so', async (world) => {
    const { run, agent } = await running(world);
    world.agents.behave = () => ({ afterMs: null, artifacts: true });
    agent.faults.fetchArtifacts.push('not-found');
    agent.end((await world.job(run)).id);
    await world.advance(5_000);
    const job = await world.job(run);
    assert.deepEqual([job.status, job.artifacts?.fetched], ['done', false]);
    assert.match(job.message ?? '', /artifacts could not be fetched/);
  });

  inWorld(
    'artifacts that can never be stored are given up in the end, and the agent is relieved of them',
    async (world) => {
      const { run, agent } = await running(world);
      world.agents.behave = () => ({ afterMs: null, artifacts: true });
      agent.faults.fetchArtifacts.push(...Array.from({ length: 200 }, () => 'fails' as const));
      agent.end((await world.job(run)).id);
      await world.advance(9 * MINUTE);
      assert.equal((await world.run(run.id)).status, 'running');
      await world.advance(2 * MINUTE);
      const job = await world.job(run);
      assert.equal((await world.run(run.id)).status, 'done');
      assert.match(job.message ?? '', /its artifacts are lost: it could not be stored in time/);
      assert.equal(agent.jobs.size, 0);
    },
  );

  inWorld('a machine that dies with the log takes the rest of it, not the outcome', async (world) => {
    const { run, agent, token } = await running(world);
    agent.faults.logComplete.push('hangs');
    agent.end((await world.job(run)).id, { exitStatus: 4 });
    await world.advance(1_000);
    world.cloud.kill(token);
    await world.advance(15 * MINUTE);
    assert.deepEqual(await ended(world, run), ['failed', 'failed', 'exited', 4]);
    assert.match((await world.job(run)).message ?? '', /rest of its log is lost/);
  });
});

describe('an agent that refuses the job', () => {
  inWorld('ends it with its words', async (world) => {
    world.agents.onNew = (agent) => agent.faults.submit.push('refuses');
    const run = await world.apply();
    await world.advance(5_000);
    const job = await world.job(run);
    assert.deepEqual([job.status, job.endReason, job.message], ['failed', 'setup-error', 'the agent cannot run this']);
  });

  inWorld('and one that never takes it is given up', async (world) => {
    world.agents.onNew = (agent) => agent.faults.submit.push(...Array.from({ length: 50 }, () => 'hangs' as const));
    const run = await world.apply();
    await world.advance(45 * MINUTE);
    const job = await world.job(run);
    assert.deepEqual([job.status, job.endReason], ['failed', 'setup-error']);
    assert.match(job.message ?? '', /did not take the job within 30 min/);
  });
});
