import { mkdir, readdir } from 'node:fs/promises';
import type { Millis } from '@berth/core/ids';
import { LogSegment, type Stream, type WriteVectors } from './log-segment.ts';

export interface LogPiece {
  readonly bytes: Uint8Array;
  readonly at: Millis;
  readonly stream: Stream;
}

export interface SpoolOptions {
  readonly segmentBytes: number;
  /** Replaced in tests that make the disk fail. */
  readonly write: WriteVectors;
}

export const SPOOL_OPTIONS: SpoolOptions = {
  segmentBytes: 8 * 1024 * 1024,
  write: async (file, buffers, position) => (await file.writev([...buffers], position)).bytesWritten,
};

/**
 * A job's log on disk, as segments that are deleted once the server has stored all of them: the disk
 * stays bounded while the server keeps up. One writer and one reader at a time.
 */
export class LogSpool {
  readonly #dir: string;
  readonly #options: SpoolOptions;
  readonly #segments: LogSegment[];
  #end: number;
  #stdoutBytes: number;
  #lastAt: Millis;
  /** The segment that was read last: reading moves forward, so it is the one to let go of. */
  #reading: LogSegment | null = null;

  private constructor(dir: string, options: SpoolOptions, segments: LogSegment[]) {
    this.#dir = dir;
    this.#options = options;
    this.#segments = segments;
    this.#end = segments.at(-1)?.end ?? 0;
    this.#stdoutBytes = 0;
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

  /** Bytes of stdout before `end`; the rest is stderr. */
  get stdoutBytes(): number {
    return this.#stdoutBytes;
  }

  /** The time of the last byte; 0: none. */
  get lastAt(): Millis {
    return this.#lastAt;
  }

  /**
   * Appends at `offset`, which lies beyond `end` only when the bytes between went to the server
   * without touching the disk; `skippedStdout` of those were stdout. Returns how many bytes got in,
   * from the front; throws what the file system throws.
   */
  async append(pieces: readonly LogPiece[], offset: number, skippedStdout: number): Promise<number> {
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.end !== offset || segment.isFull(this.#options.segmentBytes)) {
      await segment?.closeWriter();
      segment = LogSegment.create(this.#dir, offset, this.#options.write);
      this.#segments.push(segment);
    }
    const stdoutBefore = this.#stdoutBytes + skippedStdout;
    let written: number;
    try {
      written = await segment.append(pieces, stdoutBefore);
    } catch (error) {
      if (segment.size === 0) await this.#drop(segment);
      throw error;
    }
    this.#end = segment.end;
    this.#stdoutBytes = stdoutBefore + countStdout(pieces, written);
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
    this.#stdoutBytes = last.stdoutBefore + (last.stream === 'stdout' ? segment.end - last.offset : 0);
    this.#lastAt = last.at;
  }
}

function countStdout(pieces: readonly LogPiece[], limit: number): number {
  let left = limit;
  let stdout = 0;
  for (const piece of pieces) {
    const length = Math.min(left, piece.bytes.length);
    if (piece.stream === 'stdout') stdout += length;
    left -= length;
  }
  return stdout;
}
