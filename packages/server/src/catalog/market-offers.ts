/** Between the catalog's offers and those that the engine places on. */
import type { Catalog } from '@berth/catalog';
import type { CatalogOffer } from '@berth/catalog/catalog-offer';
import { requirementsFilter, toOffer } from '@berth/catalog/requirements-filter';
import type { Offer, Requirements } from '@berth/core';

/** Where the disk is chosen at creation and nobody said how large it must be. As dstack's default. */
const DEFAULT_DISK_MIB = 100 * 1024;
/** So many that do not fit are handed on where none does: the planner says of each why. */
const EXAMPLES = 500;

/** Offers of a cloud for a workload; where none fits, some that do not, so that a plan can explain itself. */
export function offersFor(catalog: Catalog, type: string, requirements: Requirements | null): readonly Offer[] {
  const everything = { backends: [type], limit: Number.MAX_SAFE_INTEGER };
  const query = requirements === null ? everything : { ...everything, ...requirementsFilter(requirements, type) };
  const found = catalog.query(query).offers;
  const offers = found.length > 0 ? found : catalog.query({ ...everything, limit: EXAMPLES }).offers;
  const options = { backendName: type, requestedDiskMiB: requirements?.diskMiB?.min ?? DEFAULT_DISK_MIB };
  return offers.map((offer) => toOffer(offer, options)).filter((offer) => offer !== null);
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
