/** What is known of one kind of accelerator, and the sizes of memory that it is made with. */

import type { AcceleratorVendor, CpuArch } from './offer.ts';

/**
 * How a device is built in. `NVL`: pairs of PCIe cards with a bridge; `OAM`: the open module of AMD and Intel.
 * The catalog's files hold positions in this list: add at the end, and never remove.
 */
export const FORM_FACTORS = ['SXM', 'PCIe', 'NVL', 'OAM'] as const;
export type FormFactor = (typeof FORM_FACTORS)[number];

/** Another name of a device; with a memory where that name stands for one size only. */
export type AcceleratorAlias = string | { readonly label: string; readonly memoryGiB: number };

export interface Accelerator {
  /** Canonical, without blanks: `H100`, `RTX4090`, `v5litepod`. */
  readonly name: string;
  readonly vendor: AcceleratorVendor;
  /** `Hopper`, `CDNA3`, …; for people and for telling apart devices that share a number. */
  readonly architecture: string;
  /** NVIDIA's [major, minor]; null for everybody else. */
  readonly computeCapability: readonly [number, number] | null;
  /** Sizes that one device is made with, smallest first, as multiples of 1024 MiB. */
  readonly memorySizesMiB: readonly number[];
  readonly formFactors: readonly FormFactor[];
  /** Set where the device comes with its own CPU (Grace, Graviton), so that an offer's architecture is known. */
  readonly hostArch: CpuArch | null;
  readonly aliases: readonly AcceleratorAlias[];
}

/** What a label says, beyond naming the device. Null: the label does not say it. */
export interface ResolvedAccelerator extends Accelerator {
  /** Memory of one device, snapped to a size that the device is made with. */
  readonly memoryMiB: number | null;
  /** As the label says, or the only one that there is. */
  readonly formFactor: FormFactor | null;
  /** Devices that the label stands for: the chips of a TPU slice (`v5litepod-8`: 8, `v2-8`: 4). */
  readonly count: number | null;
}

/** A reported size may differ from the nominal one by this share: ECC and firmware take some of it. */
const MEMORY_TOLERANCE = 0.07;

/** The size that the device is made with and that lies within 7 % of `memoryMiB`; null when none does. */
export function knownMemory(accelerator: Accelerator, memoryMiB: number): number | null {
  let best: number | null = null;
  let bestDistance = MEMORY_TOLERANCE;
  for (const size of accelerator.memorySizesMiB) {
    const distance = Math.abs(memoryMiB - size) / size;
    if (distance < bestDistance) {
      best = size;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * The memory of one device in MiB, from what a driver or a cloud reports: the known size within 7 %,
 * otherwise the report rounded to whole GiB (at least one). Without a report (null, zero, not a
 * number), the smallest known size: nothing is promised that may not be there.
 */
export function snapMemory(accelerator: Accelerator, reportedMiB: number | null): number {
  if (reportedMiB === null || !(reportedMiB > 0) || !Number.isFinite(reportedMiB)) {
    return accelerator.memorySizesMiB[0] ?? 0;
  }
  return knownMemory(accelerator, reportedMiB) ?? Math.max(1, Math.round(reportedMiB / 1024)) * 1024;
}
