import type { AcceleratorVendor } from '@berth/core/offer';
import { gpusOf, readGpus } from './gpu-metrics.ts';
import type { Job } from './job.ts';
import { listProcesses, type ProcessEntry } from './process-table.ts';
import type { JobMetrics } from './protocol.ts';

/** What the running jobs use at this moment. The process table and the GPUs are read once for all of them. */
export async function measureJobs(
  jobs: readonly Job[],
  now: number,
  vendor: AcceleratorVendor | null,
): Promise<readonly JobMetrics[]> {
  const running = jobs.filter((job) => job.execution !== null);
  const hasGpus = running.some((job) => job.record.gpuDevices.length > 0);
  const readings = hasGpus ? await readGpus(vendor) : [];
  let table: readonly ProcessEntry[] | null = null;
  const processes = (): readonly ProcessEntry[] => {
    table ??= listProcesses();
    return table;
  };
  const metrics: JobMetrics[] = [];
  for (const job of running) {
    const usage = await job.execution?.measure(processes).catch(() => null);
    if (usage === null || usage === undefined) continue;
    metrics.push({ job: job.id, at: now, ...usage, gpus: gpusOf(job.record.gpuDevices, readings) });
  }
  return metrics;
}
