/** What the passing rows of a group add up to, without looking at each of them where that is not needed. */

import { AVAILABILITIES } from '@berth/core/offer';
import { isChoosable } from '@berth/core/rank';
import { endRow, firstRow, rowPasses, type Selection } from './selection.ts';
import { codeAt, type SnapshotColumns } from './snapshot-columns.ts';

/** By code of `AVAILABILITIES`: such offers may be tried. */
export const CHOOSABLE: readonly boolean[] = AVAILABILITIES.map(isChoosable);

export interface GroupTally {
  readonly count: number;
  readonly choosable: number;
  readonly minPrice: number;
  readonly maxPrice: number;
}

/** Null: no row passes. */
export function tallyOf(selection: Selection, group: number): GroupTally | null {
  const { price, availability } = selection.snapshot.columns;
  let start = firstRow(selection, group);
  let end = endRow(selection, group);
  const { byRow } = selection;
  if (byRow) while (start < end && !rowPasses(selection, start)) start += 1;
  if (byRow) while (start < end && !rowPasses(selection, end - 1)) end -= 1;
  if (start >= end) return null;
  let count = end - start;
  let choosable = CHOOSABLE[0] === true ? count : 0;
  if (byRow || availability.length > 0) {
    count = 0;
    choosable = 0;
    for (let row = start; row < end; row += 1) {
      if (byRow && !rowPasses(selection, row)) continue;
      count += 1;
      if (CHOOSABLE[codeAt(availability, row)] === true) choosable += 1;
    }
  }
  return { count, choosable, minPrice: price[start] ?? 0, maxPrice: price[end - 1] ?? 0 };
}

/** Regions that were seen; once it has seen all that there are it looks no more. */
export class RegionMarks {
  readonly #columns: SnapshotColumns;
  readonly #seen: Uint8Array;
  #left: number;

  /** `regions`: how many the snapshot has. */
  constructor(columns: SnapshotColumns, regions: number) {
    this.#columns = columns;
    this.#seen = new Uint8Array(columns.words.length);
    this.#left = regions;
  }

  /** Adds names of regions that are new to `into`. */
  mark(selection: Selection, group: number, into: (region: string) => void): void {
    if (this.#left === 0) return;
    const { locations, location, words } = this.#columns;
    const end = endRow(selection, group);
    for (let row = firstRow(selection, group); row < end; row += 1) {
      const region = locations[codeAt(location, row) * 3] ?? 0;
      if (this.#seen[region] === 1 || (selection.byRow && !rowPasses(selection, row))) continue;
      this.#seen[region] = 1;
      into(words[region] ?? '');
      this.#left -= 1;
      if (this.#left === 0) return;
    }
  }
}

export function countRegions({ locations }: SnapshotColumns): number {
  const regions = new Set<number>();
  for (let at = 0; at < locations.length; at += 3) regions.add(locations[at] ?? 0);
  return regions.size;
}
