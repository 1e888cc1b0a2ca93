/** Keys by the time at which they are due, the earliest first. Each key is in it once. */
import type { Millis } from '@berth/core';

interface Entry<Key> {
  readonly at: Millis;
  readonly key: Key;
}

/** Entries that no longer count are swept out when there are more of them than this, and than keys. */
const MAX_STALE = 64;

export class DueHeap<Key> {
  /** When each key is due. The heap may hold older entries of the same key; this map decides. */
  readonly #due = new Map<Key, Millis>();
  #heap: Entry<Key>[] = [];

  get size(): number {
    return this.#due.size;
  }

  /** Of the heap itself, those included that no longer count. */
  get entries(): number {
    return this.#heap.length;
  }

  /** Adds the key, or moves it forward. False when it is due earlier already. */
  add(key: Key, at: Millis): boolean {
    const known = this.#due.get(key);
    if (known !== undefined && known <= at) return false;
    this.#due.set(key, at);
    this.#push({ at, key });
    // A deadline that is set anew with each change would pile up until it has passed.
    if (this.#heap.length > 2 * this.#due.size + MAX_STALE) this.#rebuild();
    return true;
  }

  peek(): Entry<Key> | null {
    for (;;) {
      const head = this.#heap[0];
      if (head === undefined) return null;
      if (this.#due.get(head.key) === head.at) return head;
      this.#drop();
    }
  }

  delete(key: Key): void {
    this.#due.delete(key);
  }

  keys(): Iterable<Key> {
    return this.#due.keys();
  }

  /** Empties it and returns the keys that were in it. */
  clear(): Key[] {
    const keys = [...this.#due.keys()];
    this.#due.clear();
    this.#heap = [];
    return keys;
  }

  #rebuild(): void {
    this.#heap = [];
    for (const [key, at] of this.#due) this.#push({ at, key });
  }

  #push(entry: Entry<Key>): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= entry.at) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = entry;
  }

  /** Takes the head off, whether it counts or not. */
  #drop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      const left = heap[2 * i + 1];
      const right = heap[2 * i + 2];
      if (left === undefined) break;
      const useRight = right !== undefined && right.at < left.at;
      const child = useRight ? right : left;
      if (child.at >= last.at) break;
      heap[i] = child;
      i = 2 * i + (useRight ? 2 : 1);
    }
    heap[i] = last;
  }
}
