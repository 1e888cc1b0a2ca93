/** Offers that are kept out of the catalog, each with the rule that it broke and why. */

import type { CatalogOffer } from './catalog-offer.ts';

export type QuarantineRule =
  | 'price'
  | 'sentinel-price'
  | 'count'
  | 'memory'
  | 'zone'
  | 'market'
  | 'duplicate'
  | 'spot-above-on-demand'
  | 'price-jump';

export interface Quarantined {
  readonly offer: CatalogOffer;
  readonly rule: QuarantineRule;
  /** The end of a sentence about the offer. */
  readonly reason: string;
}

/** What a rule over many offers leaves of them. */
export interface Parted {
  readonly good: CatalogOffer[];
  readonly quarantined: Quarantined[];
}

/** Parts offers by a rule that looks at one at a time; null: it passes. */
export function part(
  offers: Iterable<CatalogOffer>,
  breaks: (offer: CatalogOffer) => { readonly rule: QuarantineRule; readonly reason: string } | null,
): Parted {
  const parted: Parted = { good: [], quarantined: [] };
  for (const offer of offers) {
    const broken = breaks(offer);
    if (broken === null) parted.good.push(offer);
    else parted.quarantined.push({ offer, ...broken });
  }
  return parted;
}

export interface QuarantineCount {
  readonly rule: QuarantineRule;
  readonly count: number;
  /** One of them, for a person: what and why. */
  readonly example: string;
}

/** How many broke each rule, most first. */
export function countQuarantined(quarantined: Iterable<Quarantined>): QuarantineCount[] {
  const counts = new Map<QuarantineRule, { count: number; example: string }>();
  for (const { offer, rule, reason } of quarantined) {
    const known = counts.get(rule);
    if (known === undefined) counts.set(rule, { count: 1, example: `${offer.id}: ${reason}` });
    else known.count++;
  }
  return [...counts].map(([rule, rest]) => ({ rule, ...rest })).sort((a, b) => b.count - a.count);
}
