/**
 * One column of a CSV file: its distinct cells, each parsed once. A catalog of a million rows has a few
 * thousand distinct cells, so that most cells cost a look-up of their bytes and no string.
 */

import type { CsvRecord } from './csv.ts';

/** What a cell cannot be read as, and why. */
export class CellProblem {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The code of a cell that is not kept: it is parsed every time, and says nothing about equality. */
export const UNKEPT = 0;

// A column of nothing but distinct long cells must not fill the memory.
const MAX_CELLS = 65_536;
const MAX_ARENA_BYTES = 8 * 1024 * 1024;
const MAX_KEPT_BYTES = 16 * 1024;
// Hashes that collide on purpose make cells slow, not a file quadratic.
const MAX_PROBES = 32;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a cell; a problem when it is no text. */
export function cellText(record: CsvRecord, field: number): string | CellProblem {
  if (field < 0 || field >= record.fields) return '';
  const bytes = record.bytes.subarray(record.starts[field], record.ends[field]);
  if (bytes.includes(0)) return new CellProblem('has a NUL byte');
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return new CellProblem('is not UTF-8');
  }
  return record.doubled[field] === 1 ? text.replaceAll('""', '"') : text;
}

export class CsvColumn<T> {
  readonly #field: number;
  readonly #parse: (text: string) => T | CellProblem;
  /** By code; entry 0 is the last cell that is not kept. */
  readonly #values: (T | CellProblem | undefined)[] = [undefined];
  readonly #offsets: number[] = [0, 0];
  readonly #hashes: number[] = [0];
  readonly #doubled: number[] = [0];
  #arena = new Uint8Array(1024);
  #slots = new Uint16Array(64);
  #empty: T | CellProblem | undefined;

  /** `field` counts from 0; -1: the file has no such column, and every cell of it is empty. */
  constructor(field: number, parse: (text: string) => T | CellProblem) {
    this.#field = field;
    this.#parse = parse;
    if (field < 0) this.#empty = parse('');
  }

  /** Counts from 1, for reports; 0: the file has no such column. */
  get column(): number {
    return this.#field + 1;
  }

  /** Equal codes mean equal cells, but for `UNKEPT`. */
  code(record: CsvRecord): number {
    const field = this.#field;
    if (field < 0 || field >= record.fields) return -1;
    const { bytes } = record;
    const start = record.starts[field] ?? 0;
    const length = (record.ends[field] ?? 0) - start;
    const hash = record.hashes[field] ?? 0;
    const doubled = record.doubled[field] ?? 0;
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let probe = 0; probe < MAX_PROBES; probe++, slot = (slot + 1) & mask) {
      const code = this.#slots[slot] ?? 0;
      if (code === 0) return this.#keep(record, slot, start, length, hash, doubled);
      if (this.#hashes[code] !== hash || this.#doubled[code] !== doubled) continue;
      const offset = this.#offsets[code] ?? 0;
      if ((this.#offsets[code + 1] ?? 0) - offset !== length) continue;
      let same = 0;
      while (same < length && this.#arena[offset + same] === bytes[start + same]) same++;
      if (same === length) return code;
    }
    return this.#unkept(record);
  }

  /** The value of the code that `code` gave for the record at hand. */
  at(code: number): T | CellProblem {
    // `code` fills the entry of every code that it returns, and `#empty` stands for a cell that is not there.
    return (code < 0 ? this.#emptyValue() : this.#values[code]) as T | CellProblem;
  }

  value(record: CsvRecord): T | CellProblem {
    return this.at(this.code(record));
  }

  #emptyValue(): T | CellProblem | undefined {
    this.#empty ??= this.#parse('');
    return this.#empty;
  }

  #parsed(record: CsvRecord): T | CellProblem {
    const text = cellText(record, this.#field);
    return text instanceof CellProblem ? text : this.#parse(text);
  }

  #unkept(record: CsvRecord): typeof UNKEPT {
    this.#values[UNKEPT] = this.#parsed(record);
    return UNKEPT;
  }

  #keep(record: CsvRecord, slot: number, start: number, length: number, hash: number, doubled: number): number {
    const code = this.#values.length;
    const offset = this.#offsets[code] ?? 0;
    if (code >= MAX_CELLS || length > MAX_KEPT_BYTES || offset + length > MAX_ARENA_BYTES) return this.#unkept(record);
    const value = this.#parsed(record);
    if (offset + length > this.#arena.length) {
      const larger = new Uint8Array(Math.max(2 * this.#arena.length, offset + length));
      larger.set(this.#arena);
      this.#arena = larger;
    }
    this.#arena.set(record.bytes.subarray(start, start + length), offset);
    this.#values.push(value);
    this.#offsets.push(offset + length);
    this.#hashes.push(hash);
    this.#doubled.push(doubled);
    this.#slots[slot] = code;
    if (2 * code > this.#slots.length) this.#grow();
    return code;
  }

  #grow(): void {
    const slots = new Uint16Array(4 * this.#slots.length);
    const mask = slots.length - 1;
    for (let code = 1; code < this.#values.length; code++) {
      const hash = this.#hashes[code] ?? 0;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = code;
    }
    this.#slots = slots;
  }
}
