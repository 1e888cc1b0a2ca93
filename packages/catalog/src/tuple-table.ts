/** Numbers tuples of small integers: equal tuples get the same number, in the order of their first coming. */

const FIRST_SLOTS = 1024;

export class TupleTable {
  readonly width: number;
  #values: Uint32Array;
  #slots = new Uint32Array(FIRST_SLOTS);
  #size = 0;

  constructor(width: number) {
    this.width = width;
    this.#values = new Uint32Array(width * 256);
  }

  get size(): number {
    return this.#size;
  }

  /** The value at `place` of the tuple with this number. */
  at(tuple: number, place: number): number {
    return this.#values[tuple * this.width + place] ?? 0;
  }

  /** The number of this tuple. Only the first `width` values count. */
  intern(values: Uint32Array): number {
    const { width } = this;
    const mask = this.#slots.length - 1;
    let slot = hash(values, width) & mask;
    for (;;) {
      const taken = this.#slots[slot] ?? 0;
      if (taken === 0) break;
      if (this.#equals(taken - 1, values)) return taken - 1;
      slot = (slot + 1) & mask;
    }
    const tuple = this.#size;
    this.#size += 1;
    const start = tuple * width;
    if (start + width > this.#values.length) this.#values = grown(this.#values, this.#values.length * 2);
    for (let place = 0; place < width; place += 1) this.#values[start + place] = values[place] ?? 0;
    this.#slots[slot] = tuple + 1;
    if (this.#size * 2 > this.#slots.length) this.#spread();
    return tuple;
  }

  #equals(tuple: number, values: Uint32Array): boolean {
    const start = tuple * this.width;
    for (let place = 0; place < this.width; place += 1) {
      if (this.#values[start + place] !== values[place]) return false;
    }
    return true;
  }

  #spread(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let tuple = 0; tuple < this.#size; tuple += 1) {
      let slot = hash(this.#values.subarray(tuple * this.width), this.width) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = tuple + 1;
    }
    this.#slots = slots;
  }
}

function hash(values: Uint32Array, width: number): number {
  let h = 0x9e3779b9;
  for (let place = 0; place < width; place += 1) {
    h = Math.imul(h ^ (values[place] ?? 0), 0x85ebca6b);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

/** A copy with room for `length`. */
export function grown(array: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(array);
  return larger;
}
