/**
 * The line of those who wait for a place. When an instance becomes free it goes to the run of the highest
 * priority that it suits, among equals to the one that came first; nobody waits out a back-off beside it.
 */
import type { Millis, ProjectId } from '@berth/core';
import { place } from '@berth/core/place';
import type { JobRow, RunRow } from '@berth/store';
import type { Tx } from './books.ts';
import { type Candidate, candidates, fleetsOf } from './candidates.ts';
import { type Decision, NOTHING, type Write } from './decision.ts';
import { jobsOf } from './place-run.ts';
import type { Backends } from './ports.ts';

export interface Waiting {
  readonly run: RunRow;
  /** All of them, and none has a place. */
  readonly jobs: readonly JobRow[];
}

export function callForward(line: readonly Waiting[], free: readonly Candidate[], now: Millis): Decision<never> {
  const writes: Write[] = [];
  let left = free;
  for (const { run, jobs } of [...line].sort(byTurn)) {
    const placement = place({
      nodes: jobs.length,
      requirements: run.spec.requirements,
      instances: left,
      fleets: run.spec.fleets,
      offers: [],
      creationPolicy: 'reuse',
      avoidOffers: {},
      now,
    });
    if (placement.kind === 'none') continue;
    const taken = new Set(placement.assignments.map((a) => (a.kind === 'instance' ? a.instance.id : null)));
    left = left.filter((instance) => !taken.has(instance.id));
    if (run.nextAttemptAt !== null && run.nextAttemptAt > now) {
      writes.push({ change: 'runs', row: run, patch: { nextAttemptAt: now } });
    }
  }
  return writes.length === 0 ? NOTHING : { writes, effects: [], wakeAt: null };
}

function byTurn(a: Waiting, b: Waiting): number {
  const [x, y] = [a.run, b.run];
  return y.spec.priority - x.spec.priority || x.submittedAt - y.submittedAt || (x.id < y.id ? -1 : 1);
}

export async function lookAtLine(
  tx: Tx,
  backends: Pick<Backends, 'usable'>,
  project: ProjectId,
  now: Millis,
): Promise<Decision<never>> {
  const line: Waiting[] = [];
  for (const run of await tx.read.runs.find({ where: { projectId: project, live: true, status: 'pending' } })) {
    const jobs = await jobsOf(tx.read, run);
    // One that waits after a failure has no job left: its back-off is meant.
    if (jobs.length > 0 && jobs.every((job) => job.status === 'submitted')) line.push({ run, jobs });
  }
  if (line.length === 0) return NOTHING;
  return callForward(line, await candidates(tx.read, backends, project, await fleetsOf(tx.read, project)), now);
}
