/** Which devices a shape has, and how much memory one of them. */

import { knownMemory } from '@berth/core/accelerator';
import { resolveAccelerator } from '@berth/core/accelerators';

/**
 * The first generations are named after the shape, not the device, and some later ones in short. Of those
 * that are made as cards too, Oracle has the ones on boards with NVLink.
 * Source: https://docs.oracle.com/en-us/iaas/Content/Compute/References/computeshapes.htm
 */
const LABELS: Readonly<Record<string, string>> = {
  GPU2: 'NVIDIA P100',
  GPU3: 'NVIDIA V100 SXM2',
  GPU4: 'NVIDIA A100 SXM4',
  B4: 'NVIDIA A100 SXM4',
  'A100-v2': 'NVIDIA A100 SXM4 80GB',
  H100: 'NVIDIA H100 SXM5',
  RTXPRO: 'NVIDIA RTX PRO 6000',
};

/** `BM.GPU.H200.8` → `H200`, `VM.GPU3.1` → `NVIDIA V100 SXM2`; null: the name tells of no device. */
export function gpuLabel(shape: string): string | null {
  const parts = shape.split('.');
  const at = parts.findIndex((part) => /^GPU\d?$/.test(part));
  const family = parts[at];
  if (at < 0 || family === undefined) return null;
  const token = family === 'GPU' ? parts[at + 1] : family;
  return token === undefined || token === '' ? null : (LABELS[token] ?? token);
}

/**
 * Memory of one device in MiB. The list has the memory of all devices for most shapes (H100.8: 640) and
 * that of one for others (MI355X.8: 288), so it is the reading that fits a size the device is made with.
 * Null: neither does; then the registry or nobody knows.
 */
export function gpuMemoryMiB(label: string, count: number, listedGb: number | null): number | null {
  const device = resolveAccelerator(label);
  if (listedGb === null || !(listedGb > 0)) return null;
  const readings = [(listedGb / count) * 1024, listedGb * 1024];
  // For a device that nobody knows, what most shapes mean.
  if (device === null) return readings[0] ?? null;
  return readings.find((reading) => knownMemory(device, reading) !== null) ?? null;
}
