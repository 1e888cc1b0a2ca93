/** Values by the order of their first coming, and in the end by their own order. */

export class Interner<T extends string | number> {
  readonly #codes = new Map<T, number>();
  #last: T | undefined;
  #lastCode = 0;

  get size(): number {
    return this.#codes.size;
  }

  code(value: T): number {
    if (value === this.#last) return this.#lastCode; // lists come sorted by one thing or another
    let code = this.#codes.get(value);
    if (code === undefined) {
      code = this.#codes.size;
      this.#codes.set(value, code);
    }
    this.#last = value;
    this.#lastCode = code;
    return code;
  }

  values(): T[] {
    return [...this.#codes.keys()];
  }

  /** Values in their order (strings by code units, NaN first), and the place of each first-come code in it. */
  sorted(): { readonly values: readonly T[]; readonly places: Uint32Array } {
    const values = this.values();
    const order = sortedOrder(values.length, (a, b) => compareValues(values[a], values[b]));
    return { values: [...order].map((code) => values[code] as T), places: inverse(order) }; // codes of values
  }
}

/** The numbers below `length`, sorted. */
export function sortedOrder(length: number, compare: (a: number, b: number) => number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length }, (_, index) => index).sort(compare);
}

/** Where each element of a permutation stands in it. */
export function inverse(order: Uint32Array): Uint32Array<ArrayBuffer> {
  const places = new Uint32Array(order.length);
  order.forEach((element, place) => {
    places[element] = place;
  });
  return places;
}

function compareValues(a: string | number | undefined, b: string | number | undefined): number {
  if (a === undefined || b === undefined || a === b) return 0;
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  if (Number.isNaN(b)) return 1;
  return a < b ? -1 : 1;
}
