/**
 * Reads CSV (RFC 4180) from bytes, a record at a time, without an object or a string per row: a record
 * is a view of the bytes, and `CsvColumn` turns cells into values.
 *
 * Lines end with CRLF, LF or CR, also mixed; a byte order mark is skipped; lines without anything are
 * skipped; a quote inside an unquoted cell stands for itself. The cost is linear in the bytes, however
 * they are cut into chunks, and no more than a record and a chunk is held.
 */

import { CsvError } from './csv-error.ts';

export interface CsvLimits {
  /** Bytes of one record. */
  readonly recordBytes: number;
  readonly fields: number;
  readonly records: number;
}

/** The longest real record, a host with its description as JSON, has some 10 kB; a catalog 0.5 M rows. */
export const CSV_LIMITS: CsvLimits = { recordBytes: 1024 * 1024, fields: 256, records: 20_000_000 };

/** Valid until the handler returns: the next record is written over it. */
export interface CsvRecord {
  /** Counts from 1. */
  readonly row: number;
  readonly fields: number;
  readonly bytes: Uint8Array;
  /** Offsets of each cell, without its quotes. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** 1: quotes inside the cell are doubled. */
  readonly doubled: Uint8Array;
  /** Of each cell's bytes. */
  readonly hashes: Int32Array;
  /** What is wrong with the record's form, at which column (from 1); the cells are not to be used then. */
  readonly malformed: { readonly column: number; readonly reason: string } | null;
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/** FNV-1a: one multiplication a byte, in the loop that looks for the cell's end anyway. */
const HASH_START = 0x811c9dc5 | 0;
const HASH_PRIME = 0x01000193;

const MORE = -1;
const BATCH_BYTES = 64 * 1024;

export class CsvScanner {
  readonly #handle: (record: CsvRecord) => void;
  readonly #limits: CsvLimits;
  readonly #record: { -readonly [K in keyof CsvRecord]: CsvRecord[K] };
  /** Bytes that no record was made of yet. */
  #held = new Uint8Array(0);
  #heldBytes = 0;
  /** Bytes to wait for before looking again, so that a long record in small chunks stays linear. */
  #enough = BATCH_BYTES;
  #begun = false;

  /** `handle` is called for every record, the header included. */
  constructor(handle: (record: CsvRecord) => void, limits: CsvLimits = CSV_LIMITS) {
    this.#handle = handle;
    this.#limits = limits;
    this.#record = {
      row: 0,
      fields: 0,
      bytes: this.#held,
      starts: new Int32Array(limits.fields),
      ends: new Int32Array(limits.fields),
      doubled: new Uint8Array(limits.fields),
      hashes: new Int32Array(limits.fields),
      malformed: null,
    };
  }

  /** Records read, blank ones included. */
  get rows(): number {
    return this.#record.row;
  }

  /** @throws CsvError `too-large` when a limit is passed */
  push(chunk: Uint8Array): void {
    if (this.#heldBytes === 0 && chunk.length >= BATCH_BYTES) {
      const rest = this.#scan(chunk, chunk.length, false);
      this.#hold(chunk.subarray(rest));
      this.#enough = Math.max(BATCH_BYTES, 2 * this.#heldBytes);
      return;
    }
    this.#hold(chunk);
    if (this.#heldBytes < this.#enough) return;
    const rest = this.#scan(this.#held, this.#heldBytes, false);
    this.#held.copyWithin(0, rest, this.#heldBytes);
    this.#heldBytes -= rest;
    this.#enough = Math.max(BATCH_BYTES, 2 * this.#heldBytes);
  }

  /** The last record, which may lack its line end. @throws CsvError `too-large` when a limit is passed */
  end(): void {
    this.#scan(this.#held, this.#heldBytes, true);
    this.#heldBytes = 0;
  }

  #hold(bytes: Uint8Array): void {
    const needed = this.#heldBytes + bytes.length;
    if (needed > this.#held.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#held.length));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes = needed;
  }

  /** Hands on all whole records of `bytes`; returns where the first one begins that is not whole. */
  #scan(bytes: Uint8Array, length: number, final: boolean): number {
    let at = 0;
    if (!this.#begun) {
      if (length < 3 && !final) return 0;
      at = skipByteOrderMark(bytes, length);
      this.#begun = true;
    }
    const record = this.#record;
    record.bytes = bytes;
    while (at < length) {
      const next = this.#readRecord(bytes, at, length, final);
      if (next === MORE) break;
      at = next;
      if (record.row >= this.#limits.records) {
        throw new CsvError('too-large', `more than ${this.#limits.records} rows`, { row: record.row + 1, column: 1 });
      }
      record.row++;
      const blank = record.fields === 1 && record.starts[0] === record.ends[0] && record.malformed === null;
      if (!blank) this.#handle(record);
    }
    return at;
  }

