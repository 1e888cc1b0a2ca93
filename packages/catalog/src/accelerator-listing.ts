/** Which accelerators are sold, where, and from what price: `berth gpus`. */

import type { AcceleratorVendor, CapacityType } from '@berth/core/offer';
import { endRow, firstRow, rowPasses, type Selection } from './selection.ts';
import { CAPACITY_TYPES, codeAt } from './snapshot-columns.ts';

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
    .filter(({ offers }) => offers > 0)
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
  const { snapshot, groups, groupCount, byRow } = selection;
  const { columns, accelerators } = snapshot;
  const { words, price } = columns;
  for (let at = 0; at < groupCount; at += 1) {
    const group = groups[at] ?? 0;
    const shape = codeAt(columns.groupShape, group);
    const accelerator = accelerators[codeAt(columns.shapeAccelerator, shape) - 1];
    if (accelerator === undefined) continue;
    const { name, known, vendor, memoryMiB, count } = accelerator;
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
    const backend = words[columns.backends[codeAt(columns.shapeBackend, shape)] ?? 0] ?? '';
    const regionsSeen = new Set<number>();
    const end = endRow(selection, group);
    let first: number | null = null;
    for (let row = firstRow(selection, group); row < end; row += 1) {
      if (byRow && !rowPasses(selection, row)) continue;
      first ??= price[row] ?? 0; // rows are sorted by price
      listing.offers += 1;
      const region = columns.locations[codeAt(columns.location, row) * 3] ?? 0;
      if (regionsSeen.has(region)) continue;
      regionsSeen.add(region);
      listing.regions.add(`${backend}/${words[region] ?? ''}`);
    }
    if (first === null) continue;
    listing.backends.add(backend);
    listing.counts.add(count);
    const capacityType = CAPACITY_TYPES[codeAt(columns.groupCapacity, group)] ?? 'on-demand';
    const lowest = listing.lowest.get(capacityType);
    const perGpu = first / count;
    listing.lowest.set(capacityType, {
      machine: Math.min(first, lowest?.machine ?? first),
      perGpu: Math.min(perGpu, lowest?.perGpu ?? perGpu),
    });
  }
}
