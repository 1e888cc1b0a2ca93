import type { FileHandle } from 'node:fs/promises';
import type { Millis } from '@berth/core/ids';

/**
 * Which byte came when: pairs of (offset, time), 16 bytes each, both growing. An entry's time holds
 * from its offset up to the next entry.
 */
export interface IndexEntry {
  readonly offset: number;
  readonly at: Millis;
}

const ENTRY_BYTES = 16;

/** Output that came closer together shares an entry: a tenth of a second is what a person can tell apart. */
const STEP_MS = 100;

/** Entries read at once when a reader moves through a log. */
const BLOCK_ENTRIES = 256;

export type IndexFile = Pick<FileHandle, 'read' | 'write'>;

/** The entries that a batch adds after `last`. A clock that steps back counts as one that stands still. */
export function newEntries(batch: readonly IndexEntry[], last: IndexEntry | null): readonly IndexEntry[] {
  const added: IndexEntry[] = [];
  let previous = last;
  for (const { offset, at } of batch) {
    if (previous !== null && at < previous.at + STEP_MS) continue;
    previous = { offset, at };
    added.push(previous);
  }
  return added;
}

export function encodeEntries(entries: readonly IndexEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * ENTRY_BYTES);
  for (const [index, { offset, at }] of entries.entries()) {
    bytes.writeDoubleBE(offset, index * ENTRY_BYTES);
    bytes.writeDoubleBE(at, index * ENTRY_BYTES + 8);
  }
  return bytes;
}

/** Whole entries in a file of this size: what a crash left of one is overwritten by the next. */
export const entryCount = (fileBytes: number): number => Math.floor(fileBytes / ENTRY_BYTES);
export const entryPosition = (entry: number): number => entry * ENTRY_BYTES;

export async function readEntries(file: IndexFile, first: number, count: number): Promise<readonly IndexEntry[]> {
  const bytes = Buffer.alloc(count * ENTRY_BYTES);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, entryPosition(first));
  return Array.from({ length: entryCount(bytesRead) }, (_, index) => ({
    offset: bytes.readDoubleBE(index * ENTRY_BYTES),
    at: bytes.readDoubleBE(index * ENTRY_BYTES + 8),
  }));
}

/** Number of the first entry for which `reached` holds; `count` when there is none. It must hold for all after it. */
export async function firstEntry(
  file: IndexFile,
  count: number,
  reached: (entry: IndexEntry) => boolean,
): Promise<number> {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const [entry] = await readEntries(file, middle, 1);
    if (entry === undefined || reached(entry)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** One reader's place in the index: reading on through a log costs one look into the file per block. */
export class IndexCursor {
  #first = 0;
  #block: readonly IndexEntry[] = [];

  /** When the byte at `offset` came; null when no entry covers it. */
  async at(file: IndexFile, count: number, offset: number): Promise<Millis | null> {
    const known = this.#find(offset, count);
    if (known !== undefined) return known;
    const after = await firstEntry(file, count, (entry) => entry.offset > offset);
    if (after === 0) return null;
    this.#first = after - 1;
    this.#block = await readEntries(file, this.#first, Math.min(BLOCK_ENTRIES, count - this.#first));
    return this.#find(offset, count) ?? this.#block[0]?.at ?? null;
  }

  /** Undefined: the block does not say, because the next entry might reach back to before `offset`. */
  #find(offset: number, count: number): Millis | undefined {
    const head = this.#block[0];
    if (head === undefined || head.offset > offset) return undefined;
    for (let index = 1; index < this.#block.length; index++) {
      const next = this.#block[index];
      if (next !== undefined && next.offset > offset) {
        // What lies before is not asked for again by a reader that goes forward.
        this.#first += index - 1;
        this.#block = this.#block.slice(index - 1);
        return this.#block[0]?.at;
      }
    }
    return this.#first + this.#block.length === count ? this.#block.at(-1)?.at : undefined;
  }
}
