/** GPUs that may be attached to N1 machines: one machine type, several offers. */

import { familyOf, isRenamed } from './machine-families.ts';

interface Limit {
  readonly count: number;
  readonly maxCpus: number;
  readonly maxMemoryGiB: number;
}

function limit(count: number, maxCpus: number, maxMemoryGiB: number): Limit {
  return { count, maxCpus, maxMemoryGiB };
}

/**
 * The most CPUs and memory beside each number of GPUs. K80 has been withdrawn. Four P100 take 64 CPUs and
 * 208 GB in some zones and more in others; what holds everywhere is listed.
 * Source: https://cloud.google.com/compute/docs/gpus#n1-gpus
 */
const LIMITS: Readonly<Record<string, readonly Limit[]>> = {
  'nvidia-tesla-t4': [limit(1, 48, 312), limit(2, 48, 312), limit(4, 96, 624)],
  'nvidia-tesla-p4': [limit(1, 24, 156), limit(2, 48, 312), limit(4, 96, 624)],
  'nvidia-tesla-v100': [limit(1, 12, 78), limit(2, 24, 156), limit(4, 48, 312), limit(8, 96, 624)],
  'nvidia-tesla-p100': [limit(1, 16, 104), limit(2, 32, 208), limit(4, 64, 208)],
};

export interface Attachment {
  readonly type: string;
  readonly count: number;
}

/** `available`: what the zone has → the most on one machine. */
export function attachmentsOf(
  machineType: string,
  cpus: number,
  memoryMiB: number,
  available: ReadonlyMap<string, number>,
): readonly Attachment[] {
  if (familyOf(machineType) !== 'n1' || isRenamed(machineType)) return [];
  const attachments: Attachment[] = [];
  for (const [type, limits] of Object.entries(LIMITS)) {
    const most = available.get(type) ?? 0;
    for (const { count, maxCpus, maxMemoryGiB } of limits) {
      if (count <= most && cpus <= maxCpus && memoryMiB <= maxMemoryGiB * 1024) attachments.push({ type, count });
    }
  }
  return attachments;
}
