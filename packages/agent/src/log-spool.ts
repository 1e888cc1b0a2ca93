import { statfsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import type { Millis } from '@berth/core/ids';
import { type Counts, countOn, type LogPiece, LogSegment, type WriteVectors } from './log-segment.ts';

export interface SpoolOptions {
  readonly segmentBytes: number;
  /** How much of one job's log may wait on disk for the server; asked anew from time to time. `held`: what waits already. */
  readonly limitBytes: (dir: string, held: number) => number;
  /** A server that has stored nothing for so long counts as away: then the log is bounded, not the job held up. */
  readonly patienceMs: number;
  /** Replaced in tests that make the disk fail. */
  readonly write: WriteVectors;
}

/** Days of an ordinary log, a minute of a mad one. */
export const SPOOL_LIMIT_BYTES = 2 * 1024 ** 3;
/** Of the disk's free room: several jobs share it, and what runs on this machine besides. */
const SHARE_OF_FREE = 0.1;
/** Whatever is free: a disk that is full holds the job up instead, and loses nothing. */
const LEAST_BYTES = 64 * 1024 ** 2;

export const SPOOL_OPTIONS: SpoolOptions = {
  segmentBytes: 8 * 1024 * 1024,
  limitBytes: spoolLimit(SPOOL_LIMIT_BYTES),
  patienceMs: 10_000,
  write: async (file, buffers, position) => (await file.writev([...buffers], position)).bytesWritten,
};

/** At most `limit`, and no more than a part of what is free. */
export function spoolLimit(limit: number): SpoolOptions['limitBytes'] {
  return (dir, held) => {
    try {
      const { bavail, bsize } = statfsSync(dir);
      const share = Math.floor((bavail * bsize + held) * SHARE_OF_FREE);
      return Math.min(limit, Math.max(share, LEAST_BYTES));
    } catch {
      return limit; // whether the disk takes it is seen when it is written
    }
  };
}

/**
 * A job's log on disk, as segments that are deleted once the server has stored all of them: the disk
 * stays bounded while the server keeps up. One writer and one reader at a time.
 */
export class LogSpool {
  readonly #dir: string;
  readonly #options: SpoolOptions;
  readonly #segments: LogSegment[];
  #end: number;
  #counts: Counts = { stdout: 0, stderr: 0 };
  #lastAt: Millis;
  /** The segment that was read last: reading moves forward, so it is the one to let go of. */
  #reading: LogSegment | null = null;

  private constructor(dir: string, options: SpoolOptions, segments: LogSegment[]) {
    this.#dir = dir;
    this.#options = options;
    this.#segments = segments;
    this.#end = segments.at(-1)?.end ?? 0;
    this.#lastAt = 0;
  }

  /** Takes up what an earlier agent left. */
  static async open(dir: string, options: SpoolOptions = SPOOL_OPTIONS): Promise<LogSpool> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const names = (await readdir(dir)).filter((name) => /^\d{16}\.log$/.test(name)).sort();
    const segments: LogSegment[] = [];
    for (const name of names) segments.push(await LogSegment.load(dir, name.slice(0, -4), options.write));
    const spool = new LogSpool(dir, options, segments);
    await spool.#recount();
    return spool;
  }

  /** Where the first stored byte stands in the job's log. */
  get start(): number {
    return this.#segments[0]?.start ?? this.#end;
  }

  get end(): number {
    return this.#end;
  }

  get dir(): string {
    return this.#dir;
  }

  /** How much may wait here now, in bytes. */
  limitBytes(): number {
    return this.#options.limitBytes(this.#dir, this.#end - this.start);
  }

  get patienceMs(): number {
    return this.#options.patienceMs;
  }

  /** What the job had written when the last byte here was. */
  get counts(): Counts {
    return this.#counts;
  }

  /** The time of the last byte; 0: none. */
  get lastAt(): Millis {
    return this.#lastAt;
  }

  /**
   * Appends at `offset`, which lies beyond `end` only when the bytes between went to the server
   * without touching the disk. Returns how many bytes got in, from the front; throws what the file
   * system throws.
   */
  async append(pieces: readonly LogPiece[], offset: number): Promise<number> {
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.end !== offset || segment.isFull(this.#options.segmentBytes)) {
      await segment?.closeWriter();
      segment = LogSegment.create(this.#dir, offset, this.#options.write);
      this.#segments.push(segment);
    }
    let written: number;
    try {
      written = await segment.append(pieces);
    } catch (error) {
      if (segment.size === 0) await this.#drop(segment);
      throw error;
    }
    this.#end = segment.end;
    this.#counts = countsAfter(pieces, written) ?? this.#counts;
    this.#lastAt = pieces.at(-1)?.at ?? this.#lastAt;
    return written;
  }

  /** Bytes at `offset` or at the first stored byte after it; null: nothing there yet. */
  async read(offset: number, target: Uint8Array): Promise<{ offset: number; length: number; at: Millis } | null> {
    const segment = this.#segments.find((candidate) => candidate.end > offset);
    if (segment === undefined) return null;
    if (this.#reading !== segment) {
      await this.#reading?.closeReader();
      this.#reading = segment;
    }
    const from = Math.max(offset, segment.start);
    const { length, at } = await segment.read(from, target);
    return length === 0 ? null : { offset: from, length, at };
  }

  /** Deletes the segments that lie wholly below `offset`, but for the last, which tells `end` and the counts. */
  async trim(offset: number): Promise<void> {
    for (;;) {
      const first = this.#segments[0];
      const laterHasBytes = this.#segments.slice(1).some((segment) => segment.size > 0);
      if (first === undefined || first.end > offset || !laterHasBytes) return;
      await this.#drop(first);
    }
  }

  /** Lets go of what writing needs; a later append opens it again. */
  async closeWriter(): Promise<void> {
    await this.#segments.at(-1)?.closeWriter();
  }

  async close(): Promise<void> {
    for (const segment of this.#segments) {
      await segment.closeWriter();
      await segment.closeReader();
    }
  }

  async #drop(segment: LogSegment): Promise<void> {
    const place = this.#segments.indexOf(segment);
    if (place !== -1) this.#segments.splice(place, 1);
    if (this.#reading === segment) this.#reading = null;
    await segment.remove();
  }

  async #recount(): Promise<void> {
    const segment = this.#segments.findLast((candidate) => candidate.size > 0);
    const last = (await segment?.records())?.at(-1);
    if (segment === undefined || last === undefined) return;
    this.#counts = countOn(last.before, last.source, segment.end - last.offset);
    this.#lastAt = last.at;
  }
}

/** Null: nothing was written. */
function countsAfter(pieces: readonly LogPiece[], written: number): Counts | null {
  let left = written;
  let counts: Counts | null = null;
  for (const piece of pieces) {
    if (left <= 0) break;
    const length = Math.min(left, piece.bytes.length);
    counts = countOn(piece.before, piece.source, length);
    left -= length;
  }
  return counts;
}
