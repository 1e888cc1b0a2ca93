/** The offers of a selection in order, one by one: a heap of groups, each at its next row. */

import type { OfferSort } from '@berth/core/offer';
import type { CatalogOffer } from './catalog-offer.ts';
import type { Cursor } from './cursor.ts';
import { endRow, firstRow, lowerBound, rowPasses, type Selection } from './selection.ts';
import { codeAt } from './snapshot-columns.ts';
import type { Codes } from './snapshot-file.ts';

/** To open a group costs as much as to pass over this many. */
const OPENING_COST = 64;

/** A group's next offer. */
interface Head {
  readonly group: number;
  readonly end: number;
  /** The sort's price is that of the machine by this; 0: there is none. */
  readonly unit: number;
  row: number;
  key: number;
  price: number;
  id: string | null;
}

/** Sorted by key, price and id, from the first that is not before `after`. */
export class Walk {
  readonly #selection: Selection;
  readonly #after: Cursor | null;
  readonly #sort: OfferSort;
  readonly #heap: Head[] = [];
  /** Groups in the order of their first rows; null: all are open already. */
  #order: Codes | null;
  #next = 0;

  /** `limit`: how many will be asked for, about. */
  constructor(selection: Selection, sort: OfferSort, after: Cursor | null, limit: number) {
    this.#selection = selection;
    this.#after = after;
    this.#sort = sort;
    const { groups, groupCount, snapshot } = selection;
    const { columns } = snapshot;
    if (groupCount * groupCount * OPENING_COST > limit * columns.groups) {
      this.#order =
        sort === 'price'
          ? columns.byPrice
          : sort === 'price-per-gpu'
            ? columns.byPricePerGpu
            : columns.byPricePerGpuGib;
    } else {
      this.#order = null;
      for (let at = 0; at < groupCount; at += 1) this.#open(groups[at] ?? 0);
    }
    this.#openWhatMayComeFirst();
  }

  get done(): boolean {
    return this.#heap.length === 0;
  }

  /** Of the next offer; `Infinity` where it has no such price. */
  get key(): number {
    return this.#heap[0]?.key ?? Number.POSITIVE_INFINITY;
  }

  get price(): number {
    return this.#heap[0]?.price ?? Number.POSITIVE_INFINITY;
  }

  get id(): string {
    const head = this.#heap[0];
    return head === undefined ? '' : this.#idOf(head);
  }

  /** A new object. */
  offer(): CatalogOffer | null {
    const head = this.#heap[0];
    return head === undefined ? null : this.#selection.snapshot.offer(head.group, head.row);
  }

  advance(): void {
    const head = this.#heap[0];
    if (head === undefined) return;
    if (this.#seek(head, head.row + 1)) {
      this.#sink(0);
    } else {
      const last = this.#heap.pop();
      if (last !== undefined && last !== head) {
        this.#heap[0] = last;
        this.#sink(0);
      }
    }
    this.#openWhatMayComeFirst();
  }

  /** Until the first of the groups that are left cannot come before the top of the heap. */
  #openWhatMayComeFirst(): void {
    const order = this.#order;
    if (order === null) return;
    const { isSelected, snapshot } = this.#selection;
    const { price, groupStart } = snapshot.columns;
    while (this.#next < order.length) {
      const group = order[this.#next] ?? 0;
      if (isSelected[group] === 1) {
        const top = this.#heap[0];
        if (top !== undefined) {
          const first = price[groupStart[group] ?? 0] ?? 0;
          const key = keyOf(first, this.#unit(group));
          if (key > top.key || (key === top.key && first > top.price)) return;
        }
        this.#open(group);
      }
      this.#next += 1;
    }
  }

  #open(group: number): void {
    const unit = this.#unit(group);
    const end = endRow(this.#selection, group);
    const head: Head = { group, end, unit, row: 0, key: 0, price: 0, id: null };
    let start = firstRow(this.#selection, group);
    if (this.#after !== null) start = lowerBound(start, end, (row) => this.#isReached(head, row));
    if (!this.#seek(head, start)) return;
    this.#heap.push(head);
    this.#rise(this.#heap.length - 1);
  }

  /** Puts the head on the first row from `start` that passes; false: there is none. */
  #seek(head: Head, start: number): boolean {
    let row = start;
    if (this.#selection.byRow) while (row < head.end && !rowPasses(this.#selection, row)) row += 1;
    if (row >= head.end) return false;
    head.row = row;
    head.price = this.#selection.snapshot.columns.price[row] ?? 0;
    head.key = keyOf(head.price, head.unit);
    head.id = null;
    return true;
  }

  #isReached({ group, unit }: Head, row: number): boolean {
    const after = this.#after;
    if (after === null) return true;
    const price = this.#selection.snapshot.columns.price[row] ?? 0;
    const key = keyOf(price, unit);
    if (key !== after.key) return key > after.key;
    if (price !== after.price) return price > after.price;
    return this.#selection.snapshot.id(group, row) >= after.id;
  }

  #unit(group: number): number {
    if (this.#sort === 'price') return 1;
    const { snapshot } = this.#selection;
    const { columns } = snapshot;
    const accelerator = snapshot.accelerators[codeAt(columns.shapeAccelerator, codeAt(columns.groupShape, group)) - 1];
    if (accelerator === undefined) return 0;
    if (this.#sort === 'price-per-gpu') return accelerator.count;
    return accelerator.memoryMiB === null ? 0 : (accelerator.count * accelerator.memoryMiB) / 1024;
  }

  #idOf(head: Head): string {
    head.id ??= this.#selection.snapshot.id(head.group, head.row);
    return head.id;
  }

  #isBefore(a: Head, b: Head): boolean {
    if (a.key !== b.key) return a.key < b.key;
    if (a.price !== b.price) return a.price < b.price;
    return this.#idOf(a) < this.#idOf(b);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const head = heap[from];
    if (head === undefined) return;
    let at = from;
    while (at > 0) {
      const up = (at - 1) >>> 1;
      const parent = heap[up];
      if (parent === undefined || !this.#isBefore(head, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = head;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const head = heap[from];
    if (head === undefined) return;
    let at = from;
    for (;;) {
      let down = 2 * at + 1;
      let child = heap[down];
      if (child === undefined) break;
      const other = heap[down + 1];
      if (other !== undefined && this.#isBefore(other, child)) {
        down += 1;
        child = other;
      }
      if (!this.#isBefore(child, head)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = head;
  }
}

/** The sort's price; `Infinity` where there is none. */
function keyOf(price: number, unit: number): number {
  const key = price / unit;
  return Number.isFinite(key) ? key : Number.POSITIVE_INFINITY;
}
