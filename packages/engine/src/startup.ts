import type { JobRow, RunRow } from '@berth/store';

/** The nodes to start now. Nobody begins before everybody is ready; then `startup_order` rules. */
export function startable(run: Pick<RunRow, 'spec'>, jobs: readonly JobRow[]): readonly JobRow[] {
  if (!jobs.every((job) => hasBegun(job) || isReady(job))) return [];
  const master = jobs.filter((job) => job.node === 0);
  const workers = jobs.filter((job) => job.node !== 0);
  switch (run.spec.startupOrder) {
    case 'any':
      return jobs.filter(isReady);
    case 'master-first':
      return master.every(hasBegun) ? workers.filter(isReady) : master.filter(isReady);
    case 'workers-first':
      return workers.every(hasBegun) ? master.filter(isReady) : workers.filter(isReady);
  }
}

function hasBegun(job: JobRow): boolean {
  return job.agentState === 'running' || job.agentState === 'ended';
}

function isReady(job: JobRow): boolean {
  return job.status === 'pulling' && job.agentState === 'ready';
}
