import type { OffersView, OfferView, ResourcesView } from '@berth/core/api-schemas';
import type { InstanceResources, Offer } from '@berth/core/offer';
import type { OfferList } from '@berth/engine';

export function resourcesView(resources: InstanceResources): ResourcesView {
  return {
    cpus: resources.cpus,
    cpu_arch: resources.cpuArch,
    memory_mib: resources.memoryMiB,
    disk_mib: resources.diskMiB,
    accelerators: resources.accelerators.map(({ name, vendor, count, memoryMiB }) => ({
      name,
      vendor,
      count,
      memory_mib: memoryMiB,
    })),
  };
}

export function offerView(offer: Offer): OfferView {
  return {
    id: offer.id,
    backend: offer.backend,
    region: offer.region,
    zone: offer.zone,
    instance_type: offer.instanceType,
    capacity_type: offer.capacityType,
    price_per_hour: offer.pricePerHour,
    availability: offer.availability,
    resources: resourcesView(offer.resources),
  };
}

/** The first `limit` of them; `total` tells of all. */
export function offersView(list: OfferList, limit: number): OffersView {
  return {
    offers: list.offers.slice(0, limit).map(offerView),
    total: list.offers.length,
    sources: list.sources.map((source) => ({ ...source })),
    misfits: list.misfits.map((misfit) => ({ ...misfit })),
  };
}
