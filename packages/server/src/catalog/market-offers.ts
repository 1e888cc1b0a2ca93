/** Between a workload's requirements, the catalog's offers, and the offers that the engine places on. */
import type { CatalogFilter, CatalogOffer } from '@berth/catalog';
import type { AcceleratorCount, Offer, Requirements } from '@berth/core';

/** Where the disk is chosen at creation and nobody said how large it must be. As dstack's default. */
const DEFAULT_DISK_MIB = 100 * 1024;

/**
 * What to ask the catalog for. It may be wider than what is needed, never narrower: who places matches
 * again, and explains misfits, so a price or a region that does not fit is left in.
 */
export function filterOfRequirements(type: string, requirements: Requirements | null): CatalogFilter {
  if (requirements === null) return { backends: [type] };
  const { gpu, capacityTypes, instanceTypes } = requirements;
  return {
    backends: [type],
    capacityTypes,
    ...(instanceTypes === null ? {} : { instanceTypes }),
    ...(gpu === null || gpu.count.min === 0
      ? {}
      : { accelerator: { ...(gpu.names === null ? {} : { names: gpu.names }), count: gpu.count } }),
  };
}

/**
 * An offer as machines are made of it, or null when its accelerator is of an unknown vendor: nobody could
 * say whether a workload runs there. `berth offer` shows it all the same.
 */
export function toOffer(offer: CatalogOffer, requirements: Requirements | null): Offer | null {
  const accelerators: AcceleratorCount[] = [];
  if (offer.accelerator !== null) {
    const { name, vendor, count, memoryMiB, known } = offer.accelerator;
    if (vendor === null) return null;
    accelerators.push({ name, vendor, count, memoryMiB: memoryMiB ?? 0, known });
  }
  return {
    id: offer.id,
    backend: offer.backend,
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
      diskMiB: offer.diskMiB ?? requirements?.diskMiB?.min ?? DEFAULT_DISK_MIB,
      accelerators,
    },
    ...(offer.providerData === null ? {} : { providerData: offer.providerData }),
  };
}

/** A machine that nobody sells, as one more offer of the market. */
export function fromOffer(offer: Offer, now: number): CatalogOffer {
  const { resources } = offer;
  const [device] = resources.accelerators;
  return {
    id: offer.id,
    backend: offer.backend,
    instanceType: offer.instanceType,
    region: offer.region,
    zone: offer.zone,
    country: null,
    capacityType: offer.capacityType,
    pricePerHour: offer.pricePerHour,
    cpus: resources.cpus,
    memoryMiB: resources.memoryMiB,
    cpuArch: resources.cpuArch,
    // A host with two kinds of devices is shown by its first.
    accelerator:
      device === undefined
        ? null
        : {
            name: device.name,
            vendor: device.vendor,
            known: device.known,
            count: device.count,
            memoryMiB: device.memoryMiB > 0 ? device.memoryMiB : null,
            formFactor: null,
          },
    diskMiB: resources.diskMiB,
    interconnect: null,
    networkGbps: null,
    flags: [],
    providerData: null,
    availability: offer.availability,
    source: offer.backend,
    collectedAt: now,
  };
}