  /** Where the next record begins, or MORE when this one is not whole. */
  #readRecord(bytes: Uint8Array, begin: number, length: number, final: boolean): number {
    const { starts, ends, doubled, hashes } = this.#record;
    const { recordBytes, fields } = this.#limits;
    const end = Math.min(length, begin + recordBytes);
    // Only the end of the file, not that of the limit, may end a record.
    const last = final && end === length;
    this.#record.malformed = null;
    let at = begin;
    for (let field = 0; ; field++) {
      if (field >= fields) {
        throw new CsvError('too-large', `more than ${fields} columns`, {
          row: this.#record.row + 1,
          column: field + 1,
        });
      }
      let hash = HASH_START;
      let escaped = 0;
      let start = at;
      let stop: number;
      let byte = at < end ? (bytes[at] ?? 0) : 0;
      if (at < end && byte === QUOTE) {
        start = ++at;
        for (;;) {
          if (at >= end) {
            if (!last) return this.#more(end - begin, field);
            this.#record.malformed ??= { column: field + 1, reason: 'the quote is never closed' };
            break;
          }
          byte = bytes[at] ?? 0;
          if (byte === QUOTE) {
            if (at + 1 >= end && !last) return this.#more(end - begin, field);
            if (at + 1 >= end || bytes[at + 1] !== QUOTE) break;
            escaped = 1;
            at++;
          }
          hash = Math.imul(hash ^ byte, HASH_PRIME);
          at++;
        }
        stop = at;
        if (at < end) at++;
        byte = at < end ? (bytes[at] ?? 0) : 0;
        if (at < end && byte !== COMMA && byte !== LF && byte !== CR) {
          this.#record.malformed ??= { column: field + 1, reason: 'there is text behind the closing quote' };
          while (at < end && byte !== COMMA && byte !== LF && byte !== CR) byte = bytes[++at] ?? 0;
        }
      } else {
        while (at < end && byte !== COMMA && byte !== LF && byte !== CR) {
          hash = Math.imul(hash ^ byte, HASH_PRIME);
          byte = bytes[++at] ?? 0;
        }
        stop = at;
      }
      if (at >= end && !last) return this.#more(end - begin, field);
      starts[field] = start;
      ends[field] = stop;
      doubled[field] = escaped;
      hashes[field] = hash;
      if (at < end && byte === COMMA) {
        at++;
        continue;
      }
      this.#record.fields = field + 1;
      if (at >= end || byte === LF) return Math.min(at + 1, length);
      if (at + 1 >= end && !last) return this.#more(end - begin, field);
      return at + 1 < end && bytes[at + 1] === LF ? at + 2 : at + 1;
    }
  }

  #more(seen: number, field: number): typeof MORE {
    if (seen < this.#limits.recordBytes) return MORE;
    const megabytes = this.#limits.recordBytes / (1024 * 1024);
    throw new CsvError(
      'too-large',
      `a row longer than ${megabytes} MiB`,
      { row: this.#record.row + 1, column: field + 1 },
      { hint: 'look for a quote that is never closed, or whether this is a CSV file at all' },
    );
  }
}

function skipByteOrderMark(bytes: Uint8Array, length: number): number {
  if (length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 3;
  const utf16 = length >= 2 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff));
  if (!utf16) return 0;
  throw new CsvError('invalid-request', 'the file is UTF-16', { row: 1, column: 1 }, { hint: 'save it as UTF-8' });
}
