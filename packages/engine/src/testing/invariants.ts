/** What must be true of a world, whatever has happened in it. Each returns what is wrong, as sentences. */
import { isFleetFinished, isJobFinished, isRunFinished, JOB_STATUSES } from '@berth/core';
import type { JobRow } from '@berth/store';
import type { Planted } from './player.ts';
import type { World } from './world.ts';

/** At any moment at which the server is at rest. */
export async function wrongNow(world: World): Promise<string[]> {
  const wrong = [...world.store.violations];
  for (const line of world.logged) if (/defect|unexpected/i.test(line)) wrong.push(line);
  for (const [job, starts] of world.agents.started) if (starts.length > 1) wrong.push(`job ${job} was started twice`);
  const { read } = world.store;
  const unfinished = JOB_STATUSES.filter((status) => !isJobFinished(status));
  const jobs = await read.jobs.find({ where: { status: { in: unfinished } } });
  for (const instance of await read.instances.find({ where: { status: { not: 'terminated' } } })) {
    const holders = jobs.filter((job) => job.instanceId === instance.id).length;
    if (instance.busyBlocks > instance.totalBlocks) {
      wrong.push(`instance ${instance.name} has ${instance.totalBlocks} blocks and holds ${instance.busyBlocks}`);
    }
    if (holders !== instance.busyBlocks) {
      wrong.push(`instance ${instance.name} is held by ${holders} jobs and has ${instance.busyBlocks} busy blocks`);
    }
    if ((instance.status === 'idle') !== (holders === 0) && ['idle', 'busy'].includes(instance.status)) {
      wrong.push(`instance ${instance.name} is ${instance.status} with ${holders} jobs`);
    }
  }
  return wrong;
}

/** When nothing goes wrong any more and enough time has passed for all that waits. */
export async function wrongAtLast(world: World, planted: readonly Planted[] = []): Promise<string[]> {
  const wrong = await wrongNow(world);
  const { read } = world.store;
  for (const run of await read.runs.find()) {
    if (!isRunFinished(run.status)) wrong.push(`run ${run.name} is ${run.status} for ever (${run.message ?? ''})`);
  }
  for (const job of await read.jobs.find()) {
    if (!isJobFinished(job.status)) wrong.push(`job ${describe(job)} is ${job.status} for ever`);
    else if (job.heldFrom !== null && job.heldUntil === null) wrong.push(`job ${describe(job)} is held for ever`);
  }
  for (const fleet of await read.fleets.find()) {
    if (fleet.status === 'terminating') wrong.push(`fleet ${fleet.name} is terminating for ever`);
  }
  for (const intent of await read.intents.find({ where: { status: 'open' } })) {
    wrong.push(`intent ${intent.kind} of ${intent.instanceId} is never settled (${intent.lastError?.message ?? ''})`);
  }
  return [...wrong, ...(await wrongMachines(world, planted))];
}

/** Machines alive in the clouds = machines that the database expects; and no more than somebody wants. */
async function wrongMachines(world: World, planted: readonly Planted[]): Promise<string[]> {
  const wrong: string[] = [];
  const strangers = new Set(planted.map(({ cloudId }) => cloudId));
  const billed = world.clouds.flatMap(({ truth }) => truth.alive).filter(({ cloudId }) => !strangers.has(cloudId));
  const alive = new Set(billed.map(({ clientToken }) => clientToken ?? ''));
  if (alive.size < billed.length) wrong.push(`${billed.length} machines were made of ${alive.size} tokens`);
  const rows = await world.store.read.instances.find();
  for (const row of rows) {
    const expected = row.status !== 'terminated';
    if (expected && !alive.has(row.token)) wrong.push(`instance ${row.name} is ${row.status}, its machine is gone`);
    if (!expected && alive.has(row.token)) wrong.push(`instance ${row.name} is terminated, its machine is billed`);
    if (['pending', 'provisioning', 'terminating'].includes(row.status)) {
      wrong.push(`instance ${row.name} is ${row.status} for ever`);
    }
    alive.delete(row.token);
  }
  for (const token of alive) wrong.push(`machine ${token} is on no book`);
  for (const fleet of await world.store.read.fleets.find()) {
    const own = rows.filter((row) => row.fleetId === fleet.id && row.status !== 'terminated').length;
    const wanted = isFleetFinished(fleet.status) ? 0 : fleet.spec.nodes.min;
    if (own !== wanted) wrong.push(`fleet ${fleet.name} has ${own} instances and wants ${wanted}`);
  }
  const strays = rows.filter(
    (row) => row.fleetId === null && row.status !== 'terminated' && row.idleDurationMs !== null,
  );
  for (const row of strays) wrong.push(`instance ${row.name} is ${row.status} beyond its idle_duration`);
  return wrong;
}

function describe(job: JobRow): string {
  return `${job.id} (node ${job.node}, submission ${job.submission}, agent ${job.agentState ?? 'not told'})`;
}
