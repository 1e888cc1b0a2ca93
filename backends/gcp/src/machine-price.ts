/** What a machine costs in a region, made up of what it is made of. */

import { billedAs, deviceWord, gpuEighths, gpuWords } from './machine-families.ts';
import type { Rates } from './rates.ts';
import { ANY_FAMILY, G4_EIGHTH, type Terms } from './sku.ts';

export interface Bill {
  readonly type: string;
  /** That are billed: a share of one, for a shared core. */
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Comes with the machine. */
  readonly ssdGiB: number;
  readonly gpu: { readonly type: string; readonly count: number } | null;
}

export type Price =
  | { readonly kind: 'price'; readonly perHour: number }
  /** Not sold on these terms. */
  | { readonly kind: 'not-sold' }
  /** Sold, but a part of it has no price. */
  | { readonly kind: 'incomplete'; readonly missing: string };

/** US dollars per hour. A part without a price is no reason to show the rest as the price of the whole. */
export function machinePrice(bill: Bill, region: string, terms: Terms, rates: Rates): Price {
  const rate = (kind: Parameters<Rates['get']>[2], key: string) => rates.get(region, terms, kind, key);
  const whole = rate('machine', bill.type);
  if (whole !== null) return { kind: 'price', perHour: whole };
  const eighths = gpuEighths(bill.type);
  if (eighths !== null) {
    const eighth = rate('slice', G4_EIGHTH);
    return eighth === null ? { kind: 'not-sold' } : { kind: 'price', perHour: eighth * eighths };
  }
  if (bill.gpu !== null) {
    const slice = rate('slice', deviceWord(bill.gpu.type));
    if (slice !== null) return { kind: 'price', perHour: slice * bill.gpu.count };
  }
  let perHour = 0;
  for (const [index, family] of billedAs(bill.type).entries()) {
    const core = rate('core', family);
    const ram = rate('ram', family);
    if (core === null && ram === null && index === 0) return { kind: 'not-sold' };
    if (core === null || ram === null) return incomplete(`${family} ${core === null ? 'CPUs' : 'memory'}`);
    perHour += bill.cpus * core + (bill.memoryMiB / 1024) * ram;
  }
  if (bill.gpu !== null) {
    const gpu = firstOf(gpuWords(bill.gpu.type), (words) => rate('gpu', words));
    if (gpu === null) return incomplete(bill.gpu.type);
    perHour += bill.gpu.count * gpu;
  }
  if (bill.ssdGiB > 0) {
    const ssd = firstOf([...billedAs(bill.type), ANY_FAMILY], (family) => rate('ssd', family));
    if (ssd === null) return incomplete('local SSDs');
    perHour += bill.ssdGiB * ssd;
  }
  return { kind: 'price', perHour };
}

function incomplete(missing: string): Price {
  return { kind: 'incomplete', missing };
}

function firstOf(keys: readonly string[], rate: (key: string) => number | null): number | null {
  for (const key of keys) {
    const found = rate(key);
    if (found !== null) return found;
  }
  return null;
}
