/** Which accelerators are sold, where, and from what price: `berth gpus`. */

import { type AcceleratorVendor, CAPACITY_TYPES, type CapacityType } from '@berth/core/offer';
import type { CatalogAccelerator } from './catalog-offer.ts';
import { countRegions, RegionMarks, tallyOf } from './group-tally.ts';
import type { Selection } from './selection.ts';
import { codeAt } from './snapshot-columns.ts';

/** US dollars per hour; null: it is not sold so. */
export interface LowestPrices {
  readonly machine: number | null;
  readonly perGpu: number | null;
}

export interface AcceleratorListing {
  /** Canonical; the cloud's own label when `known` is false. */
  readonly name: string;
  readonly known: boolean;
  readonly vendor: AcceleratorVendor | null;
  /** Of one device; null: not known. */
  readonly memoryMiB: number | null;
  readonly offers: number;
  /** Sorted. */
  readonly backends: readonly string[];
  /** How many, those of two backends counted as two. */
  readonly regions: number;
  /** Devices of one machine, ascending. */
  readonly counts: readonly number[];
  readonly onDemand: LowestPrices;
  readonly spot: LowestPrices;
}

interface Gathered {
  readonly name: string;
  readonly known: boolean;
  readonly vendor: AcceleratorVendor | null;
  readonly memoryMiB: number | null;
  offers: number;
  readonly backends: Set<string>;
  readonly regions: Set<string>;
  readonly counts: Set<number>;
  readonly lowest: Map<CapacityType, { machine: number; perGpu: number }>;
}

/** By name, then memory; by code units. */
export function listAccelerators(selections: readonly Selection[]): readonly AcceleratorListing[] {
  const gathered = new Map<string, Gathered>();
  for (const selection of selections) gather(selection, gathered);
  return [...gathered.values()]
    .sort((a, b) => (a.name === b.name ? (a.memoryMiB ?? -1) - (b.memoryMiB ?? -1) : a.name < b.name ? -1 : 1))
    .map(({ name, known, vendor, memoryMiB, offers, backends, regions, counts, lowest }) => ({
      name,
      known,
      vendor,
      memoryMiB,
      offers,
      backends: [...backends].sort(),
      regions: regions.size,
      counts: [...counts].sort((a, b) => a - b),
      onDemand: lowest.get('on-demand') ?? { machine: null, perGpu: null },
      spot: lowest.get('spot') ?? { machine: null, perGpu: null },
    }));
}

function gather(selection: Selection, into: Map<string, Gathered>): void {
  const { snapshot, groups, groupCount } = selection;
  const { columns, accelerators } = snapshot;
  const marks = new Map<string, RegionMarks>();
  const regions = countRegions(columns);
  const listings: (Gathered | undefined)[] = [];
  for (let at = 0; at < groupCount; at += 1) {
    const group = groups[at] ?? 0;
    const shape = codeAt(columns.groupShape, group);
    const code = codeAt(columns.shapeAccelerator, shape) - 1;
    const accelerator = accelerators[code];
    const tally = accelerator === undefined ? null : tallyOf(selection, group);
    if (accelerator === undefined || tally === null) continue;
    const listing = listings[code] ?? listingOf(accelerator, into);
    listings[code] = listing;
    listing.offers += tally.count;
    listing.counts.add(accelerator.count);
    const backend = columns.words[columns.backends[codeAt(columns.shapeBackend, shape)] ?? 0] ?? '';
    listing.backends.add(backend);
    const key = `${code}/${backend}`;
    const seen = marks.get(key) ?? new RegionMarks(columns, regions);
    marks.set(key, seen);
    seen.mark(selection, group, (region) => listing.regions.add(`${backend}/${region}`));
    const capacityType = CAPACITY_TYPES[codeAt(columns.groupCapacity, group)] ?? 'on-demand';
    const lowest = listing.lowest.get(capacityType);
    const perGpu = tally.minPrice / accelerator.count;
    listing.lowest.set(capacityType, {
      machine: Math.min(tally.minPrice, lowest?.machine ?? tally.minPrice),
      perGpu: Math.min(perGpu, lowest?.perGpu ?? perGpu),
    });
  }
}

function listingOf({ name, known, vendor, memoryMiB }: CatalogAccelerator, into: Map<string, Gathered>): Gathered {
  const key = JSON.stringify([name, memoryMiB, known]);
  let listing = into.get(key);
  if (listing === undefined) {
    listing = {
      name,
      known,
      vendor,
      memoryMiB,
      offers: 0,
      backends: new Set(),
      regions: new Set(),
      counts: new Set(),
      lowest: new Map(),
    };
    into.set(key, listing);
  }
  return listing;
}
