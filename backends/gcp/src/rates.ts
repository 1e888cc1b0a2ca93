/** Prices per unit and hour, by region. */

import { meaningOf, type RateKind, type Sku, type Terms } from './sku.ts';

/** A month, as Google converts monthly prices. Source: https://cloud.google.com/compute/vm-instance-pricing */
const HOURS_PER_MONTH = 730;

/** Units that each kind may be billed in, and the hours that one price stands for. */
const UNITS: Readonly<Record<RateKind, Readonly<Record<string, number>>>> = {
  core: { h: 1 },
  ram: { 'GiBy.h': 1 },
  ssd: { 'GiBy.mo': HOURS_PER_MONTH, 'GiBy.h': 1 },
  gpu: { h: 1 },
  slice: { h: 1 },
  tpu: { h: 1 },
  machine: { h: 1 },
};

export class Rates {
  readonly #rates = new Map<string, number>();

  /** Takes the prices of a SKU in. Says why it did not, where the SKU should have been one of ours. */
  add(sku: Sku): string | null {
    const meaning = meaningOf(sku);
    if (meaning === null) return null;
    const expression = sku.pricingInfo.at(-1)?.pricingExpression;
    if (expression === undefined) return 'it has no price';
    const hours = UNITS[meaning.kind][expression.usageUnit];
    if (hours === undefined) return `it is billed by ${expression.usageUnit}`;
    const price = priceOf(expression.tieredRates);
    if (price === null) return 'its price is not in US dollars';
    // Nothing is free: such SKUs are placeholders, or what a reservation has paid for.
    if (price === 0) return null;
    let conflict = false;
    for (const region of sku.serviceRegions) {
      const key = keyOf(region, meaning.terms, meaning.kind, meaning.key);
      const known = this.#rates.get(key);
      const perHour = price / hours;
      conflict ||= known !== undefined && known !== perHour;
      // Two SKUs for one thing: the higher price, so that no machine turns out dearer than it was shown.
      this.#rates.set(key, Math.max(known ?? 0, perHour));
    }
    return conflict ? 'another SKU has another price for the same; the higher one is used' : null;
  }

  /** US dollars per unit and hour; null: not sold so, there. The region counts whole: `europe-west1` is not `europe-west10`. */
  get(region: string, terms: Terms, kind: RateKind, key: string): number | null {
    return this.#rates.get(keyOf(region, terms, kind, key)) ?? null;
  }

  get size(): number {
    return this.#rates.size;
  }
}

function keyOf(region: string, terms: Terms, kind: RateKind, key: string): string {
  return `${region}/${terms}/${kind}/${key}`;
}

/** The first tier that costs something; null: no dollars. */
function priceOf(tiers: Sku['pricingInfo'][number]['pricingExpression']['tieredRates']): number | null {
  for (const { unitPrice } of tiers) {
    if (unitPrice.currencyCode !== 'USD') return null;
    const price = Number(unitPrice.units) + unitPrice.nanos / 1e9;
    if (price > 0) return price;
  }
  return 0;
}
