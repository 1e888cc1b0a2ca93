/** Between the planner's words and the catalog's: what a workload asks for as a filter, what is found as core's offers. */

import type { GpuRequirement, Offer, Range, Requirements } from '@berth/core/offer';
import { type CatalogOffer, catalogOfferId } from './catalog-offer.ts';
import type { AcceleratorFilter, CatalogFilter } from './catalog-query.ts';

/**
 * Offers that pass the filter are those that `matches` of core lets pass once they are core's. Names of
 * configured backends are the planner's: it passes the type of the one that it plans for.
 */
export function requirementsFilter(requirements: Requirements, backendType: string): CatalogFilter {
  const { cpu, cpuArch, memoryMiB, diskMiB, gpu, capacityTypes, maxPricePerHour, regions, zones, instanceTypes } =
    requirements;
  return {
    backends: [backendType],
    capacityTypes,
    ...(regions !== null && { regions }),
    ...(zones !== null && { zones }),
    ...(instanceTypes !== null && { instanceTypes }),
    ...(cpuArch !== null && { cpuArch }),
    ...(!isOpen(cpu) && { cpus: cpu }),
    ...(!isOpen(memoryMiB) && { memoryMiB }),
    // A disk that is chosen at creation is as large as asked.
    ...(diskMiB !== null && { diskMiB, unknownDisk: 'include' }),
    ...(gpu !== null && { accelerator: acceleratorFilter(gpu) }),
    ...(maxPricePerHour !== null && { pricePerHour: { min: null, max: maxPricePerHour } }),
  };
}

function acceleratorFilter(gpu: GpuRequirement): AcceleratorFilter {
  const { vendor, names, count, memoryMiB, totalMemoryMiB, computeCapability } = gpu;
  return {
    // Asking for a GPU means at least one, unless the configuration says that none will do.
    count: { min: count.min ?? 1, max: count.max },
    ...(vendor !== null && { vendors: [vendor] }),
    ...(names !== null && { names }),
    ...(memoryMiB !== null && { memoryMiB }),
    ...(totalMemoryMiB !== null && { totalMemoryMiB }),
    ...(computeCapability !== null && { computeCapability: { min: computeCapability } }),
  };
}

function isOpen({ min, max }: Range): boolean {
  return min === null && max === null;
}

export interface OfferOptions {
  /** Name of the configured backend. */
  readonly backendName: string;
  /** The disk to be chosen at creation where the offer brings none; MiB. */
  readonly requestedDiskMiB: number;
}

/**
 * The offer as the planner takes it. Null: its device is of a vendor that nobody knows, and core has no
 * word for that; it is shown, and not planned with.
 */
export function toOffer(offer: CatalogOffer, { backendName, requestedDiskMiB }: OfferOptions): Offer | null {
  const { accelerator, providerData } = offer;
  if (accelerator !== null && accelerator.vendor === null) return null;
  return {
    id: catalogOfferId({ ...offer, backend: backendName }),
    backend: backendName,
    instanceType: offer.instanceType,
    region: offer.region,
    zone: offer.zone,
    capacityType: offer.capacityType,
    pricePerHour: offer.pricePerHour,
    availability: offer.availability,
    resources: {
      cpus: offer.cpus,
      cpuArch: offer.cpuArch,
      memoryMiB: offer.memoryMiB,
      diskMiB: offer.diskMiB ?? requestedDiskMiB,
      accelerators:
        accelerator === null || accelerator.vendor === null
          ? []
          : [
              {
                name: accelerator.name,
                vendor: accelerator.vendor,
                count: accelerator.count,
                memoryMiB: accelerator.memoryMiB ?? 0, // core's word for: not known
                known: accelerator.known,
              },
            ],
    },
    ...(providerData !== null && { providerData }),
  };
}
