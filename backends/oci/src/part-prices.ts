/** What one unit of a part costs per hour. */

import type { Product } from './estimator.ts';

export interface PartPrice {
  /** US dollars per unit and hour. */
  readonly perHour: number;
  /** What a unit is: `GPU Per Hour`; null: the list does not say. */
  readonly metric: string | null;
}

/** Parts without an hourly price in US dollars are left out: whoever needs one says so. */
export function partPrices(products: readonly Product[]): ReadonlyMap<string, PartPrice> {
  const prices = new Map<string, PartPrice>();
  for (const product of products) {
    if (product.billingModel !== 'UCM' || product.pricetype !== 'HOUR') continue;
    const dollars = product.currencyCodeLocalizations.find(({ currencyCode }) => currencyCode === 'USD');
    const listed = dollars?.prices.filter(({ model }) => model === 'PAY_AS_YOU_GO').map(({ value }) => value) ?? [];
    // The first hours of a month are free for some parts (Ampere A1); the machine's price is what follows.
    const perHour = Math.max(0, ...listed);
    if (perHour > 0) prices.set(product.partNumber, { perHour, metric: product.metricName ?? null });
  }
  return prices;
}
