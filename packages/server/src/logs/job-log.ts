import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Millis } from '@berth/core/ids';
import {
  encodeEntries,
  entryCount,
  entryPosition,
  firstEntry,
  type IndexCursor,
  type IndexEntry,
  newEntries,
  readEntries,
} from './log-index.ts';

/** The part of a file that a log needs; handed in so that tests can let a disk run full. */
export type LogFile = Pick<FileHandle, 'read' | 'write' | 'writev' | 'stat' | 'close'>;
export type OpenLogFile = (path: string, how: 'write' | 'read') => Promise<LogFile>;

/** Bytes that would leave a hole: whoever sends them must go back to `expected`. */
export class LogGap extends Error {
  override readonly name = 'LogGap';
  readonly expected: number;

  constructor(offset: number, expected: number) {
    super(`the log ends at byte ${expected}, so bytes from ${offset} on cannot be added`);
    this.expected = expected;
  }
}

export interface LogChunk {
  readonly offset: number;
  /** When its first byte came. */
  readonly at: Millis;
  /** Until the next read of the same reader. */
  readonly bytes: Uint8Array;
}

interface Files {
  readonly mode: 'write' | 'read';
  readonly data: LogFile;
  readonly index: LogFile;
  /** Stands in where the index is silent. */
  readonly changedAt: Millis;
}

/** Appends that go into the file together. */
interface Batch {
  readonly offset: number;
  readonly parts: Uint8Array[];
  readonly marks: IndexEntry[];
  bytes: number;
  readonly written: PromiseWithResolvers<void>;
}

/** A plain file is opened for reading and writing and made when it is missing; its folder too. */
export const openLogFile: OpenLogFile = async (path, how) => {
  if (how === 'read') return open(path, 'r');
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (!isMissing(error)) throw error;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return open(path, 'wx+', 0o600);
  }
};

/**
 * The log of one job: an append-only file of raw bytes with an index of times beside it. Writing is at
 * explicit positions, so that a write which failed half-way is simply done again; whatever a crash left
 * in the file is a true beginning of what was being written.
 */
export class JobLog {
  readonly #path: string;
  readonly #openFile: OpenLogFile;
  readonly #onStored: (size: number) => void;
  #files: { readonly mode: 'write' | 'read'; readonly opened: Promise<Files> } | null = null;
  /** Opened for reading before there was something to write; a reader may still hold them. */
  #retired: Files | null = null;
  /** Bytes that are in the file and may be read. */
  #size = 0;
  #entries = 0;
  #lastEntry: IndexEntry | null = null;
  #next: Batch | null = null;
  #writing: Batch | null = null;
  #uses = 0;

  constructor(path: string, openFile: OpenLogFile, onStored: (size: number) => void) {
    this.#path = path;
    this.#openFile = openFile;
    this.#onStored = onStored;
  }

  /** Nothing is being written or read, so it may be closed. */
  get idle(): boolean {
    return this.#uses === 0 && this.#next === null && this.#writing === null;
  }

  /**
   * Resolves when every byte is in the file. What is there already is skipped. `bytes` belongs to the
   * log until then.
   * @throws LogGap, or what the file system threw
   */
  async append(offset: number, at: Millis, bytes: Uint8Array): Promise<void> {
    await this.#using(async () => {
      await this.#open('write');
      const end = this.#end();
      if (offset > end) throw new LogGap(offset, end);
      const fresh = bytes.subarray(end - offset);
      if (fresh.length === 0) return (this.#next ?? this.#writing)?.written.promise;
      this.#next ??= { offset: end, parts: [], marks: [], bytes: 0, written: Promise.withResolvers<void>() };
      const batch = this.#next;
      batch.parts.push(fresh);
      batch.marks.push({ offset: end, at });
      batch.bytes += fresh.length;
      if (this.#writing === null) void this.#write();
      return batch.written.promise;
    });
  }

