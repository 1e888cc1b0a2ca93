/** Offers that pass, gathered under what they share. */

import type { CapacityType } from '@berth/core/offer';
import type { OfferGroup, OfferGroupKey } from '@berth/core/offers';
import { isChoosable } from '@berth/core/rank';
import { endRow, firstRow, rowPasses, type Selection } from './selection.ts';
import { AVAILABILITIES, CAPACITY_TYPES, codeAt } from './snapshot-columns.ts';

interface Gathered {
  readonly gpu: OfferGroup['gpu'];
  readonly backend: string;
  readonly region: string;
  readonly gpuCount: number;
  count: number;
  minPrice: number;
  maxPrice: number;
  minPricePerGpu: number | null;
  choosable: number;
  readonly backends: Set<string>;
  readonly regions: Set<string>;
  readonly gpuCounts: Set<number>;
  readonly capacityTypes: Set<CapacityType>;
}

const CHOOSABLE = AVAILABILITIES.map(isChoosable);

/** In the order of their cheapest offer, and how many offers there are in all. Regions of two backends are two. */
export function groupSelections(
  selections: readonly Selection[],
  by: readonly OfferGroupKey[],
): { readonly groups: readonly OfferGroup[]; readonly total: number } {
  const gathered = new Map<string, Gathered>();
  let total = 0;
  for (const selection of selections) total += gather(selection, by, gathered);
  const groups = [...gathered]
    .sort(([a, x], [b, y]) => x.minPrice - y.minPrice || (a < b ? -1 : 1))
    .map(([, group]) => describe(group, by));
  return { groups, total };
}

function gather(selection: Selection, by: readonly OfferGroupKey[], into: Map<string, Gathered>): number {
  const { snapshot, groups, groupCount, byRow } = selection;
  const { columns, accelerators } = snapshot;
  const { words, price } = columns;
  let total = 0;
  for (let at = 0; at < groupCount; at += 1) {
    const group = groups[at] ?? 0;
    const shape = codeAt(columns.groupShape, group);
    const accelerator = accelerators[codeAt(columns.shapeAccelerator, shape) - 1] ?? null;
    const gpu = accelerator === null ? null : { name: accelerator.name, memoryMiB: accelerator.memoryMiB ?? 0 };
    const gpuCount = accelerator?.count ?? 0;
    const backend = words[columns.backends[codeAt(columns.shapeBackend, shape)] ?? 0] ?? '';
    const capacityType = CAPACITY_TYPES[codeAt(columns.groupCapacity, group)] ?? 'on-demand';
    const under = (region: string) => {
      const key = JSON.stringify([
        by.includes('gpu') ? [gpu?.name, gpu?.memoryMiB] : null,
        by.includes('backend') ? backend : null,
        by.includes('region') ? [backend, region] : null,
        by.includes('count') ? gpuCount : null,
      ]);
      const found = into.get(key) ?? begun(gpu, backend, region, gpuCount);
      into.set(key, found);
      found.backends.add(backend);
      found.gpuCounts.add(gpuCount);
      found.capacityTypes.add(capacityType);
      return found;
    };
    const perRegion = new Map<number, Gathered>();
    const wholeGroup = by.includes('region') ? null : under('');
    const end = endRow(selection, group);
    for (let row = firstRow(selection, group); row < end; row += 1) {
      if (byRow && !rowPasses(selection, row)) continue;
      const region = columns.locations[codeAt(columns.location, row) * 3] ?? 0;
      let place = perRegion.get(region);
      if (place === undefined) {
        place = wholeGroup ?? under(words[region] ?? '');
        place.regions.add(words[region] ?? '');
        perRegion.set(region, place);
      }
      const amount = price[row] ?? 0;
      place.count += 1;
      if (amount < place.minPrice) place.minPrice = amount;
      if (amount > place.maxPrice) place.maxPrice = amount;
      if (CHOOSABLE[codeAt(columns.availability, row)] === true) place.choosable += 1;
      if (gpuCount > 0) {
        place.minPricePerGpu = Math.min(place.minPricePerGpu ?? Number.POSITIVE_INFINITY, amount / gpuCount);
      }
      total += 1;
    }
  }
  for (const [key, group] of into) if (group.count === 0) into.delete(key);
  return total;
}

function begun(gpu: Gathered['gpu'], backend: string, region: string, gpuCount: number): Gathered {
  return {
    gpu,
    backend,
    region,
    gpuCount,
    count: 0,
    minPrice: Number.POSITIVE_INFINITY,
    maxPrice: 0,
    minPricePerGpu: null,
    choosable: 0,
    backends: new Set(),
    regions: new Set(),
    gpuCounts: new Set(),
    capacityTypes: new Set(),
  };
}

function describe(group: Gathered, by: readonly OfferGroupKey[]): OfferGroup {
  const { count, minPrice, maxPrice, choosable, minPricePerGpu } = group;
  return {
    ...(by.includes('gpu') && { gpu: group.gpu ?? null }),
    ...((by.includes('backend') || by.includes('region')) && { backend: group.backend }),
    ...(by.includes('region') && { region: group.region }),
    ...(by.includes('count') && { gpuCount: group.gpuCount }),
    count,
    minPrice,
    maxPrice,
    choosable,
    minPricePerGpu,
    backends: [...group.backends].sort(),
    regions: [...group.regions].sort(),
    gpuCounts: [...group.gpuCounts].sort((a, b) => a - b),
    capacityTypes: [...group.capacityTypes].sort(),
  };
}
