/** Machines that nobody sells, asked as the market is asked: by the same filters, in the same order. */

import { Catalog } from '@berth/catalog/catalog';
import { type CatalogOffer, catalogOfferId } from '@berth/catalog/catalog-offer';
import { decodeSnapshot, encodeSnapshot } from '@berth/catalog/snapshot';
import type { Offer } from '@berth/core';
import type { OfferGroup } from '@berth/core/offers';
import { fromOffer } from './market-offers.ts';

/** A catalog holds prices above zero only; this one is below every price that could be asked for. */
const NOTHING = Number.MIN_VALUE;

export interface OwnedMarket {
  readonly catalog: Catalog;
  /** The offer with the price that it really has. */
  priced(offer: CatalogOffer): CatalogOffer;
  /** The same of a group. */
  pricedGroup(group: OfferGroup): OfferGroup;
}

/** `now` in ms since 1970. */
export function ownedMarket(offers: readonly Offer[], now: number): OwnedMarket {
  const machines = offers.map((offer) => fromOffer(offer, now)).filter(({ pricePerHour }) => pricePerHour >= 0);
  const prices = new Map(machines.map((offer) => [catalogOfferId(offer), offer.pricePerHour]));
  const catalog = new Catalog({ now: () => now });
  for (const [backend, own] of Map.groupBy(machines, (offer) => offer.backend)) {
    const above = own.map((offer) => ({ ...offer, pricePerHour: offer.pricePerHour || NOTHING }));
    const snapshot = decodeSnapshot(encodeSnapshot(above, { source: backend, collectedAt: now }));
    catalog.replace(backend, snapshot, { kind: 'online', version: null, staleAfterMs: null });
  }
  return {
    catalog,
    priced: (offer) => ({ ...offer, pricePerHour: prices.get(offer.id) ?? offer.pricePerHour }),
    pricedGroup: (group) => ({
      ...group,
      minPrice: real(group.minPrice),
      maxPrice: real(group.maxPrice),
      minPricePerGpu: real(group.minPricePerGpu),
    }),
  };
}

/** Divided by a number of devices it is still that small. */
function real(price: number | null): number | null {
  return price !== null && price <= NOTHING ? 0 : price;
}
