import type { CollectedAccelerator } from '@berth/catalog/collected-offer';
import type { CpuArch } from '@berth/core/offer';
import { cpuSize } from './cpu-sizes.ts';
import { gpuSize, isAccelerated } from './gpu-series.ts';
import { parseSkuName } from './sku-name.ts';

export interface Shape {
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Absent where the accelerator comes with the CPU. */
  readonly cpuArch?: CpuArch;
  readonly accelerator: CollectedAccelerator | null;
  readonly interconnect: string | null;
  readonly diskMiB: number | null;
}

export type ReadShape = { readonly shape: Shape } | { readonly problem: string };

/** What a size is, by its name alone. */
export function shapeOf(armSkuName: string): ReadShape {
  const name = parseSkuName(armSkuName);
  if (name === null) return { problem: 'its name is not of the form that says what is in it' };
  const common = {
    // RDMA: the machine is on the InfiniBand of its cluster.
    interconnect: name.features.includes('r') ? 'InfiniBand' : null,
    // A local disk (feature d) is there; how large, only the Resource SKUs API tells.
    diskMiB: null,
  };
  if (isAccelerated(name)) {
    const gpu = gpuSize(name);
    if (gpu === null) return { problem: 'it has accelerators, and its series is not among those that are known' };
    const cpus = name.constrained ?? name.number;
    return { shape: { cpus, memoryMiB: gpu.memoryGiB * 1024, accelerator: gpu.accelerator, ...common } };
  }
  const cpu = cpuSize(name);
  if (cpu === null) return { problem: 'its memory does not follow from its name' };
  const cpuArch = name.features.includes('p') ? 'arm' : 'x86';
  const cpus = name.constrained ?? cpu.cpus;
  return { shape: { cpus, memoryMiB: cpu.memoryGiB * 1024, cpuArch, accelerator: null, ...common } };
}
