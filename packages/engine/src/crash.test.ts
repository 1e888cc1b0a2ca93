/** A server that dies at any moment: its successor brings every run to the end that it would have had. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunRow } from '@berth/store';
import { wrongAtLast } from './testing/invariants.ts';
import type { Death } from './testing/life.ts';
import { taskSpec } from './testing/specs.ts';
import { World } from './testing/world.ts';

interface Scenario {
  readonly name: string;
  readonly spec: Parameters<typeof taskSpec>[0];
  readonly ends: Pick<RunRow, 'status' | 'endReason' | 'submission'>;
  readonly prepare?: (world: World) => void;
  readonly stopAfterMs?: number;
}

const DONE = { status: 'done', endReason: 'all-jobs-done', submission: 0 } as const;

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a task with artifacts',
    spec: {},
    ends: DONE,
    prepare: (world) => {
      world.agents.behave = () => ({ afterMs: 1_000, artifacts: true });
    },
  },
  {
    name: 'a task on a cloud that tells addresses late and deletes slowly',
    spec: {},
    ends: DONE,
    prepare: (world) => {
      world.cloud.addressAfterMs = 30_000;
      world.cloud.terminateTakesMs = 30_000;
    },
  },
  { name: 'two nodes, the master first', spec: { nodes: 2, startupOrder: 'master-first' }, ends: DONE },
  {
    name: 'a task that fails and is tried again',
    spec: { retry: { onEvents: ['error'], durationMs: 3_600_000 } },
    ends: { ...DONE, submission: 1 },
    prepare: (world) => {
      world.agents.behave = ({ env }) => ({ afterMs: 1_000, exitStatus: env.BERTH_SUBMISSION_NUM === '0' ? 3 : 0 });
    },
  },
  {
    name: 'a task that is stopped while it runs',
    spec: {},
    ends: { status: 'terminated', endReason: 'stopped-by-user', submission: 0 },
    prepare: (world) => {
      world.agents.behave = () => ({ afterMs: null, whenStopped: 'lingers' });
    },
    stopAfterMs: 5_000,
  },
  {
    name: 'a task that is stopped while its machine is made',
    spec: {},
    ends: { status: 'terminated', endReason: 'stopped-by-user', submission: 0 },
    prepare: (world) => {
      world.cloud.faults.create.push('hangs', 'succeeds-then-times-out');
    },
    stopAfterMs: 5_000,
  },
];

/** Returns false when the server outlived the scenario. */
async function play(scenario: Scenario, death: Death): Promise<boolean> {
  const world = await World.make();
  scenario.prepare?.(world);
  const spec = taskSpec({ idleDurationMs: 30_000, ...scenario.spec });
  const { id } = await world.engine.applyRun(world.actor, spec, null);
  const doomed = world.life;
  doomed.doom(death);
  if (scenario.stopAfterMs !== undefined) {
    await world.advance(scenario.stopAfterMs);
    await world.insist((engine) => engine.stopRun(world.actor, id, false));
  }
  await world.advance(8 * 60_000);
  const at = JSON.stringify(death);
  const run = await world.run(id);
  const { status, endReason, submission } = run;
  assert.deepEqual({ status, endReason, submission }, scenario.ends, `dying ${at}: ${run.message}`);
  for (const job of await world.jobs(run)) {
    const wanted = job.agentState === null || job.endReason === 'stopped-by-user' ? world.starts(job.id) : 1;
    assert.equal(world.starts(job.id), wanted, `starts of node ${job.node}, dying ${at}`);
  }
  assert.deepEqual(await wrongAtLast(world), [], `dying ${at}`);
  await world.close();
  return !doomed.alive;
}

for (const scenario of SCENARIOS) {
  test(`${scenario.name}: ends as it should, whenever the server dies`, async () => {
    let commits = 0;
    while (await play(scenario, { before: commits + 1 })) commits += 1;
    assert.ok(commits > 8, `only ${commits} commits: the sweep has not swept`);
    for (let commit = 1; commit <= commits; commit++) await play(scenario, { after: commit });
  });
}
