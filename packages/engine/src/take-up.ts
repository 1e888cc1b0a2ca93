/** Everything unfinished in some lanes: what a server looks at when it gets them. */
import { isJobFinished, JOB_STATUSES, type ProjectId } from '@berth/core';
import type { InstanceRow, ReadTables } from '@berth/store';
import { type Lane, laneOfJob } from './lanes.ts';
import type { Backends } from './ports.ts';
import { bootstrapConcern, type Concern, concern, laneOfBackend, sweepConcern } from './wake.ts';

/** Machines first: without their links nothing else can go on. They wake their intents. */
export async function unfinishedIn(
  lanes: ReadonlySet<Lane>,
  read: Pick<ReadTables, 'instances' | 'fleets' | 'runs' | 'jobs' | 'projects' | 'orphans' | 'bootstraps'>,
  backends: Pick<Backends, 'usable'>,
): Promise<readonly Concern[]> {
  const unfinished = JOB_STATUSES.filter((status) => !isJobFinished(status));
  const [instances, fleets, runs, jobs, projects, orphans, bootstraps] = await Promise.all([
    read.instances.find({ where: { status: { in: ['pending', 'provisioning', 'idle', 'busy', 'terminating'] } } }),
    read.fleets.find({ where: { live: true } }),
    read.runs.find({ where: { live: true } }),
    read.jobs.find({ where: { status: { in: unfinished } } }),
    read.projects.find({ where: { deletedAt: null } }),
    read.orphans.find({ where: { status: 'terminating' } }),
    read.bootstraps.find(),
  ]);
  const concerns = [
    ...instances.map((row) => concern('instance', row.id)),
    ...fleets.map((row) => concern('fleet', row.id)),
    ...runs.map((row) => concern('run', row.id)),
    ...jobs.map((row) => concern('job', row.id, laneOfJob(row))),
    ...orphans.map((row) => concern('orphan', row.id, laneOfBackend(row))),
    ...bootstraps.map(bootstrapConcern),
    ...projects.flatMap(({ id }) => sweepsOf(id, backends)),
    // Also of a backend that cannot be used: that it holds machines must be told.
    ...uniqueSweeps(instances),
  ];
  return concerns.filter(({ lane }) => lanes.has(lane));
}

/** Of the backends that can be used now. */
export function sweepsOf(project: ProjectId, backends: Pick<Backends, 'usable'>): readonly Concern[] {
  return backends.usable(project).map(({ name }) => sweepConcern({ projectId: project, backend: name }));
}

function uniqueSweeps(instances: readonly InstanceRow[]): readonly Concern[] {
  return [...new Map(instances.map(sweepConcern).map((one) => [one.key, one])).values()];
}