  async size(): Promise<number> {
    return this.#using(async () => {
      await this.#open('read');
      return this.#size;
    });
  }

  /** Takes notice of what another process has appended. While this one appends, nobody else does. */
  async refresh(): Promise<void> {
    await this.#using(async () => {
      const files = await this.#open('read');
      if (files === null || this.#next !== null || this.#writing !== null) return;
      const { size } = await files.data.stat();
      if (size > this.#size) await this.#measure(files.data, files.index);
    });
  }

  /** As much as fits into `buffer`, from `from` on; null when the log ends there, for now. */
  async read(from: number, buffer: Uint8Array, cursor: IndexCursor): Promise<LogChunk | null> {
    return this.#using(async () => {
      const files = await this.#open('read');
      const length = Math.min(buffer.length, this.#size - from);
      if (files === null || length <= 0) return null;
      const { bytesRead } = await files.data.read(buffer, 0, length, from);
      if (bytesRead === 0) return null;
      const at = await cursor.at(files.index, this.#entries, from);
      return { offset: from, at: at ?? files.changedAt, bytes: buffer.subarray(0, bytesRead) };
    });
  }

  /** Where the first byte lies that came at `since` or later; the size when none has. */
  async offsetAt(since: Millis): Promise<number> {
    return this.#using(async () => {
      const files = await this.#open('read');
      if (files === null) return 0;
      const found = await firstEntry(files.index, this.#entries, (entry) => entry.at >= since);
      const [entry] = await readEntries(files.index, found, 1);
      return found >= this.#entries ? this.#size : (entry?.offset ?? this.#size);
    });
  }

  /** Opened again by the next use. */
  async close(): Promise<void> {
    const open = [await this.#files?.opened.catch(() => null), this.#retired];
    this.#files = null;
    this.#retired = null;
    for (const files of open) {
      await files?.data.close();
      await files?.index.close();
    }
  }

  async #using<T>(work: () => Promise<T>): Promise<T> {
    this.#uses++;
    try {
      return await work();
    } finally {
      this.#uses--;
    }
  }

  /** Where the next byte goes, counting what waits to be written. */
  #end(): number {
    const last = this.#next ?? this.#writing;
    return last === null ? this.#size : last.offset + last.bytes;
  }

  #open(how: 'write'): Promise<Files>;
  #open(how: 'read'): Promise<Files | null>;
  async #open(how: 'write' | 'read'): Promise<Files | null> {
    for (;;) {
      const known = this.#files;
      const using = known ?? { mode: how, opened: this.#openFiles(how) };
      this.#files = using;
      try {
        const files = await using.opened;
        if (how === 'read' || files.mode === 'write') return files;
        this.#retired ??= files;
      } catch (error) {
        const mine = using.mode === how;
        if (this.#files === using) this.#files = null;
        if (how === 'read' && isMissing(error)) return null;
        if (mine) throw error;
        continue; // somebody else's attempt, for another purpose
      }
      if (this.#files === using) this.#files = null;
    }
  }

  async #openFiles(mode: 'write' | 'read'): Promise<Files> {
    const data = await this.#openFile(`${this.#path}.log`, mode);
    let index: LogFile;
    try {
      index = await this.#openFile(`${this.#path}.idx`, mode);
    } catch (error) {
      await data.close();
      throw error;
    }
    return { mode, data, index, changedAt: await this.#measure(data, index) };
  }

  /** Returns when the file was last changed. */
  async #measure(data: LogFile, index: LogFile): Promise<Millis> {
    const { size, mtimeMs } = await data.stat();
    let entries = entryCount((await index.stat()).size);
    let last: IndexEntry | null = null;
    for (; entries > 0; entries--) {
      last = (await readEntries(index, entries - 1, 1))[0] ?? null;
      // The index is written after the bytes; only a machine that lost power can have it ahead.
      if (last !== null && last.offset < size) break;
      last = null;
    }
    this.#size = size;
    this.#entries = entries;
    this.#lastEntry = last;
    return Math.floor(mtimeMs);
  }

  async #write(): Promise<void> {
    while (this.#next !== null) {
      const batch = this.#next;
      this.#next = null;
      this.#writing = batch;
      try {
        await this.#writeBatch(batch);
      } catch (error) {
        // What waits lies beyond the hole that this batch leaves.
        const waiting: Batch | null = this.#next;
        this.#next = null;
        this.#writing = null;
        batch.written.reject(error);
        (waiting as Batch | null)?.written.reject(error); // narrowed to null by the loop's own assignment
        return;
      }
      this.#writing = null;
      batch.written.resolve();
      this.#onStored(this.#size);
    }
  }

  async #writeBatch(batch: Batch): Promise<void> {
    const files = await this.#open('write');
    await writeFully(files.data, batch.parts, batch.bytes, batch.offset);
    const entries = newEntries(batch.marks, this.#lastEntry);
    if (entries.length > 0) {
      const bytes = encodeEntries(entries);
      await writeFully(files.index, [bytes], bytes.length, entryPosition(this.#entries));
      this.#entries += entries.length;
      this.#lastEntry = entries.at(-1) ?? this.#lastEntry;
    }
    this.#size = batch.offset + batch.bytes;
  }
}

/** A full disk takes a part without an error, and refuses only the next. */
async function writeFully(file: LogFile, parts: readonly Uint8Array[], bytes: number, position: number): Promise<void> {
  let { bytesWritten } = await file.writev(parts, position);
  if (bytesWritten === bytes) return;
  const rest = Buffer.concat(parts);
  while (bytesWritten < bytes) {
    const more = await file.write(rest, bytesWritten, bytes - bytesWritten, position + bytesWritten);
    if (more.bytesWritten === 0) throw new Error('the file takes no more bytes');
    bytesWritten += more.bytesWritten;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
