import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Millis } from '@berth/core/ids';

/** Which of a process's outputs a byte came from; they share one log. */
export type Stream = 'stdout' | 'stderr';
/** `notice`: Berth's own words in the log, which the job did not write. */
export type Source = Stream | 'notice';

/** Bytes that the job has written to each of its outputs, also those that did not get into the log. */
export type Counts = Readonly<Record<Stream, number>>;

export interface LogPiece {
  readonly bytes: Uint8Array;
  readonly at: Millis;
  readonly source: Source;
  /** What the job had written before it. */
  readonly before: Counts;
}

/** From `offset` on, bytes are of this source and time; `before` tells what the job had written before them. */
export interface IndexRecord {
  readonly offset: number;
  readonly at: Millis;
  readonly before: Counts;
  readonly source: Source;
}

/** What the job had written when it had also written `length` bytes more to `source`. */
export function countOn(before: Counts, source: Source, length: number): Counts {
  return source === 'notice' ? before : { ...before, [source]: before[source] + length };
}

/** As in the index. */
const SOURCES: readonly Source[] = ['stdout', 'stderr', 'notice'];
const RECORD_BYTES = 40;
/** Records of one stream are at least this far apart: finer time than this is nobody's. */
const RECORD_MS = 10;
const MAX_RECORDS = 32 * 1024;
const CREATE = constants.O_RDWR | constants.O_CREAT;

export type WriteVectors = (file: FileHandle, buffers: readonly Uint8Array[], position: number) => Promise<number>;

/**
 * A stretch of a job's log on disk: `<offset>.log` holds exactly the bytes that were written,
 * `<offset>.idx` when they came and from which stream. The index is written before the bytes, so
 * that after a crash every byte that is there is also described.
 */
export class LogSegment {
  readonly start: number;
  size: number;
  readonly #path: string;
  readonly #write: WriteVectors;
  /** Null: on disk only. A segment that is neither written nor read keeps nothing in memory. */
  #records: IndexRecord[] | null;
  /** Writer and reader work side by side, so each has a file of its own to close. */
  #writer: { readonly data: FileHandle; readonly index: FileHandle } | null = null;
  #reader: FileHandle | null = null;

  private constructor(path: string, start: number, size: number, records: IndexRecord[] | null, write: WriteVectors) {
    this.#path = path;
    this.start = start;
    this.size = size;
    this.#records = records;
    this.#write = write;
  }

  static create(dir: string, start: number, write: WriteVectors): LogSegment {
    return new LogSegment(join(dir, String(start).padStart(16, '0')), start, 0, [], write);
  }

  /** `name` is the data file's, without its extension. */
  static async load(dir: string, name: string, write: WriteVectors): Promise<LogSegment> {
    const path = join(dir, name);
    const { size } = await stat(`${path}.log`);
    return new LogSegment(path, Number(name), size, null, write);
  }

  get end(): number {
    return this.start + this.size;
  }

  /** True: it takes no more, another one must be begun. */
  isFull(segmentBytes: number): boolean {
    return this.size >= segmentBytes || (this.#records?.length ?? 0) >= MAX_RECORDS;
  }

  /** Appends pieces in order. Returns the bytes that got in. */
  async append(pieces: readonly LogPiece[]): Promise<number> {
    this.#writer ??= {
      data: await open(`${this.#path}.log`, CREATE, 0o600),
      index: await open(`${this.#path}.idx`, CREATE, 0o600),
    };
    const { data, index } = this.#writer;
    const records = await this.records();
    const fresh: IndexRecord[] = [];
    let offset = this.end;
    let last = records.at(-1);
    for (const piece of pieces) {
      if (last === undefined || last.source !== piece.source || piece.at - last.at >= RECORD_MS) {
        last = { offset, at: piece.at, before: piece.before, source: piece.source };
        fresh.push(last);
      }
      offset += piece.bytes.length;
    }
    if (fresh.length > 0) {
      const encoded = encodeRecords(fresh);
      const written = await this.#write(index, [encoded], records.length * RECORD_BYTES);
      if (written < encoded.length) throw Object.assign(new Error('The disk is full.'), { code: 'ENOSPC' });
    }
    const written = await this.#write(
      data,
      pieces.map((piece) => piece.bytes),
      this.size,
    );
    this.size += written;
    // A record whose bytes did not get in is made anew with the next attempt.
    records.push(...fresh.filter((record) => record.offset < this.end));
    return written;
  }

  /** Bytes from `offset` on that share one time, as many as `target` holds. */
  async read(offset: number, target: Uint8Array): Promise<{ length: number; at: Millis }> {
    const records = await this.records();
    const place = records.findLastIndex((record) => record.offset <= offset);
    const boundary = records[place + 1]?.offset ?? this.end;
    const length = Math.min(target.length, boundary - offset, this.end - offset);
    this.#reader ??= await open(`${this.#path}.log`, 'r');
    const { bytesRead } = await this.#reader.read(target, 0, length, offset - this.start);
    return { length: bytesRead, at: records[place]?.at ?? 0 };
  }

  async records(): Promise<IndexRecord[]> {
    if (this.#records !== null) return this.#records;
    const bytes = await readFile(`${this.#path}.idx`).catch(() => Buffer.alloc(0));
    const records = this.#records ?? decodeRecords(bytes).filter((record) => record.offset < this.end);
    this.#records = records;
    return records;
  }

  async closeWriter(): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    this.#forget();
    await writer?.data.close();
    await writer?.index.close();
  }

  async closeReader(): Promise<void> {
    const reader = this.#reader;
    this.#reader = null;
    this.#forget();
    await reader?.close();
  }

  async remove(): Promise<void> {
    await this.closeWriter();
    await this.closeReader();
    await rm(`${this.#path}.log`, { force: true });
    await rm(`${this.#path}.idx`, { force: true });
  }

  #forget(): void {
    if (this.#writer === null && this.#reader === null) this.#records = null;
  }
}

function encodeRecords(records: readonly IndexRecord[]): Uint8Array {
  const numbers = Float64Array.from(
    records.flatMap((r) => [r.offset, r.at, r.before.stdout, r.before.stderr, SOURCES.indexOf(r.source)]),
  );
  return new Uint8Array(numbers.buffer);
}

function decodeRecords(bytes: Uint8Array): IndexRecord[] {
  const records: IndexRecord[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Little-endian as every machine that Node runs on writes a Float64Array.
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    records.push({
      offset: view.getFloat64(at, true),
      at: view.getFloat64(at + 8, true),
      before: { stdout: view.getFloat64(at + 16, true), stderr: view.getFloat64(at + 24, true) },
      source: SOURCES[view.getFloat64(at + 32, true)] ?? 'stdout',
    });
  }
  return records;
}
