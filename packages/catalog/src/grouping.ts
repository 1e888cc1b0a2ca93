/** Offers that pass, gathered under what they share. */

import { CAPACITY_TYPES, type OfferGroupKey } from '@berth/core/offer';
import type { OfferGroup } from '@berth/core/offers';
import { CHOOSABLE, countRegions, RegionMarks, tallyOf } from './group-tally.ts';
import { endRow, firstRow, rowPasses, type Selection } from './selection.ts';
import { codeAt } from './snapshot-columns.ts';

interface Gathered {
  readonly gpu: NonNullable<OfferGroup['gpu']> | null;
  readonly backend: string;
  readonly region: string;
  readonly gpuCount: number;
  count: number;
  minPrice: number;
  maxPrice: number;
  minPricePerGpu: number;
  choosable: number;
  /** A bit for each of `CAPACITY_TYPES`. */
  capacityTypes: number;
  readonly backends: Set<string>;
  readonly regions: Set<string>;
  readonly gpuCounts: Set<number>;
}

/** Where the offers of one accelerator and backend go; found once, then by the code of their region. */
interface Cell {
  readonly gpu: Gathered['gpu'];
  readonly gpuCount: number;
  readonly backend: string;
  readonly byRegion: (Gathered | undefined)[];
  /** Where regions do not part them. */
  whole: Gathered | null;
  readonly regions: RegionMarks;
}

/** In the order of their cheapest offer, and how many offers there are in all. Regions of two backends are two. */
export function groupSelections(
  selections: readonly Selection[],
  by: readonly OfferGroupKey[],
): { readonly groups: readonly OfferGroup[]; readonly total: number } {
  const gathered = new Map<string, Gathered>();
  for (const selection of selections) gather(selection, by, gathered);
  const sorted = [...gathered].sort(([a, x], [b, y]) => x.minPrice - y.minPrice || (a < b ? -1 : 1));
  const total = sorted.reduce((sum, [, { count }]) => sum + count, 0);
  return { groups: sorted.map(([, group]) => describe(group, by)), total };
}

function gather(selection: Selection, by: readonly OfferGroupKey[], into: Map<string, Gathered>): void {
  const { groups, groupCount } = selection;
  const { columns } = selection.snapshot;
  const cells = new Map<number, Cell>();
  const regions = countRegions(columns);
  const isByRegion = by.includes('region');
  for (let at = 0; at < groupCount; at += 1) {
    const group = groups[at] ?? 0;
    const cell = cellOf(selection, group, cells, regions);
    if (isByRegion) addByRegion(cell, selection, group, by, into);
    else addWhole(cell, selection, group, by, into);
  }
}

function addWhole(
  cell: Cell,
  selection: Selection,
  group: number,
  by: readonly OfferGroupKey[],
  into: Map<string, Gathered>,
): void {
  const tally = tallyOf(selection, group);
  if (tally === null) return;
  cell.whole ??= placeOf(cell, null, by, into);
  const place = cell.whole;
  place.count += tally.count;
  place.choosable += tally.choosable;
  place.minPrice = Math.min(place.minPrice, tally.minPrice);
  place.maxPrice = Math.max(place.maxPrice, tally.maxPrice);
  if (cell.gpuCount > 0) place.minPricePerGpu = Math.min(place.minPricePerGpu, tally.minPrice / cell.gpuCount);
  place.capacityTypes |= 1 << codeAt(selection.snapshot.columns.groupCapacity, group);
  cell.regions.mark(selection, group, (region) => place.regions.add(region));
}

