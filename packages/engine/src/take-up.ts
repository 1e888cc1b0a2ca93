/** Everything unfinished in some lanes: what a server looks at when it gets them. */
import { isJobFinished, JOB_STATUSES } from '@berth/core';
import type { ReadTables } from '@berth/store';
import { type Lane, laneOfJob } from './lanes.ts';
import { type Concern, concern } from './wake.ts';

/** Machines first: without their links nothing else can go on. They wake their intents. */
export async function unfinishedIn(
  lanes: ReadonlySet<Lane>,
  read: Pick<ReadTables, 'instances' | 'fleets' | 'runs' | 'jobs'>,
): Promise<readonly Concern[]> {
  const unfinished = JOB_STATUSES.filter((status) => !isJobFinished(status));
  const [instances, fleets, runs, jobs] = await Promise.all([
    read.instances.find({ where: { status: { in: ['pending', 'provisioning', 'idle', 'busy', 'terminating'] } } }),
    read.fleets.find({ where: { live: true } }),
    read.runs.find({ where: { live: true } }),
    read.jobs.find({ where: { status: { in: unfinished } } }),
  ]);
  const concerns = [
    ...instances.map((row) => concern('instance', row.id)),
    ...fleets.map((row) => concern('fleet', row.id)),
    ...runs.map((row) => concern('run', row.id)),
    ...jobs.map((row) => concern('job', row.id, laneOfJob(row))),
  ];
  return concerns.filter(({ lane }) => lanes.has(lane));
}
