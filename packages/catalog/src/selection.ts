/**
 * Which offers of a snapshot pass a filter. Tests run once per value of a dictionary, then once per
 * group; single rows are looked at only where place, stock or age are asked for.
 */

import { CAPACITY_TYPES } from '@berth/core/offer';
import type { CompiledFilter } from './compiled-filter.ts';
import type { Snapshot } from './snapshot.ts';
import { codeAt, type SnapshotColumns } from './snapshot-columns.ts';
import type { Codes } from './snapshot-file.ts';

/** By code: 1 where the value passes. Null: all do. */
type Mask = Uint8Array | null;

/** Groups that pass, and which of their rows do. Valid until the index selects again. */
export interface Selection {
  readonly snapshot: Snapshot;
  /** Ascending; the first `groupCount` elements count. */
  readonly groups: Uint32Array;
  readonly groupCount: number;
  /** 1 where the group is among them. */
  readonly isSelected: Uint8Array;
  readonly filter: CompiledFilter;
  readonly location: Mask;
  readonly availability: Mask;
  readonly origin: Mask;
  /** Rows have to be looked at one by one. */
  readonly byRow: boolean;
}

/** A snapshot with room to work in: one selection at a time. */
export class SnapshotIndex {
  readonly snapshot: Snapshot;
  readonly #groups: Uint32Array;
  readonly #isSelected: Uint8Array;
  #selected = 0;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
    this.#groups = new Uint32Array(snapshot.columns.groups);
    this.#isSelected = new Uint8Array(snapshot.columns.groups);
  }

  /** Null: nothing can pass. */
  select(filter: CompiledFilter): Selection | null {
    const { snapshot } = this;
    const masks = masksOf(snapshot, filter);
    if (masks === null) return null;
    const { accelerator, location, availability, origin } = masks;
    const isSelected = this.#isSelected;
    const groups = this.#groups;
    if (this.#selected * 8 > groups.length) isSelected.fill(0);
    else for (let at = 0; at < this.#selected; at += 1) isSelected[groups[at] ?? 0] = 0;
    this.#selected = 0;
    const { acceleratorGroups } = snapshot.columns;
    const codes = acceleratorGroups.length - 1;
    for (let code = 0; code < codes; ) {
      let end = code;
      while (end < codes && (accelerator === null || accelerator[end] === 1)) end += 1;
      if (end > code) this.#selectRange(acceleratorGroups[code] ?? 0, acceleratorGroups[end] ?? 0, masks);
      code = Math.max(end, code + 1);
    }
    const byRow = location !== null || availability !== null || origin !== null;
    return {
      snapshot,
      groups,
      groupCount: this.#selected,
      isSelected,
      filter,
      location,
      availability,
      origin,
      byRow,
    };
  }

  /** Groups of `start` to `end` whose shape and capacity type pass. */
  #selectRange(start: number, end: number, masks: Masks): void {
    const { columns } = this.snapshot;
    const { groupShape, groupCapacity } = columns;
    const tests = shapeTests(columns, masks);
    const groups = this.#groups;
    const isSelected = this.#isSelected;
    const { capacity } = masks;
    let count = this.#selected;
    for (let group = start; group < end; group += 1) {
      if (capacity !== null && capacity[codeAt(groupCapacity, group)] !== 1) continue;
      const shape = codeAt(groupShape, group);
      let passes = true;
      for (let test = 0; test < tests.length; test += 1) {
        const { column, mask } = tests[test] as ShapeTest; // within its bounds
        if (mask[codeAt(column, shape)] === 1) continue;
        passes = false;
        break;
      }
      if (!passes) continue;
      groups[count] = group;
      isSelected[group] = 1;
      count += 1;
    }
    this.#selected = count;
  }
}

interface ShapeTest {
  readonly column: Codes;
  readonly mask: Uint8Array;
}

interface Masks {
  readonly accelerator: Mask;
  readonly capacity: Mask;
  readonly backend: Mask;
  readonly instanceType: Mask;
  readonly cpus: Mask;
  readonly memory: Mask;
  readonly disk: Mask;
  readonly traits: Mask;
  readonly location: Mask;
  readonly availability: Mask;
  readonly origin: Mask;
}

/** Most selective columns first: they are the ones that fail soonest. */
function shapeTests(columns: SnapshotColumns, masks: Masks): readonly ShapeTest[] {
  const all: readonly { readonly column: Codes; readonly mask: Mask }[] = [
    { column: columns.shapeBackend, mask: masks.backend },
    { column: columns.shapeInstanceType, mask: masks.instanceType },
    { column: columns.shapeCpus, mask: masks.cpus },
    { column: columns.shapeMemory, mask: masks.memory },
    { column: columns.shapeDisk, mask: masks.disk },
    { column: columns.shapeTraits, mask: masks.traits },
  ];
  return all.filter((test): test is ShapeTest => test.mask !== null);
}

class NothingPasses extends Error {}