function addByRegion(
  cell: Cell,
  selection: Selection,
  group: number,
  by: readonly OfferGroupKey[],
  into: Map<string, Gathered>,
): void {
  const { columns } = selection.snapshot;
  const { words, price, locations, location, availability } = columns;
  const capacityBit = 1 << codeAt(columns.groupCapacity, group);
  const end = endRow(selection, group);
  for (let row = firstRow(selection, group); row < end; row += 1) {
    if (selection.byRow && !rowPasses(selection, row)) continue;
    const region = locations[codeAt(location, row) * 3] ?? 0;
    let place = cell.byRegion[region];
    if (place === undefined) {
      place = placeOf(cell, words[region] ?? '', by, into);
      cell.byRegion[region] = place;
    }
    const amount = price[row] ?? 0;
    place.count += 1;
    if (amount < place.minPrice) place.minPrice = amount;
    if (amount > place.maxPrice) place.maxPrice = amount;
    if (CHOOSABLE[codeAt(availability, row)] === true) place.choosable += 1;
    if (cell.gpuCount > 0) place.minPricePerGpu = Math.min(place.minPricePerGpu, amount / cell.gpuCount);
    place.capacityTypes |= capacityBit;
  }
}

function cellOf({ snapshot }: Selection, group: number, cells: Map<number, Cell>, regions: number): Cell {
  const { columns, accelerators } = snapshot;
  const shape = codeAt(columns.groupShape, group);
  const acceleratorCode = codeAt(columns.shapeAccelerator, shape);
  const backendCode = codeAt(columns.shapeBackend, shape);
  const key = acceleratorCode * columns.backends.length + backendCode;
  let cell = cells.get(key);
  if (cell === undefined) {
    const accelerator = accelerators[acceleratorCode - 1] ?? null;
    cell = {
      gpu: accelerator === null ? null : { name: accelerator.name, memoryMiB: accelerator.memoryMiB ?? 0 },
      gpuCount: accelerator?.count ?? 0,
      backend: columns.words[columns.backends[backendCode] ?? 0] ?? '',
      byRegion: [],
      whole: null,
      regions: new RegionMarks(columns, regions),
    };
    cells.set(key, cell);
  }
  return cell;
}

function placeOf(
  { gpu, gpuCount, backend }: Cell,
  region: string | null,
  by: readonly OfferGroupKey[],
  into: Map<string, Gathered>,
): Gathered {
  const key = JSON.stringify([
    by.includes('gpu') ? [gpu?.name, gpu?.memoryMiB] : null,
    by.includes('backend') ? backend : null,
    by.includes('region') ? [backend, region] : null,
    by.includes('count') ? gpuCount : null,
  ]);
  let place = into.get(key);
  if (place === undefined) {
    place = {
      gpu,
      backend,
      region: region ?? '',
      gpuCount,
      count: 0,
      minPrice: Number.POSITIVE_INFINITY,
      maxPrice: 0,
      minPricePerGpu: Number.POSITIVE_INFINITY,
      choosable: 0,
      capacityTypes: 0,
      backends: new Set(),
      regions: new Set(),
      gpuCounts: new Set(),
    };
    into.set(key, place);
  }
  place.backends.add(backend);
  if (region !== null) place.regions.add(region);
  place.gpuCounts.add(gpuCount);
  return place;
}

function describe(group: Gathered, by: readonly OfferGroupKey[]): OfferGroup {
  const { count, minPrice, maxPrice, choosable, minPricePerGpu } = group;
  return {
    ...(by.includes('gpu') && { gpu: group.gpu }),
    ...((by.includes('backend') || by.includes('region')) && { backend: group.backend }),
    ...(by.includes('region') && { region: group.region }),
    ...(by.includes('count') && { gpuCount: group.gpuCount }),
    count,
    minPrice,
    maxPrice,
    choosable,
    minPricePerGpu: Number.isFinite(minPricePerGpu) ? minPricePerGpu : null,
    backends: [...group.backends].sort(),
    regions: [...group.regions].sort(),
    gpuCounts: [...group.gpuCounts].sort((a, b) => a - b),
    capacityTypes: CAPACITY_TYPES.filter((_, code) => (group.capacityTypes & (1 << code)) !== 0).sort(),
  };
}
