import type { AcceleratorCount, InstanceResources } from '@berth/core';
import { acceleratorsOf, type GpuGroup, groupGpus } from './detect/gpu.ts';
import type { Host } from './detect/host.ts';

/** One way to use this machine. The CPUs, memory and disk are all of it each time: nothing is set aside. */
export interface InstanceType {
  /** `local`, `local-gpu-2`, and on a machine with different devices `local-gpu-rtx3090-2`. */
  readonly name: string;
  readonly resources: InstanceResources;
  /** Null: no devices. */
  readonly gpus: { readonly group: GpuGroup; readonly count: number } | null;
}

/** What this machine can be used as: without devices, and with each number of devices of one model. */
export function instanceTypes(host: Host): readonly InstanceType[] {
  const groups = groupGpus(host.gpus);
  const types: InstanceType[] = [{ name: 'local', resources: resourcesOf(host, []), gpus: null }];
  for (const group of groups) {
    const prefix = groups.length === 1 ? 'local-gpu' : `local-gpu-${slug(group, groups)}`;
    for (let count = 1; count <= group.devices.length; count++) {
      const resources = resourcesOf(host, acceleratorsOf(group, count));
      types.push({ name: `${prefix}-${count}`, resources, gpus: { group, count } });
    }
  }
  return types;
}

/** The devices of this type that nobody has, in the order of the driver; null: not enough of them. */
export function freeDevices(type: InstanceType, held: ReadonlySet<string>): readonly string[] | null {
  if (type.gpus === null) return [];
  const free = type.gpus.group.devices.filter((device) => !held.has(deviceKey(type.gpus?.group.vendor, device)));
  return free.length < type.gpus.count ? null : free.slice(0, type.gpus.count);
}

/** Devices that instances hold, as keys: AMD's are plain numbers, so the vendor belongs to them. */
export function heldDevices(
  instances: Iterable<{ readonly resources: InstanceResources; readonly gpuDevices: readonly string[] }>,
): ReadonlySet<string> {
  const held = new Set<string>();
  for (const { resources, gpuDevices } of instances) {
    for (const device of gpuDevices) held.add(deviceKey(resources.accelerators[0]?.vendor, device));
  }
  return held;
}

function deviceKey(vendor: string | undefined, device: string): string {
  return `${vendor ?? ''} ${device}`;
}

function resourcesOf(host: Host, accelerators: readonly AcceleratorCount[]): InstanceResources {
  const { cpus, cpuArch, memoryMiB, diskMiB } = host;
  return { cpus, cpuArch, memoryMiB, diskMiB, accelerators };
}

/** Two groups may share a name and differ in memory only (A100 of 40 and 80 GB): then the memory tells them apart. */
function slug(group: GpuGroup, groups: readonly GpuGroup[]): string {
  const name = word(group.name);
  const alike = groups.filter((other) => word(other.name) === name).length > 1;
  return alike ? `${name}-${group.vendor}-${Math.round(group.memoryMiB / 1024)}gb` : name;
}

function word(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
