import { constants } from 'node:os';
import type { JobView } from '@berth/core/api-schemas';
import { holdCost } from '@berth/core/cost';
import type { Millis } from '@berth/core/ids';
import type { InstanceRow, JobRow } from '@berth/store';

/** US dollars for the time in which it held, or holds, its instance. */
export function jobCost(job: JobRow, now: Millis): number {
  if (job.pricePerHour === null || job.heldFrom === null) return 0;
  return holdCost(job.pricePerHour, job.heldFrom, job.heldUntil ?? now);
}

export const holdsInstance = (job: JobRow): boolean => job.heldFrom !== null && job.heldUntil === null;

/** As a shell would tell it: a signal is 128 and its number. Null while there is nothing to tell. */
export function exitStatusOf(job: JobRow): number | null {
  if (job.exitStatus !== null) return job.exitStatus;
  if (job.signal === null) return null;
  const numbers: Readonly<Record<string, number>> = constants.signals;
  const number = numbers[job.signal];
  return number === undefined ? null : 128 + number;
}

export function jobView(job: JobRow, instance: InstanceRow | null, now: Millis): JobView {
  return {
    id: job.id,
    replica: job.replica,
    node: job.node,
    submission: job.submission,
    status: job.status,
    end_reason: job.endReason,
    message: job.message,
    progress: job.progress,
    exit_status: job.exitStatus,
    signal: job.signal,
    instance:
      instance === null
        ? null
        : {
            id: instance.id,
            name: instance.name,
            backend: instance.backend,
            region: instance.region,
            instance_type: instance.instanceType,
            capacity_type: instance.capacityType,
          },
    price_per_hour: job.pricePerHour,
    cost: jobCost(job, now),
    submitted_at: job.submittedAt,
    started_at: job.startedAt,
    finished_at: job.finishedAt,
    log_bytes: job.logBytes,
    artifacts: job.artifacts === null ? null : { bytes: job.artifacts.bytes, fetched: job.artifacts.fetched },
  };
}
