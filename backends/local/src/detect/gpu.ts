import type { AcceleratorCount, AcceleratorVendor } from '@berth/core';
import { resolveAccelerator, snapMemory } from '@berth/core/accelerators';

/** One device that can be handed to an instance. */
export interface GpuDevice {
  /** What the vendor's runtime takes to select it: NVIDIA's UUID, AMD's index. */
  readonly id: string;
  readonly vendor: AcceleratorVendor;
  /** The registry's canonical name, or the driver's label when `known` is false. */
  readonly name: string;
  readonly memoryMiB: number;
  readonly known: boolean;
}

/** What was found, and what a person should know about what was not. */
export interface GpuFindings {
  readonly devices: readonly GpuDevice[];
  readonly notes: readonly string[];
}

/** Devices of the same kind, in the order of the driver. */
export interface GpuGroup {
  readonly vendor: AcceleratorVendor;
  readonly name: string;
  readonly memoryMiB: number;
  readonly known: boolean;
  readonly devices: readonly string[];
}

export interface ReportedGpu {
  readonly id: string;
  readonly vendor: AcceleratorVendor;
  /** What the driver calls it, best name first; the first one is shown when none is known. */
  readonly labels: readonly string[];
  /** Null: the driver does not say. */
  readonly memoryMiB: number | null;
}

/**
 * Names a device by the registry. A driver that reports no memory has none of the device's own to
 * report: it shares the host's (NVIDIA GB10), which is what an unknown device then gets.
 */
export function gpuDevice(reported: ReportedGpu, hostMemoryMiB: number): GpuDevice {
  const { id, vendor, labels } = reported;
  for (const label of labels) {
    const accelerator = resolveAccelerator(label);
    if (accelerator === null || accelerator.vendor !== vendor) continue;
    const memoryMiB = snapMemory(accelerator, reported.memoryMiB ?? accelerator.memoryMiB);
    return { id, vendor, name: accelerator.name, memoryMiB, known: true };
  }
  const name = labels[0] ?? `${vendor} GPU`;
  return { id, vendor, name, memoryMiB: reported.memoryMiB ?? hostMemoryMiB, known: false };
}

/** Same-model groups in the order in which their first device was found. */
export function groupGpus(devices: readonly GpuDevice[]): readonly GpuGroup[] {
  const groups = new Map<string, GpuGroup & { readonly devices: string[] }>();
  for (const { id, ...model } of devices) {
    const key = JSON.stringify([model.vendor, model.name, model.memoryMiB]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...model, devices: [id] });
    else group.devices.push(id);
  }
  return [...groups.values()];
}

export function acceleratorsOf(group: GpuGroup, count: number): readonly AcceleratorCount[] {
  const { name, vendor, memoryMiB, known } = group;
  return [{ name, vendor, count, memoryMiB, known }];
}
