/** What one device costs elsewhere: a price that is out of proportion to it is a mistake. */

import type { CatalogOffer } from './catalog-offer.ts';
import type { Broken } from './integrity-offer.ts';

export interface MarketPrice {
  /** US dollars per hour and device: the median of the other backends' medians. */
  readonly median: number;
  /** How many other backends sell it. */
  readonly backends: number;
  /** False: nobody sells it with this memory and in this capacity; it is what the device costs at all. */
  readonly exact: boolean;
}

/** Prices per device of all backends, to look at one with the eyes of the others. */
export class Market {
  /** Device and capacity, exactly or roughly → backend → median. */
  readonly #medians = new Map<string, Map<string, number>>();

  static of(offers: Iterable<CatalogOffer>): Market {
    const prices = new Map<string, Map<string, number[]>>();
    for (const offer of offers) {
      if (offer.accelerator === null) continue;
      for (const { key } of keysOf(offer)) {
        const ofKey = prices.get(key) ?? new Map<string, number[]>();
        const ofBackend = ofKey.get(offer.backend) ?? [];
        ofBackend.push(offer.pricePerHour / offer.accelerator.count);
        prices.set(key, ofKey.set(offer.backend, ofBackend));
      }
    }
    const market = new Market();
    for (const [key, ofKey] of prices) {
      // A cloud with a thousand offers has one voice, like one with three.
      market.#medians.set(key, new Map([...ofKey].map(([backend, list]) => [backend, medianOf(list)])));
    }
    return market;
  }

  /** Null: nobody else sells this device. */
  elsewhere(offer: CatalogOffer): MarketPrice | null {
    for (const { key, exact } of keysOf(offer)) {
      const medians = [...(this.#medians.get(key) ?? [])].filter(([backend]) => backend !== offer.backend);
      if (medians.length === 0) continue;
      return { median: medianOf(medians.map(([, median]) => median)), backends: medians.length, exact };
    }
    return null;
  }
}

/**
 * Marketplaces sell old data center devices for a fortieth of a cloud's list price, and that is right; a
 * fiftieth is a bid floor or a slipped decimal point.
 */
const LOWEST_SHARE = 1 / 50;
/** The other way round it is the clouds that look dear, to a market alone; so two others must say it. */
const HIGHEST_FACTOR = 50;
const ENOUGH_BACKENDS = 2;

/** A function that names what is out of proportion; devices in `cheap` may be as cheap as they like. */
export function marketRule(market: Market, cheap: ReadonlySet<string>): (offer: CatalogOffer) => Broken | null {
  return (offer) => {
    const { accelerator } = offer;
    const elsewhere = accelerator === null ? null : market.elsewhere(offer);
    if (accelerator === null || elsewhere === null) return null;
    const price = offer.pricePerHour / accelerator.count;
    const low = price < elsewhere.median * LOWEST_SHARE && !cheap.has(accelerator.name);
    const high = elsewhere.exact && price > elsewhere.median * HIGHEST_FACTOR && elsewhere.backends >= ENOUGH_BACKENDS;
    if (!low && !high) return null;
    const reason = `$${round(price)} for one ${accelerator.name}, which costs $${round(elsewhere.median)} elsewhere (median of ${elsewhere.backends})`;
    return { rule: 'market', reason };
  };
}

/** What an offer is compared under, the closest first. */
function keysOf({ accelerator, capacityType }: CatalogOffer): { readonly key: string; readonly exact: boolean }[] {
  if (accelerator === null || !accelerator.known) return [];
  const { name, memoryMiB } = accelerator;
  return [
    ...(memoryMiB === null ? [] : [{ key: `${name}\n${memoryMiB}\n${capacityType}`, exact: true }]),
    { key: `${name}\n${capacityType}`, exact: false },
    { key: name, exact: false },
  ];
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function round(price: number): string {
  return price >= 0.1 ? price.toFixed(2) : price.toPrecision(2);
}
