import type { ResourcesView, RunView } from '@berth/core/api-schemas';
import { memory } from './format.ts';

/** `8 CPU, 32GB, A100:80GB x2`; the disk only when asked for. */
export function describeResources(resources: ResourcesView, options: { readonly disk?: boolean } = {}): string {
  const arch = resources.cpu_arch === 'arm' ? ' ARM' : '';
  const parts = [`${resources.cpus}${arch} CPU`, memory(resources.memory_mib)];
  if (options.disk === true) parts.push(`${memory(resources.disk_mib)} disk`);
  for (const { name, count, memory_mib: mib } of resources.accelerators) {
    parts.push(`${name}${mib > 0 ? `:${memory(mib)}` : ''}${count > 1 ? ` x${count}` : ''}`);
  }
  return parts.join(', ');
}

/** `running`, `provisioning: pulling image 40 %`, `failed (exit 3)`, `failed (no-capacity)`. */
export function describeRun(run: RunView): string {
  const failing = run.jobs.find((job) => job.exit_status !== null && job.exit_status !== 0);
  switch (run.status) {
    case 'failed':
      if (failing !== undefined && run.end_reason !== 'no-capacity') return `failed (exit ${failing.exit_status})`;
      return `failed (${run.jobs.find((job) => job.signal !== null)?.signal ?? endReason(run)})`;
    case 'terminated':
      return run.end_reason === 'aborted-by-user' ? 'aborted' : 'stopped';
    case 'done':
      return 'done';
    default: {
      const progress = run.jobs.find((job) => job.progress !== null)?.progress;
      return run.status !== 'running' && progress ? `${run.status}: ${progress}` : run.status;
    }
  }
}

function endReason(run: RunView): string {
  const job = run.jobs.find((candidate) => candidate.status === 'failed')?.end_reason;
  return job ?? run.end_reason ?? 'unknown';
}

/** Where its jobs are: `local/here`, or how many nodes on what. */
export function describePlace(run: RunView): string {
  const places = [
    ...new Set(
      run.jobs.flatMap((job) => (job.instance === null ? [] : [`${job.instance.backend}/${job.instance.region}`])),
    ),
  ];
  return places.join(', ');
}

export function statusColour(status: string): 'green' | 'red' | 'yellow' | 'gray' | 'cyan' {
  if (status === 'done' || status === 'idle' || status === 'active' || status === 'ready') return 'green';
  if (status === 'running' || status === 'busy') return 'cyan';
  if (status === 'failed' || status === 'unavailable' || status === 'removed') return 'red';
  if (status === 'terminated' || status === 'aborted') return 'gray';
  return 'yellow';
}
