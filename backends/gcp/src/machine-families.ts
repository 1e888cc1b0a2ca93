/** Facts about machine families that no API tells. */

import { M2_PREMIUM } from './sku.ts';

/**
 * Keys of the SKUs that bill a type's CPUs and memory; several add up.
 * Sources: https://cloud.google.com/compute/vm-instance-pricing and the descriptions of the SKUs.
 */
export function billedAs(type: string): readonly string[] {
  if (type.startsWith('a3-megagpu-')) return ['a3plus'];
  if (type.startsWith('a3-ultragpu-')) return ['a3ultra'];
  if (type.startsWith('m4-ultramem-224')) return ['m4ultramem224'];
  const family = familyOf(type);
  return family === 'm2' ? ['m1', M2_PREMIUM] : [family];
}

/** `n2d-standard-4` → `n2d`. */
export function familyOf(type: string): string {
  return type.slice(0, Math.max(0, type.indexOf('-'))) || type;
}

/** Machine types that the API lists under an old name, and at the price of another family. */
const RENAMED = /^(?:n1-(?:megamem|ultramem)-\d+|m2-ultramem2?x-\d+|z3-highmem-(?:88|176))$/;

export function isRenamed(type: string): boolean {
  return RENAMED.test(type);
}

/**
 * CPUs that a machine of a shared core is given and billed for; it may use more for a while.
 * Source: https://cloud.google.com/compute/docs/general-purpose-machines#sharedcore
 */
const SHARED_CPUS: Readonly<Record<string, number>> = {
  'e2-micro': 0.25,
  'e2-small': 0.5,
  'e2-medium': 1,
  'f1-micro': 0.2,
  'g1-small': 0.5,
};

export function sharedCpus(type: string): number | null {
  return SHARED_CPUS[type] ?? null;
}

/** Ampere Altra, Axion, Grace. Types that are newer than this table say it themselves. */
const ARM = new Set(['t2a', 'c4a', 'n4a', 'a4x']);

export function archOf(type: string, architecture: string | undefined): 'x86' | 'arm' {
  if (architecture !== undefined) return architecture === 'ARM64' ? 'arm' : 'x86';
  return ARM.has(familyOf(type)) ? 'arm' : 'x86';
}

/**
 * GiB of one partition. Sources: https://cloud.google.com/compute/docs/disks/local-ssd and, for Z3 and
 * A4X, their machine families' pages.
 */
function partitionGiB(type: string): number {
  const family = familyOf(type);
  if (family === 'z3') return type.endsWith('-metal') ? 6000 : 3000;
  return family === 'a4x' ? 3000 : 375;
}

/**
 * Partitions that come with a type, where the API does not tell.
 * Source: https://cloud.google.com/compute/docs/accelerator-optimized-machines
 */
const BUNDLED: Readonly<Record<string, number>> = {
  'a2-ultragpu-1g': 1,
  'a2-ultragpu-2g': 2,
  'a2-ultragpu-4g': 4,
  'a2-ultragpu-8g': 8,
  'a3-highgpu-1g': 2,
  'a3-highgpu-2g': 4,
  'a3-highgpu-4g': 8,
  'a3-highgpu-8g': 16,
  'a3-edgegpu-8g': 16,
  'a3-megagpu-8g': 16,
  'a3-ultragpu-8g': 32,
  'a4-highgpu-8g': 32,
  'a4x-highgpu-4g': 4,
};

/** GiB of local SSD that come with a type. `partitions`: as the API tells. */
export function bundledSsdGiB(type: string, partitions: number | undefined): number {
  return (partitions ?? BUNDLED[type] ?? 0) * partitionGiB(type);
}

/** Words by which the SKUs call a type of GPU. Source: https://cloud.google.com/skus */
const GPU_WORDS: Readonly<Record<string, readonly string[]>> = {
  'nvidia-tesla-t4': ['t4'],
  'nvidia-tesla-p4': ['p4'],
  'nvidia-tesla-k80': ['k80'],
  'nvidia-tesla-v100': ['v100'],
  'nvidia-tesla-p100': ['p100'],
  'nvidia-tesla-a100': ['a100'],
  'nvidia-a100-80gb': ['a100 80gb'],
  'nvidia-h100-80gb': ['h100 80gb'],
  'nvidia-h100-mega-80gb': ['h100 80gb mega', 'h100 mega 80gb', 'h100 80gb plus'],
  'nvidia-h200-141gb': ['h200 141gb'],
  'nvidia-l4': ['l4'],
  'nvidia-rtx-pro-6000': ['rtx 6000 96gb'],
};

/** A type that is not in the table is looked for by its own words. */
export function gpuWords(acceleratorType: string): readonly string[] {
  return GPU_WORDS[acceleratorType] ?? [deviceWord(acceleratorType).replaceAll('-', ' ')];
}

/**
 * Machines with a part of a GPU, by eighths. The API counts whole devices.
 * Source: https://cloud.google.com/compute/docs/accelerator-optimized-machines#g4-machine-types
 */
const EIGHTHS: Readonly<Record<string, number>> = { 'g4-standard-6': 1, 'g4-standard-12': 2, 'g4-standard-24': 4 };

/** Eighths of an RTX PRO 6000 that a machine has; null: whole devices, or none. */
export function gpuEighths(type: string): number | null {
  return EIGHTHS[type] ?? null;
}

/** `nvidia-b200` → `b200`, as the SKUs of slices have it. */
export function deviceWord(acceleratorType: string): string {
  return acceleratorType.replace(/^nvidia-(?:tesla-)?/, '');
}

/**
 * RDMA between machines, over Ethernet: A3 Ultra, A4 and A4X.
 * Source: https://cloud.google.com/compute/docs/accelerator-optimized-machines
 */
export function interconnectOf(type: string): string | null {
  return /^(?:a3-ultragpu|a4|a4x)-/.test(type) ? 'RoCE' : null;
}

export type Consumption = 'on-demand' | 'reservation' | 'none';

/**
 * What the price on demand of a type buys: some are sold to holders of a reservation alone, and parts of
 * an H100 machine only as spot or by flex-start.
 * Source: https://cloud.google.com/compute/docs/accelerator-optimized-machines#consumption_option_availability_by_machine_type
 */
export function consumptionOf(type: string): Consumption {
  if (/^(?:a4x?-|a3-ultragpu-)/.test(type)) return 'reservation';
  return /^a3-highgpu-[124]g$/.test(type) ? 'none' : 'on-demand';
}
