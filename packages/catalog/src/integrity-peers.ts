/** What must be true of offers of one source beside each other. */

import type { CatalogOffer } from './catalog-offer.ts';
import { type Parted, part } from './quarantine.ts';

/**
 * One offer per id. Of several prices the highest stays: nobody is billed more than was shown, and what
 * is shown too dear costs a look at another offer. Those that say the same price are dropped alike.
 */
export function withoutDuplicates(offers: readonly CatalogOffer[]): Parted {
  const kept = new Map<string, CatalogOffer>();
  for (const offer of offers) {
    const other = kept.get(offer.id);
    if (other === undefined || offer.pricePerHour > other.pricePerHour) kept.set(offer.id, offer);
  }
  return part(offers, (offer) => {
    const other = kept.get(offer.id);
    if (other === offer || other === undefined) return null;
    const same = other.pricePerHour === offer.pricePerHour;
    return {
      rule: 'duplicate',
      reason: same
        ? 'it is listed twice'
        : `it is listed for $${offer.pricePerHour} and for $${other.pricePerHour}; the higher price stays`,
    };
  });
}

/** Lists round spot and on-demand prices apart. */
const ROUNDING = 1.005;

/** Spot at most as dear as on demand, for the same shape in the same place. */
export function spotBelowOnDemand(offers: readonly CatalogOffer[]): Parted {
  const onDemand = new Map<string, number>();
  const note = (key: string, price: number): void => {
    onDemand.set(key, Math.max(price, onDemand.get(key) ?? 0));
  };
  for (const offer of offers) {
    if (offer.capacityType !== 'on-demand') continue;
    note(shapeIn(offer, offer.zone), offer.pricePerHour);
    // Spot is priced by zone where on demand is priced by region, and the other way round.
    if (offer.zone !== null) note(shapeIn(offer, null), offer.pricePerHour);
  }
  return part(offers, (offer) => {
    if (offer.capacityType !== 'spot') return null;
    const price = onDemand.get(shapeIn(offer, offer.zone)) ?? onDemand.get(shapeIn(offer, null));
    if (price === undefined || offer.pricePerHour <= price * ROUNDING) return null;
    return {
      rule: 'spot-above-on-demand',
      reason: `spot for $${offer.pricePerHour} is dearer than on demand for $${price} in the same place`,
    };
  });
}

/** Without flags: spot may be marked where on demand is not. */
function shapeIn({ instanceType, region, accelerator }: CatalogOffer, zone: string | null): string {
  const device = accelerator === null ? '' : `${accelerator.name}:${accelerator.memoryMiB}:${accelerator.count}`;
  return `${region}\n${zone ?? ''}\n${instanceType}\n${device}`;
}
