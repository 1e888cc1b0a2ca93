/**
 * An offer apart from place and price. A file has few shapes and many rows, so a shape is normalized
 * once, and a row only sets its place and price.
 */

import { type CatalogOffer, catalogOfferId } from '../catalog-offer.ts';
import type { CollectedOffer } from '../collected-offer.ts';
import { type NormalizeOptions, normalizeOffer } from '../normalize.ts';

export interface OfferShape {
  /** Place, price and id are not those of a row. */
  readonly offer: CatalogOffer;
  /** Of an offer's id, behind the place. */
  readonly idEnd: string;
  /** The label that the registry does not know. */
  readonly unmapped: string | null;
}

export interface OfferPlace {
  readonly region: string;
  readonly zone: string | null;
  /** Of an offer's id, up to and with the place. */
  readonly idBegin: string;
}

/** Region, zone and price of `collected` do not matter. A text is the reason why it is no offer. */
export function offerShape(
  collected: Omit<CollectedOffer, 'region' | 'zone' | 'pricePerHour'>,
  options: NormalizeOptions,
): OfferShape | string {
  const normalized = normalizeOffer({ ...collected, region: '-', pricePerHour: 1 }, options);
  if (!normalized.ok) return normalized.reason;
  const { offer, unmapped } = normalized;
  const placeless = catalogOfferId({ ...offer, backend: '', region: '', zone: '' });
  return { offer, idEnd: placeless.slice('///'.length), unmapped };
}

export function offerPlace(backend: string, region: string, zone: string | null): OfferPlace {
  return { region, zone, idBegin: `${backend}/${region}/${zone ?? '-'}/` };
}

/** What `normalizeOffer` gives for the same shape, place and price; spelled out, for it runs for every row. */
export function offerAt({ offer, idEnd }: OfferShape, place: OfferPlace, pricePerHour: number): CatalogOffer {
  return {
    id: place.idBegin + idEnd,
    backend: offer.backend,
    instanceType: offer.instanceType,
    region: place.region,
    zone: place.zone,
    capacityType: offer.capacityType,
    accelerator: offer.accelerator,
    flags: offer.flags,
    country: offer.country,
    pricePerHour,
    cpus: offer.cpus,
    memoryMiB: offer.memoryMiB,
    cpuArch: offer.cpuArch,
    diskMiB: offer.diskMiB,
    interconnect: offer.interconnect,
    networkGbps: offer.networkGbps,
    providerData: offer.providerData,
    availability: offer.availability,
    source: offer.source,
    collectedAt: offer.collectedAt,
  };
}
