/** Stopping and aborting a run in every state it can be in. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { RunStatus } from '@berth/core';
import { inWorld } from './testing/in-world.ts';
import type { World } from './testing/world.ts';

/** Brings a run into a state, in which it stays. */
const STATES: Readonly<Record<string, { readonly status: RunStatus; readonly arrange: (world: World) => void }>> = {
  'waits for offers': {
    status: 'submitted',
    arrange: (world) => {
      world.cloud.offersFault = 'hangs';
    },
  },
  'waits for its machine to be made': {
    status: 'provisioning',
    arrange: (world) => {
      world.cloud.faults.create.push('hangs');
    },
  },
  'waits for its agent': {
    status: 'provisioning',
    arrange: (world) => {
      world.cloud.addressAfterMs = 300_000;
    },
  },
  'is being prepared': {
    status: 'provisioning',
    arrange: (world) => {
      world.agents.preparingMs = 300_000;
    },
  },
  'is running': { status: 'running', arrange: () => {} },
};

for (const [state, { status, arrange }] of Object.entries(STATES)) {
  describe(`a run that ${state}`, () => {
    for (const abort of [false, true]) {
      inWorld(abort ? 'can be aborted' : 'can be stopped', async (world) => {
        world.agents.behave = () => ({ afterMs: null });
        arrange(world);
        const run = await world.apply({ idleDurationMs: 60_000 });
        await world.advance(2_000);
        assert.equal((await world.run(run.id)).status, status);
        await world.engine.stopRun(world.actor, run.id, abort);
        await world.advance(1_000);
        const ended = await world.run(run.id);
        const reason = abort ? 'aborted-by-user' : 'stopped-by-user';
        assert.deepEqual([ended.status, ended.endReason], ['terminated', reason]);
        const job = await world.job(run);
        assert.deepEqual([job.status, job.endReason], [abort ? 'aborted' : 'terminated', reason]);
        world.cloud.offersFault = null;
        await world.advance(20 * 60_000);
        assert.equal(world.cloud.alive.length, 0, 'the machine is given back');
        for (const agent of world.agents.all.values()) assert.equal(agent.jobs.size, 0, 'the agent has forgotten it');
      });
    }
  });
}

describe('what the agent does', () => {
  inWorld('a program may use its grace, and an abort ends that', async (world) => {
    world.agents.behave = () => ({ afterMs: null, whenStopped: 'lingers' });
    const run = await world.apply({ work: { stopDurationMs: 60_000 } });
    await world.advance(2_000);
    await world.engine.stopRun(world.actor, run.id, false);
    await world.advance(30_000);
    assert.equal((await world.run(run.id)).status, 'terminating');
    await world.engine.stopRun(world.actor, run.id, true);
    await world.advance(1_000);
    assert.equal((await world.run(run.id)).status, 'terminated');
    assert.equal((await world.job(run)).status, 'aborted');
  });

  inWorld('one order to stop is enough', async (world) => {
    world.agents.behave = () => ({ afterMs: null, whenStopped: 'lingers' });
    const run = await world.apply({ work: { stopDurationMs: 60_000 } });
    await world.advance(2_000);
    await world.engine.stopRun(world.actor, run.id, false);
    await world.advance(30_000);
    assert.equal(world.agents.count('stop'), 1);
  });

  inWorld('an agent that does not stop the job loses its machine', async (world) => {
    world.agents.behave = () => ({ afterMs: null, whenStopped: 'ignores' });
    const run = await world.apply();
    await world.advance(2_000);
    await world.engine.stopRun(world.actor, run.id, false);
    await world.advance(10 * 60_000);
    const job = await world.job(run);
    assert.deepEqual([job.status, job.endReason], ['terminated', 'stopped-by-user']);
    assert.match(job.message ?? '', /did not end the job in time/);
    assert.equal(world.cloud.alive.length, 0);
  });

  inWorld(
    'a submission that is under way is given up first, so that the agent never starts what is stopped',
    async (world) => {
      world.agents.onNew = (agent) => agent.faults.submit.push('slow');
      const run = await world.apply();
      await world.advance(2_000);
      assert.equal((await world.job(run)).agentState, null);
      await world.engine.stopRun(world.actor, run.id, false);
      await world.advance(1_000);
      assert.equal((await world.run(run.id)).status, 'terminated');
      await world.advance(60_000);
      for (const agent of world.agents.all.values()) assert.equal(agent.jobs.size, 0);
      // The machine is as good as before.
      const next = await world.apply({ name: 'next' });
      await world.advance(3_000);
      assert.equal((await world.run(next.id)).status, 'done');
    },
  );
});

describe('again', () => {
  inWorld('stopping what is finished changes nothing', async (world) => {
    const run = await world.apply();
    await world.advance(3_000);
    const ended = await world.run(run.id);
    assert.deepEqual(await world.engine.stopRun(world.actor, run.id, false), ended);
    await world.advance(1_000);
    assert.deepEqual(await world.run(run.id), ended);
  });

  inWorld('a wish to stop and the end of the job at the same moment: the job has ended well', async (world) => {
    world.agents.behave = () => ({ afterMs: null });
    const run = await world.apply();
    await world.advance(2_000);
    const { id } = await world.job(run);
    world.agents.with(id).agent.end(id);
    await world.engine.stopRun(world.actor, run.id, false);
    await world.advance(1_000);
    assert.deepEqual([(await world.run(run.id)).status, (await world.job(run)).status], ['done', 'done']);
  });

  inWorld('a run of another project is not found', async (world) => {
    const run = await world.apply();
    const stranger = { ...world.actor, project: 'other' as typeof world.project };
    await assert.rejects(world.engine.stopRun(stranger, run.id, false), { code: 'not-found' });
  });
});
