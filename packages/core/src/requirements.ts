import { ANY_CPU_COUNT, type CpuSpec, formatCpu } from './cpu-spec.ts';
import { formatGpu } from './gpu-spec.ts';
import { formatMemory, MEMORY } from './memory.ts';
import type { CapacityType, Range, Requirements } from './offer.ts';
import { formatRange } from './ranges.ts';
import type { Resources } from './resources.ts';

/** The fields of a configuration that say where to look and what to pay. */
export interface PlacementFields {
  readonly backends?: readonly string[] | null | undefined;
  readonly regions?: readonly string[] | null | undefined;
  readonly availability_zones?: readonly string[] | null | undefined;
  readonly instance_types?: readonly string[] | null | undefined;
  readonly spot_policy?: 'spot' | 'on-demand' | 'auto' | null | undefined;
  readonly max_price?: number | null | undefined;
  readonly reservation?: string | null | undefined;
}

const CAPACITY: Readonly<Record<'spot' | 'on-demand' | 'auto', readonly CapacityType[]>> = {
  spot: ['spot'],
  'on-demand': ['on-demand'],
  auto: ['on-demand', 'spot'],
};

/**
 * What a configuration means that does not say: whatever fits. dstack asks for 2 CPUs, 8 GB of memory
 * and 100 GB of disk then, which fits its clouds but would refuse a laptop, this machine and every
 * small host for a job that never said that it needs so much.
 */
const DEFAULT_CPU: CpuSpec = { arch: null, count: ANY_CPU_COUNT };
const DEFAULT_MEMORY_MIB: Range = { min: 0, max: null };

/** What a machine must be and have, with defaults where the configuration is silent. */
export function toRequirements(resources: Resources | null | undefined, placement: PlacementFields): Requirements {
  const cpu: CpuSpec = resources?.cpu ?? DEFAULT_CPU;
  return {
    cpu: cpu.count,
    cpuArch: cpu.arch,
    memoryMiB: resources?.memory ?? DEFAULT_MEMORY_MIB,
    diskMiB: resources?.disk ?? null,
    shmMiB: resources?.shm_size ?? null,
    gpu: resources?.gpu ?? null,
    capacityTypes: CAPACITY[placement.spot_policy ?? 'on-demand'],
    maxPricePerHour: placement.max_price ?? null,
    backends: anyOf(placement.backends),
    regions: anyOf(placement.regions),
    zones: anyOf(placement.availability_zones),
    instanceTypes: anyOf(placement.instance_types),
    ...(placement.reservation == null ? {} : { reservation: placement.reservation }),
  };
}

/** As in dstack an empty list does not narrow the search. */
export function anyOf(words: readonly string[] | null | undefined): readonly string[] | null {
  return words == null || words.length === 0 ? null : words;
}

/** One line for a plan: `cpu 2.. memory 8GB.. disk 100GB.. gpu nvidia:A100:80GB:1`. */
export function formatRequirements(requirements: Requirements): string {
  const parts = [
    `cpu ${formatCpu({ arch: requirements.cpuArch, count: requirements.cpu })}`,
    `memory ${formatRange(requirements.memoryMiB, MEMORY)}`,
  ];
  if (requirements.diskMiB !== null) parts.push(`disk ${formatRange(requirements.diskMiB, MEMORY)}`);
  if (requirements.shmMiB !== null) parts.push(`shm ${formatMemory(requirements.shmMiB)}`);
  if (requirements.gpu !== null) parts.push(`gpu ${formatGpu(requirements.gpu)}`);
  if (requirements.reservation !== undefined) parts.push(`reservation ${requirements.reservation}`);
  return parts.join(' ');
}
