/** List prices of one cloud as facts of a date. */

import type { CollectedOffer } from '../collected-offer.ts';

export interface PriceTable {
  /** Type of the backend. */
  readonly backend: string;
  /** Where the vendor publishes the prices. */
  readonly source: string;
  /** The last day for which the prices are known to hold, as `2025-11-30`. */
  readonly asOf: string;
  /** Region → ISO 3166-1 alpha-2. */
  readonly countries: Readonly<Record<string, string>>;
  readonly rows: readonly PriceRow[];
}

export type PriceRow = readonly [
  instanceType: string,
  /** `8×H100-80GB`, as many devices as one machine has; null: none. */
  gpu: string | null,
  vcpus: number,
  memoryGiB: number,
  /** US dollars per hour, on demand, by region. */
  prices: Readonly<Record<string, number>>,
];

export function offersOf({ rows, countries }: PriceTable): CollectedOffer[] {
  return rows.flatMap(([instanceType, gpu, cpus, memoryGiB, prices]) => {
    const [count, label] = gpu?.split('×') ?? [];
    const accelerator = label === undefined ? null : { label, count: Number(count) };
    return Object.entries(prices).map(([region, pricePerHour]) => ({
      instanceType,
      region,
      country: countries[region] ?? null,
      capacityType: 'on-demand' as const,
      pricePerHour,
      cpus,
      memoryMiB: memoryGiB * 1024,
      accelerator,
      ...(ARM.test(instanceType) && { cpuArch: 'arm' as const }),
    }));
  });
}

/** Graviton, Axion and Ampere, by the clouds' rules for names. */
const ARM = /^(?:[a-z]+\d+g[a-z]*\.|t2a-|Standard_[A-Z]\d+p[a-z]*_|.*\.A[124]\.)/;
