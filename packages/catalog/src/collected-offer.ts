/** What a source says, in the cloud's own spelling. `normalize.ts` makes offers of it. */

import type { FormFactor } from '@berth/core/accelerator';
import type { AcceleratorVendor, Availability, CapacityType, CpuArch } from '@berth/core/offer';

export interface CollectedAccelerator {
  /** As the cloud spells it: `NVIDIA GRID K520`, `nvidia-tesla-t4`, `H100_SXM`. The registry reads it. */
  readonly label: string;
  /** Devices of one machine. Shares of a device (`0.5`) are kept as they are. */
  readonly count: number;
  /** Of one device, as reported; it is snapped to the size the device is made with. */
  readonly memoryMiB?: number | null;
  /** Only where the cloud says so; a label may say it too. */
  readonly formFactor?: FormFactor | null;
  /** Only for a device that the registry may not hold. */
  readonly vendor?: AcceleratorVendor | null;
}

/** One price of one shape in one place. Absent and null both mean: the cloud does not say. */
export interface CollectedOffer {
  readonly instanceType: string;
  readonly region: string;
  readonly zone?: string | null;
  /** ISO 3166-1 alpha-2, any case. */
  readonly country?: string | null;
  readonly capacityType: CapacityType;
  /** US dollars per hour for the whole machine. */
  readonly pricePerHour: number;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** `x86` when absent, unless the accelerator comes with a CPU of its own. */
  readonly cpuArch?: CpuArch;
  readonly accelerator?: CollectedAccelerator | null;
  /** Disk that comes with the machine at this price. Absent: it is chosen at creation, or not known. */
  readonly diskMiB?: number | null;
  /** Between machines, where it is more than Ethernet: `InfiniBand`, `EFA`. */
  readonly interconnect?: string | null;
  readonly networkGbps?: number | null;
  /** Kebab-case marks of offers that a client must know of before it takes them. */
  readonly flags?: readonly string[];
  /** JSON for this cloud's own compute; opaque to everybody else. */
  readonly providerData?: Readonly<Record<string, unknown>> | null;
  /** `unknown` when absent: a price list says nothing about stock. */
  readonly availability?: Availability;
}
