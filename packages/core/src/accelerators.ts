/**
 * The registry of accelerators: one canonical name per device, whatever users, drivers and clouds
 * call it. Reading a label is in `accelerator-label.ts`; the facts are in `accelerators-<vendor>.ts`.
 */

import type { Accelerator, ResolvedAccelerator } from './accelerator.ts';
import { indexLabels, type LabelMatch, readLabel } from './accelerator-label.ts';
import { AMD } from './accelerators-amd.ts';
import { ARM } from './accelerators-arm.ts';
import { AWS } from './accelerators-aws.ts';
import { GOOGLE } from './accelerators-google.ts';
import { INTEL } from './accelerators-intel.ts';
import { NVIDIA } from './accelerators-nvidia.ts';
import { QUALCOMM } from './accelerators-qualcomm.ts';
import { TENSTORRENT } from './accelerators-tenstorrent.ts';
import { XILINX } from './accelerators-xilinx.ts';

export * from './accelerator.ts';

/** Labels come from outside; nothing that names a device is longer. */
const MAX_LABEL_LENGTH = 120;

/** Clouds list the same few hundred labels a million times; more than this is not a cloud's list. */
const REMEMBERED_LABELS = 4096;

const ALL: readonly Accelerator[] = [
  ...NVIDIA,
  ...AMD,
  ...GOOGLE,
  ...AWS,
  ...INTEL,
  ...TENSTORRENT,
  ...QUALCOMM,
  ...ARM,
  ...XILINX,
];

const byName: ReadonlyMap<string, Accelerator> = new Map(ALL.map((accelerator) => [accelerator.name, accelerator]));

// Built at first use: most commands never resolve a label.
let labels: ReadonlyMap<string, LabelMatch> | null = null;
const remembered = new Map<string, ResolvedAccelerator | null>();

/** Every entry of the registry, by vendor and age. */
export function allAccelerators(): readonly Accelerator[] {
  return ALL;
}

/** Canonical names, in the order of the registry. */
export function knownAcceleratorNames(): readonly string[] {
  return ALL.map((accelerator) => accelerator.name);
}

/** The entry with exactly this canonical name. */
export function findAccelerator(name: string): Accelerator | null {
  return byName.get(name) ?? null;
}

/**
 * The device that a label means, in any spelling of users, drivers and clouds: `A100-80GB`,
 * `NVIDIA H100 80GB HBM3`, `rtx_4090`, `tpu-v5e`. Null when the label names no known device, names
 * a part or a variant that the registry does not hold (`RTX 4090 Laptop GPU`, a MIG slice), or
 * contradicts itself (`RTX 6000 48GB`, `AMD H100`): a wrong device is worse than none.
 */
export function resolveAccelerator(label: string): ResolvedAccelerator | null {
  const known = remembered.get(label);
  if (known !== undefined) return known;
  if (label.length > MAX_LABEL_LENGTH) return null;
  labels ??= indexLabels(ALL);
  const resolved = readLabel(label, labels);
  if (remembered.size >= REMEMBERED_LABELS) remembered.clear();
  remembered.set(label, resolved);
  return resolved;
}
