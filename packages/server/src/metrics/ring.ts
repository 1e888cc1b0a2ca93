import type { JobMetrics } from '@berth/agent/protocol';
import type { MetricsPoint } from '@berth/core/api-schemas';
import type { JobId } from '@berth/core/ids';

/** An hour at a point per 10 s. */
const POINTS = 360;
/** With 10 KB each; who was heard of longest ago makes room. */
const MAX_JOBS = 512;

interface Ring {
  readonly at: Float64Array;
  readonly cpuMs: Float64Array;
  readonly memoryBytes: Float64Array;
  readonly gpus: (JobMetrics['gpus'] | undefined)[];
  /** How many were ever put in. */
  count: number;
}

/** The last hour of use of the jobs that ran lately, in memory only. */
export class MetricsRing {
  /** In the order of their last point. */
  readonly #jobs = new Map<JobId, Ring>();

  add({ job, at, cpuMs, memoryBytes, gpus }: JobMetrics): void {
    const ring = this.#jobs.get(job) ?? newRing();
    this.#jobs.delete(job);
    this.#jobs.set(job, ring);
    const place = ring.count++ % POINTS;
    ring.at[place] = at;
    ring.cpuMs[place] = cpuMs;
    ring.memoryBytes[place] = memoryBytes;
    ring.gpus[place] = gpus.length === 0 ? undefined : gpus;
    for (const oldest of this.#jobs.keys()) {
      if (this.#jobs.size <= MAX_JOBS) return;
      this.#jobs.delete(oldest);
    }
  }

  /** Oldest first. CPU use is the mean since the point before, so the first has none. 100 % is one CPU. */
  points(job: JobId, node: number): MetricsPoint[] {
    const ring = this.#jobs.get(job);
    if (ring === undefined) return [];
    const points: MetricsPoint[] = [];
    let before: { at: number; cpuMs: number } | null = null;
    for (let index = Math.max(0, ring.count - POINTS); index < ring.count; index++) {
      const place = index % POINTS;
      const at = ring.at[place] ?? 0;
      const cpuMs = ring.cpuMs[place] ?? 0;
      const elapsed: number = before === null ? 0 : at - before.at;
      points.push({
        at,
        node,
        // A clock that steps back, and an agent that began to count anew, give no answer.
        cpu_percent:
          before === null || elapsed <= 0 || cpuMs < before.cpuMs ? null : ((cpuMs - before.cpuMs) / elapsed) * 100,
        memory_bytes: ring.memoryBytes[place] ?? 0,
        gpus: (ring.gpus[place] ?? []).map(({ device, utilizationPercent, memoryBytes }) => ({
          device,
          utilization_percent: utilizationPercent,
          memory_bytes: memoryBytes,
        })),
      });
      before = { at, cpuMs };
    }
    return points;
  }

  remove(jobs: readonly JobId[]): void {
    for (const job of jobs) this.#jobs.delete(job);
  }
}

function newRing(): Ring {
  return {
    at: new Float64Array(POINTS),
    cpuMs: new Float64Array(POINTS),
    memoryBytes: new Float64Array(POINTS),
    gpus: [],
    count: 0,
  };
}
