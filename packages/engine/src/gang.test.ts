/** Runs of several nodes: all of them or none. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { JobRow } from '@berth/store';
import { inWorld } from './testing/in-world.ts';
import { SimCloud } from './testing/sim-cloud.ts';
import type { World, WorldOptions } from './testing/world.ts';

async function clusterOf(
  world: World,
  job: JobRow,
): Promise<{ rank: number; ips: readonly string[]; own: string | null }> {
  const [cluster] = world.agents.started.get(job.id) ?? [];
  const instance = await world.store.read.instances.get(job.instanceId ?? '');
  return { rank: cluster?.rank ?? -1, ips: cluster?.ips ?? [], own: instance?.internalIp ?? null };
}

describe('starting', () => {
  inWorld('every node learns its rank and the addresses of all, by rank', async (world) => {
    const run = await world.apply({ nodes: 3 });
    await world.advance(3_000);
    assert.equal((await world.run(run.id)).status, 'done');
    const jobs = await world.jobs(run);
    const clusters = await Promise.all(jobs.map((job) => clusterOf(world, job)));
    assert.deepEqual(
      clusters.map((cluster) => cluster.rank),
      [0, 1, 2],
    );
    const addresses = clusters.map((cluster) => cluster.own ?? '');
    assert.equal(new Set(addresses).size, 3);
    for (const cluster of clusters) assert.deepEqual(cluster.ips, addresses);
  });

  inWorld('nobody begins while one machine is still being made', async (world) => {
    world.cloud.faults.create.push('hangs');
    const run = await world.apply({ nodes: 3 });
    await world.advance(30_000);
    const ready = (await world.jobs(run)).filter((job) => job.agentState === 'ready');
    assert.equal(ready.length, 2);
    assert.equal(world.agents.started.size, 0);
    await world.advance(60_000);
    assert.equal((await world.run(run.id)).status, 'done');
  });

  for (const startupOrder of ['master-first', 'workers-first'] as const) {
    inWorld(`${startupOrder} is kept`, async (world) => {
      const run = await world.apply({ nodes: 3, startupOrder });
      await world.advance(3_000);
      const jobs = await world.jobs(run);
      const order = [...world.agents.started.keys()].map((id) => jobs.find((job) => job.id === id)?.node);
      assert.equal(startupOrder === 'master-first' ? order[0] : order[2], 0);
    });
  }

  inWorld('an order to start that the agent has lost is given again when it is back', async (world) => {
    world.agents.behave = () => ({ afterMs: 60_000 });
    world.agents.onNew = (agent) => agent.faults.start.push('lost');
    const run = await world.apply();
    await world.advance(5_000);
    const job = await world.job(run);
    assert.deepEqual([job.agentState, world.starts(job.id)], ['ready', 0]);
    world.agents.with(job.id).agent.restart('live');
    await world.advance(5_000);
    assert.equal((await world.run(run.id)).status, 'running');
    assert.equal(world.starts(job.id), 1);
  });
});

describe('ending', () => {
  inWorld('a node that fails stops the others', async (world) => {
    world.agents.behave = ({ env }) =>
      env.BERTH_JOB_NUM === '1' ? { afterMs: 1_000, exitStatus: 9 } : { afterMs: null };
    const run = await world.apply({ nodes: 3 });
    await world.advance(10_000);
    const jobs = await world.jobs(run);
    assert.deepEqual(
      jobs.map((job) => [job.status, job.endReason]),
      [
        ['terminated', 'stopped-by-run'],
        ['failed', 'exited'],
        ['terminated', 'stopped-by-run'],
      ],
    );
    const { status, message } = await world.run(run.id);
    assert.deepEqual([status, message], ['failed', 'Node 1 exited with status 9.']);
  });

  inWorld('master-done: the workers are stopped when the master is done', async (world) => {
    world.agents.behave = ({ env }) => ({ afterMs: env.BERTH_JOB_NUM === '0' ? 1_000 : null });
    const run = await world.apply({ nodes: 2, stopCriteria: 'master-done' });
    await world.advance(10_000);
    assert.equal((await world.run(run.id)).status, 'done');
    assert.deepEqual(
      (await world.jobs(run)).map((job) => job.status),
      ['done', 'terminated'],
    );
  });
});

const TWO_REGIONS: WorldOptions = {
  clouds: (clock) => [
    new SimCloud(clock, 'sim', [
      { instanceType: 'cheap', region: 'r1', pricePerHour: 1 },
      { instanceType: 'dear', region: 'r2', pricePerHour: 2 },
    ]),
  ],
};

describe('too little room', () => {
  inWorld('three nodes and room for two: none runs, and none is billed in the end', async (world) => {
    world.cloud.capacity = 2;
    const run = await world.apply({ nodes: 3, idleDurationMs: 60_000 });
    await world.advance(10_000);
    const { status, endReason } = await world.run(run.id);
    assert.deepEqual([status, endReason], ['failed', 'no-capacity']);
    assert.equal(world.agents.started.size, 0);
    await world.advance(10 * 60_000);
    assert.equal(world.cloud.alive.length, 0);
  });

  inWorld('while it is tried again, the nodes that had a place do not hold it', async (world) => {
    world.cloud.capacity = 2;
    const retry = { onEvents: ['no-capacity'], durationMs: 3_600_000 } as const;
    const run = await world.apply({ nodes: 3, idleDurationMs: 0, retry });
    await world.advance(10_000);
    assert.equal((await world.run(run.id)).status, 'pending');
    await world.advance(40_000);
    assert.ok(
      (await world.instances()).every((instance) => instance.busyBlocks === 0 || instance.createdAt > run.submittedAt),
    );
    world.cloud.capacity = 3;
    await world.advance(30 * 60_000);
    assert.equal((await world.run(run.id)).status, 'done');
  });

  inWorld(
    'all nodes go to another region together, when the first has too few machines',
    async (world) => {
      world.cloud.capacityOf.set('cheap', 2);
      const run = await world.apply({ nodes: 3, idleDurationMs: 60_000 });
      await world.advance(10_000);
      assert.equal((await world.run(run.id)).status, 'done');
      const last = (await world.jobs(run)).slice(-3);
      const used = await Promise.all(last.map((job) => world.store.read.instances.get(job.instanceId ?? '')));
      assert.deepEqual(
        used.map((instance) => instance?.region),
        ['r2', 'r2', 'r2'],
      );
      assert.equal(world.agents.started.size, 3, 'nobody had begun in the first region');
      await world.advance(10 * 60_000);
      assert.equal(world.cloud.alive.length, 0, 'what was made in the first region is given back');
    },
    TWO_REGIONS,
  );
});