/** Null: some value is asked for that nothing has. */
function masksOf(snapshot: Snapshot, filter: CompiledFilter): Masks | null {
  const { columns, accelerators, flags } = snapshot;
  const { words, instanceTypes, originTimes, locations } = columns;
  const word = (code: number | undefined) => words[code ?? 0] ?? '';
  const wordOrNull = (code = 0) => (code === 0 ? null : word(code - 1));
  const { collectedSince } = filter;
  const numbers = (values: Float64Array, test: ((value: number) => boolean) | null) =>
    mask(values.length, test && ((code) => test(values[code] ?? Number.NaN)));
  try {
    return {
      backend: mask(
        columns.backends.length,
        filter.backend && ((code) => filter.backend?.(word(columns.backends[code])) === true),
      ),
      capacity: mask(CAPACITY_TYPES.length, (code) => filter.capacity[code] === true),
      accelerator: mask(
        accelerators.length + 1,
        filter.accelerator && ((code) => filter.accelerator?.(accelerators[code - 1] ?? null) === true),
      ),
      traits: mask(
        flags.length,
        filter.traits && ((code) => filter.traits?.(columns.traits[code * 3] === 1, flags[code] ?? []) === true),
      ),
      cpus: numbers(columns.cpus, filter.cpus),
      memory: numbers(columns.memoryMiB, filter.memoryMiB),
      disk: numbers(columns.diskMiB, filter.diskMiB),
      location: mask(
        locations.length / 3,
        filter.location &&
          ((code) =>
            filter.location?.(
              word(locations[code * 3]),
              wordOrNull(locations[code * 3 + 1]),
              wordOrNull(locations[code * 3 + 2]),
            ) === true),
      ),
      availability: availabilityMask(columns, filter),
      origin: mask(
        originTimes.length,
        collectedSince === null ? null : (code) => (originTimes[code] ?? 0) >= collectedSince,
      ),
      instanceType: mask(
        instanceTypes.length,
        filter.instanceType && ((code) => filter.instanceType?.(instanceTypes.at(code)) === true),
      ),
    };
  } catch (error) {
    if (error instanceof NothingPasses) return null;
    throw error;
  }
}

/** Price lists say nothing about stock: their column has one value, and no row needs to be looked at. */
function availabilityMask({ availability }: SnapshotColumns, filter: CompiledFilter): Mask {
  const passing = filter.availability;
  if (passing === null) return null;
  return mask(availability.length === 0 ? 1 : passing.length, (code) => passing[code] === true);
}

function mask(length: number, test: ((code: number) => boolean) | null): Mask {
  if (test === null) return null;
  const passing = new Uint8Array(length);
  let count = 0;
  for (let code = 0; code < length; code += 1) {
    if (!test(code)) continue;
    passing[code] = 1;
    count += 1;
  }
  if (count === 0) throw new NothingPasses();
  return count === length ? null : passing;
}

/** First row of the group that may pass: the first whose price does. */
export function firstRow({ snapshot, filter }: Selection, group: number): number {
  const { price, groupStart } = snapshot.columns;
  const start = groupStart[group] ?? 0;
  if (filter.minPrice <= 0) return start;
  return lowerBound(start, groupStart[group + 1] ?? 0, (row) => (price[row] ?? 0) >= filter.minPrice);
}

/** After the last row of the group whose price passes. */
export function endRow({ snapshot, filter }: Selection, group: number): number {
  const { price, groupStart } = snapshot.columns;
  const end = groupStart[group + 1] ?? 0;
  if (filter.maxPrice === Number.POSITIVE_INFINITY || (price[end - 1] ?? 0) <= filter.maxPrice) return end;
  return lowerBound(groupStart[group] ?? 0, end, (row) => (price[row] ?? 0) > filter.maxPrice);
}

/** The first row of `start` to `end` for which it is true; it is true of all after it. */
export function lowerBound(start: number, end: number, isReached: (row: number) => boolean): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isReached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Place, stock and age; the price is between `firstRow` and `endRow`. */
export function rowPasses({ snapshot, location, availability, origin }: Selection, row: number): boolean {
  const { columns } = snapshot;
  return (
    (location === null || location[codeAt(columns.location, row)] === 1) &&
    (availability === null || availability[codeAt(columns.availability, row)] === 1) &&
    (origin === null || origin[codeAt(columns.origin, row)] === 1)
  );
}

/** How many offers pass. */
export function countOf(selection: Selection): number {
  const { groups, groupCount, byRow, location, snapshot } = selection;
  const { groupStart } = snapshot.columns;
  const { minPrice, maxPrice } = selection.filter;
  const inPlace = selection.availability === null && selection.origin === null ? location : null;
  let count = 0;
  if (!byRow && minPrice <= 0 && maxPrice === Number.POSITIVE_INFINITY) {
    for (let at = 0; at < groupCount; at += 1) {
      const group = groups[at] ?? 0;
      count += (groupStart[group + 1] ?? 0) - (groupStart[group] ?? 0);
    }
    return count;
  }
  for (let at = 0; at < groupCount; at += 1) {
    const group = groups[at] ?? 0;
    const start = firstRow(selection, group);
    const end = endRow(selection, group);
    if (!byRow) count += Math.max(0, end - start);
    else if (inPlace !== null) count += countInPlace(snapshot.columns.location, start, end, inPlace);
    else for (let row = start; row < end; row += 1) if (rowPasses(selection, row)) count += 1;
  }
  return count;
}

/** On its own, and without `codeAt`, so that it is compiled for one kind of column: it may see every row there is. */
function countInPlace(codes: Codes, start: number, end: number, isPlace: Uint8Array): number {
  let count = 0;
  for (let row = start; row < end; row += 1) count += isPlace[codes[row] ?? 0] ?? 0;
  return count;
}
