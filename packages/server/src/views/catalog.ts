import {
  type CatalogAnswer,
  type CatalogGroups,
  type CatalogOffer,
  type OfferGroup,
  pricePerGpu,
  type SourceStatus,
} from '@berth/catalog';
import type {
  CatalogGroupsView,
  CatalogGroupView,
  CatalogObstacleView,
  CatalogOffersView,
  CatalogOfferView,
  CatalogSourceView,
} from '@berth/core/api-catalog';
import type { Obstacle } from '../catalog/obstacles.ts';

export function catalogOfferView(offer: CatalogOffer): CatalogOfferView {
  const { accelerator } = offer;
  return {
    id: offer.id,
    backend: offer.backend,
    instance_type: offer.instanceType,
    region: offer.region,
    zone: offer.zone,
    country: offer.country,
    capacity_type: offer.capacityType,
    price_per_hour: offer.pricePerHour,
    price_per_gpu: pricePerGpu(offer),
    cpus: offer.cpus,
    cpu_arch: offer.cpuArch,
    memory_mib: offer.memoryMiB,
    disk_mib: offer.diskMiB,
    accelerator:
      accelerator === null
        ? null
        : {
            name: accelerator.name,
            vendor: accelerator.vendor,
            known: accelerator.known,
            count: accelerator.count,
            memory_mib: accelerator.memoryMiB,
            form_factor: accelerator.formFactor,
          },
    interconnect: offer.interconnect,
    network_gbps: offer.networkGbps,
    flags: [...offer.flags],
    availability: offer.availability,
    source: offer.source,
    collected_at: offer.collectedAt,
  };
}

export function catalogSourceView(status: SourceStatus): CatalogSourceView {
  const { source, kind, state, offers, version } = status;
  return {
    source,
    kind,
    state,
    offers,
    version,
    collected_at: 'collectedAt' in status ? status.collectedAt : null,
    reason: 'reason' in status ? status.reason : null,
  };
}

export function catalogOffersView(answer: CatalogAnswer, obstacles: readonly Obstacle[]): CatalogOffersView {
  return {
    offers: answer.offers.map(catalogOfferView),
    total: answer.total,
    next: answer.next,
    sources: answer.sources.map(catalogSourceView),
    obstacles: obstacles.map(obstacleView),
  };
}

export function obstacleView(obstacle: Obstacle): CatalogObstacleView {
  const { filter, totalWithout, totalAlone, cheapestWithout } = obstacle;
  return {
    filter,
    total_without: totalWithout,
    total_alone: totalAlone,
    cheapest_without: cheapestWithout === null ? null : catalogOfferView(cheapestWithout),
  };
}

export function catalogGroupView(group: OfferGroup): CatalogGroupView {
  const { gpu, backend, region, gpuCount } = group;
  return {
    ...(gpu === undefined ? {} : { gpu: gpu === null ? null : { name: gpu.name, memory_mib: gpu.memoryMiB } }),
    ...(backend === undefined ? {} : { backend }),
    ...(region === undefined ? {} : { region }),
    ...(gpuCount === undefined ? {} : { gpu_count: gpuCount }),
    count: group.count,
    choosable: group.choosable,
    min_price: group.minPrice,
    max_price: group.maxPrice,
    min_price_per_gpu: group.minPricePerGpu,
    backends: [...group.backends],
    regions: [...group.regions],
    gpu_counts: [...group.gpuCounts],
    capacity_types: [...group.capacityTypes],
  };
}

export function catalogGroupsView(groups: CatalogGroups): CatalogGroupsView {
  return {
    groups: groups.groups.map(catalogGroupView),
    total: groups.total,
    sources: groups.sources.map(catalogSourceView),
  };
}
