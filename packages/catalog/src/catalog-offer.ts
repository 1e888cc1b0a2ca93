/** One offer of the catalog: a shape in a place, with its price, its source and its age. */

import type { FormFactor } from '@berth/core/accelerator';
import type { AcceleratorVendor, Availability, CapacityType, CpuArch } from '@berth/core/offer';

export interface CatalogAccelerator {
  /** Canonical; the cloud's own label when `known` is false. */
  readonly name: string;
  /** Null: nobody knows whose an unknown device is. */
  readonly vendor: AcceleratorVendor | null;
  readonly known: boolean;
  /** Devices of one machine; a fraction is a share of one. */
  readonly count: number;
  /** Of one device; null: not known. */
  readonly memoryMiB: number | null;
  readonly formFactor: FormFactor | null;
}

export interface CatalogOffer {
  /** Stable over versions of the catalog: `catalogOfferId`. */
  readonly id: string;
  /** Type of the backend that sells it. */
  readonly backend: string;
  readonly instanceType: string;
  readonly region: string;
  readonly zone: string | null;
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country: string | null;
  readonly capacityType: CapacityType;
  /** US dollars per hour for the whole machine; finite and above zero. */
  readonly pricePerHour: number;
  /** A fraction is a share of one. */
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly cpuArch: CpuArch;
  readonly accelerator: CatalogAccelerator | null;
  /** Comes with the machine at this price; null: chosen at creation, or not known. */
  readonly diskMiB: number | null;
  readonly interconnect: string | null;
  readonly networkGbps: number | null;
  /** Sorted, without duplicates. */
  readonly flags: readonly string[];
  readonly providerData: Readonly<Record<string, unknown>> | null;
  /** Never mixed with price: what a list says and what is in stock are two facts. */
  readonly availability: Availability;
  /** Who said it: a backend's type, `starter`, or the name of an import. */
  readonly source: string;
  /** When it was said, in milliseconds since 1970. */
  readonly collectedAt: number;
}

export type CatalogOfferIdentity = Pick<
  CatalogOffer,
  'backend' | 'instanceType' | 'region' | 'zone' | 'capacityType' | 'accelerator' | 'flags'
>;

/**
 * What tells one offer from another. The accelerator belongs to it: GCP attaches any number of GPUs to
 * one instance type. Flags do: one shape may be sold in two ways (a reservation by calendar).
 */
export function catalogOfferId(offer: CatalogOfferIdentity): string {
  const { backend, region, zone, instanceType, capacityType, accelerator, flags } = offer;
  const parts = [backend, region, zone ?? '-', instanceType, capacityType];
  if (accelerator !== null) parts.push(acceleratorWord(accelerator));
  if (flags.length > 0) parts.push(flags.join('+'));
  return parts.join('/');
}

/** The accelerator's part of an id: `H100:80GB:8`. */
export function acceleratorWord({
  name,
  memoryMiB,
  count,
}: Pick<CatalogAccelerator, 'name' | 'memoryMiB' | 'count'>): string {
  return `${name}:${memoryMiB === null ? '?' : `${memoryMiB / 1024}GB`}:${countWord(count)}`;
}

/** `8`; a share of one device by its whole number of shares: `1of24`. */
function countWord(count: number): string {
  const shares = Math.round(1 / count);
  return count < 1 && Math.abs(shares * count - 1) < 1e-9 ? `1of${shares}` : String(count);
}

/** Memory of all devices, in MiB; null: there is none, or it is not known. */
export function totalAcceleratorMemoryMiB(offer: CatalogOffer): number | null {
  const { accelerator } = offer;
  return accelerator?.memoryMiB == null ? null : accelerator.count * accelerator.memoryMiB;
}

/** US dollars per hour and device; null: there is none. */
export function pricePerGpu(offer: CatalogOffer): number | null {
  return offer.accelerator === null ? null : offer.pricePerHour / offer.accelerator.count;
}

/** US dollars per hour and GiB of the devices' memory; null: there is none, or it is not known. */
export function pricePerGpuGib(offer: CatalogOffer): number | null {
  const total = totalAcceleratorMemoryMiB(offer);
  return total === null ? null : offer.pricePerHour / (total / 1024);
}
