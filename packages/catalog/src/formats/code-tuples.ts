/** A dictionary whose keys are tuples of small numbers: the codes of a row's cells. */

const MAX_TUPLES = 1_000_000;
const MAX_PROBES = 64;

export class CodeTuples<T> {
  readonly #width: number;
  readonly #values: T[] = [];
  #keys: Int32Array;
  #slots = new Int32Array(1024).fill(-1);
  #slot = 0;
  #room = false;

  constructor(width: number) {
    this.#width = width;
    this.#keys = new Int32Array(256 * width);
  }

  /** The value of `key`; undefined: there is none yet. */
  get(key: Int32Array): T | undefined {
    const width = this.#width;
    const mask = this.#slots.length - 1;
    this.#room = false;
    let slot = this.#hash(key, 0) & mask;
    for (let probe = 0; probe < MAX_PROBES; probe++, slot = (slot + 1) & mask) {
      const index = this.#slots[slot] ?? -1;
      if (index < 0) {
        this.#slot = slot;
        this.#room = true;
        return undefined;
      }
      const base = index * width;
      let same = 0;
      while (same < width && this.#keys[base + same] === key[same]) same++;
      if (same === width) return this.#values[index];
    }
    return undefined;
  }

  /** Only directly after `get` of the same key gave undefined. It may find no room, and keep nothing. */
  add(key: Int32Array, value: T): void {
    const index = this.#values.length;
    if (!this.#room || index >= MAX_TUPLES) return;
    const base = index * this.#width;
    if (base + this.#width > this.#keys.length) {
      const larger = new Int32Array(2 * this.#keys.length);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    this.#keys.set(key, base);
    this.#values.push(value);
    this.#slots[this.#slot] = index;
    this.#room = false;
    if (2 * this.#values.length > this.#slots.length) this.#grow();
  }

  #hash(key: Int32Array, base: number): number {
    let hash = 0x811c9dc5 | 0;
    for (let at = 0; at < this.#width; at++) {
      hash = Math.imul(hash ^ (key[base + at] ?? 0), 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  #grow(): void {
    const slots = new Int32Array(4 * this.#slots.length).fill(-1);
    const mask = slots.length - 1;
    for (let index = 0; index < this.#values.length; index++) {
      let slot = this.#hash(this.#keys, index * this.#width) & mask;
      while (slots[slot] !== -1) slot = (slot + 1) & mask;
      slots[slot] = index;
    }
    this.#slots = slots;
  }
}
