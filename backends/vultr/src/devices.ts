import type { CollectedAccelerator } from '@berth/catalog/collected-offer';
import { knownMemory, type ResolvedAccelerator } from '@berth/core/accelerator';
import { resolveAccelerator } from '@berth/core/accelerators';
import type { MetalPlan, Plan } from './plans.ts';

type GpuFacts = Pick<Plan | MetalPlan, 'id' | 'gpu_type' | 'gpu_brand' | 'gpu_count' | 'gpu_vram_gb'>;

/** GB of one device of Vultr's bare metal, where neither plan nor registry tells: its boards are those with 80. */
const METAL_GIB: Readonly<Record<string, number>> = { a100: 80, h100: 80 };

/** A machine has no more of them. */
const MOST_DEVICES = 16;

/**
 * The devices of a plan; null: it has none. What the fields do not tell, the plan's id does:
 * `vcg-a40-24c-120g-48vram`, `vbm-112c-2048gb-8-h100-gpu`. A share of a device is a count below one.
 */
export function devicesOf(plan: GpuFacts): CollectedAccelerator | null {
  const named = namedIn(plan.id);
  const label = plan.gpu_type || named.label;
  if (label === null) return null;
  const totalGib = plan.gpu_vram_gb || named.totalGib;
  const device = resolveAccelerator(label);
  const count = countOf(plan.gpu_count) ?? named.count ?? countByMemory(device, totalGib);
  return {
    label,
    count,
    memoryMiB: totalGib === null ? null : (totalGib / count) * 1024,
    vendor: vendorOf(plan.gpu_brand || label),
  };
}

interface Named {
  readonly label: string | null;
  readonly count: number | null;
  readonly totalGib: number | null;
}

function namedIn(id: string): Named {
  const metal = /-(?:(\d{1,2})-)?([a-z][a-z0-9]*)-gpu$/.exec(id);
  if (metal !== null) {
    const count = Number(metal[1] ?? 1);
    const gib = METAL_GIB[metal[2] ?? ''];
    return { label: metal[2] ?? null, count, totalGib: gib === undefined ? null : gib * count };
  }
  const virtual = /^vcg-([a-z0-9]+)-/.exec(id);
  const vram = /-(\d+)vram$/.exec(id);
  return { label: virtual?.[1] ?? null, count: null, totalGib: vram === null ? null : Number(vram[1]) };
}

function countOf(told: GpuFacts['gpu_count']): number | null {
  if (told == null) return null;
  const [whole, parts] = String(told).split('/').map(Number);
  const count = (whole ?? Number.NaN) / (parts ?? 1);
  return count > 0 && Number.isFinite(count) ? count : null;
}

/**
 * The count is not told: the fewest devices whose memory is a size that is made. Less than the largest
 * size is a share of one: `vcg-a100-6c-60g-40vram` has half the CPUs, memory and price of the plan with 80.
 */
function countByMemory(device: ResolvedAccelerator | null, totalGib: number | null): number {
  const largest = device?.memorySizesMiB.at(-1);
  if (device === null || totalGib === null || largest === undefined) return 1;
  const totalMiB = totalGib * 1024;
  for (let count = 1; count <= MOST_DEVICES; count += 1) {
    if (knownMemory(device, totalMiB / count) === largest) return count;
  }
  return totalMiB < largest ? totalMiB / largest : Math.max(1, Math.round(totalMiB / largest));
}

function vendorOf(name: string): 'nvidia' | 'amd' | null {
  const brand = name.toLowerCase();
  if (brand.startsWith('nvidia')) return 'nvidia';
  return brand.startsWith('amd') ? 'amd' : null;
}
