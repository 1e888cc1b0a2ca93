/** Which devices a shape has, and how much memory one of them. */

import { memoryOfOne } from '@berth/catalog/device-memory';

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
 * that of one for others (MI355X.8: 288). Null: it fits neither way; then the registry or nobody knows.
 */
export function gpuMemoryMiB(label: string, count: number, listedGb: number | null): number | null {
  return listedGb === null || !(listedGb > 0) ? null : memoryOfOne(label, count, listedGb * 1024, 'all');
}
