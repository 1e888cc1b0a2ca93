import type { Millis } from '@berth/core/ids';
import { isDiskFull, messageOf } from './failure.ts';
import type { Stream } from './log-segment.ts';
import type { LogSpool } from './log-spool.ts';
import type { AgentProblemCode } from './protocol.ts';

/** What waits for the disk, in memory. Beyond it the job's output is no longer read, and the job waits. */
export const QUEUE_BYTES = 8 * 1024 * 1024;
/** Reading goes on once the queue has shrunk to this. */
const RESUME_BYTES = QUEUE_BYTES / 2;
/** One write to disk at most; also bounds the vectors of one call, of which Linux takes 1024. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_PIECES = 512;
/** Neighbours that are this close in time are one piece. */
const MERGE_MS = 10;
const RETRY_MS = 1_000;

interface Queued {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly at: Millis;
  readonly stream: Stream;
}

export interface JobLogHooks {
  /** There is more to read than before. */
  onData(): void;
  onProblem(code: AgentProblemCode, message: string): void;
}

/**
 * One job's log: takes bytes from the driver, puts them on disk, and hands them to whoever sends.
 * While the disk refuses, bytes go to the server from memory, and what it stores needs no disk.
 */
export class JobLog {
  readonly #spool: LogSpool;
  readonly #hooks: JobLogHooks;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  /** Bytes of stdout before the front of the queue. */
  #frontStdout: number;
  #end: number;
  #acked = 0;
  #stdoutBytes: number;
  #lastAt: Millis;
  #flushing = false;
  /** What the disk is refusing with; null: it takes writes. */
  #failing: AgentProblemCode | null = null;
  #closed = false;
  #wakeRetry: (() => void) | null = null;
  readonly #waiters: { readonly ready: () => boolean; readonly resolve: () => void }[] = [];

  constructor(spool: LogSpool, hooks: JobLogHooks) {
    this.#spool = spool;
    this.#hooks = hooks;
    this.#end = spool.end;
    this.#stdoutBytes = spool.stdoutBytes;
    this.#frontStdout = spool.stdoutBytes;
    this.#lastAt = spool.lastAt;
  }

  /** Bytes that the job has written so far, as far as they were read. */
  get end(): number {
    return this.#end;
  }

  /** Bytes below are not in memory any more. */
  get heldFrom(): number {
    return this.#queue[0]?.offset ?? this.#end;
  }

  get stdoutBytes(): number {
    return this.#stdoutBytes;
  }

  get stderrBytes(): number {
    return this.#end - this.#stdoutBytes;
  }

  /** The time of the last byte; 0: none yet. */
  get lastAt(): Millis {
    return this.#lastAt;
  }

  /**
   * Takes bytes over; the caller must not change them any more. False: the queue is full, nothing
   * more should come until `drained` resolves.
   */
  push(bytes: Uint8Array, stream: Stream, at: Millis): boolean {
    if (bytes.length > 0 && !this.#closed) {
      this.#lastAt = Math.max(this.#lastAt, at);
      this.#enqueue(bytes, stream, this.#lastAt);
      this.#end += bytes.length;
      if (stream === 'stdout') this.#stdoutBytes += bytes.length;
      this.#queuedBytes += bytes.length;
      if (!this.#flushing) void this.#flush();
      if (this.#failing !== null) this.#hooks.onData();
    }
    return this.#queuedBytes < QUEUE_BYTES;
  }

  drained(): Promise<void> {
    return this.#until(() => this.#queuedBytes <= RESUME_BYTES);
  }

  /** Resolves when all that was pushed is on disk or stored by the server, or after `limitMs`, or at once on a failing disk. */
  async flushed(limitMs: number): Promise<void> {
    const cancel = new AbortController();
    const limit = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      cancel.signal.addEventListener('abort', () => clearTimeout(timer));
    });
    await Promise.race([this.#until(() => this.#queue.length === 0 || this.#failing !== null), limit]);
    cancel.abort();
  }

  /** True: `read` at this offset would return something. */
  hasDataAt(offset: number): boolean {
    return offset < (this.#failing !== null ? this.#end : this.#spool.end);
  }

  /** Fills `target` from `offset` with bytes of one time; null: nothing there yet. */
  async read(offset: number, target: Uint8Array): Promise<{ offset: number; length: number; at: Millis } | null> {
    if (offset < this.#spool.end) return await this.#spool.read(offset, target);
    if (this.#failing === null) return null;
    const piece = this.#queue.find((candidate) => candidate.offset + candidate.bytes.length > offset);
    if (piece === undefined) return null;
    const from = Math.max(offset, piece.offset);
    const source = piece.bytes.subarray(from - piece.offset, from - piece.offset + target.length);
    target.set(source);
    return { offset: from, length: source.length, at: piece.at };
  }

  /** The server has stored everything below `offset`. */
  async ack(offset: number): Promise<void> {
    if (offset <= this.#acked) return;
    this.#acked = offset;
    this.#wakeRetry?.();
    try {
      await this.#spool.trim(offset);
    } catch {
      // What could not be deleted now is deleted with the job.
    }
  }

  /** Nothing more will be pushed; what is there can still be read. */
  async rest(): Promise<void> {
    if (!this.#flushing) await this.#spool.closeWriter();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wakeRetry?.();
    await this.#until(() => !this.#flushing);
    await this.#spool.close();
  }

  #enqueue(bytes: Uint8Array, stream: Stream, at: Millis): void {
    const last = this.#queue.at(-1);
    // While a batch is being written its pieces are in use; only then is there more than one writer.
    const mergeable =
      last !== undefined &&
      !this.#flushing &&
      last.stream === stream &&
      at - last.at < MERGE_MS &&
      last.bytes.buffer === bytes.buffer &&
      last.bytes.byteOffset + last.bytes.length === bytes.byteOffset;
    if (mergeable) {
      const merged = new Uint8Array(bytes.buffer, last.bytes.byteOffset, last.bytes.length + bytes.length);
      this.#queue[this.#queue.length - 1] = { ...last, bytes: merged };
    } else {
      this.#queue.push({ offset: this.#end, bytes, at, stream });
    }
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    while (this.#queue.length > 0) {
      this.#forgetStored();
      const batch = this.#nextBatch();
      const first = batch[0];
      if (first === undefined) break;
      try {
        const skippedStdout = this.#frontStdout - this.#spool.stdoutBytes;
        this.#forgetFront(await this.#spool.append(batch, first.offset, skippedStdout));
        this.#recovered();
      } catch (error) {
        if (this.#closed) break;
        this.#failed(error);
        await this.#retryTime();
        continue;
      }
      this.#hooks.onData();
      this.#wake();
    }
    this.#flushing = false;
    this.#wake();
  }

  #nextBatch(): Queued[] {
    const batch: Queued[] = [];
    let bytes = 0;
    for (const piece of this.#queue) {
      if (batch.length >= BATCH_PIECES || bytes >= BATCH_BYTES) break;
      batch.push(piece);
      bytes += piece.bytes.length;
    }
    return batch;
  }

  /** On a failing disk, drops what the server has stored straight from memory. */
  #forgetStored(): void {
    const front = this.#queue[0];
    if (this.#failing !== null && front !== undefined && this.#acked > front.offset) {
      this.#forgetFront(this.#acked - front.offset);
    }
  }

  #forgetFront(length: number): void {
    let left = length;
    let whole = 0;
    for (const piece of this.#queue) {
      const gone = Math.min(left, piece.bytes.length);
      if (piece.stream === 'stdout') this.#frontStdout += gone;
      left -= gone;
      if (gone < piece.bytes.length) {
        this.#queue[whole] = { ...piece, offset: piece.offset + gone, bytes: piece.bytes.subarray(gone) };
        break;
      }
      whole += 1;
    }
    this.#queue.splice(0, whole);
    this.#queuedBytes = this.#end - this.heldFrom;
  }

  #failed(error: unknown): void {
    if (this.#failing !== null) return;
    const why = isDiskFull(error) ? 'the disk is full' : messageOf(error);
    this.#failing = isDiskFull(error) ? 'disk-full' : 'spool-failed';
    this.#hooks.onProblem(
      this.#failing,
      `The job's log cannot be written to disk: ${why}. The job goes on; its log is kept in memory until the server has it or the disk takes it again.`,
    );
    this.#hooks.onData();
    this.#wake();
  }

  #recovered(): void {
    if (this.#failing === null) return;
    this.#hooks.onProblem(this.#failing, 'The log is written to disk again; nothing was lost.');
    this.#failing = null;
  }

  async #retryTime(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      this.#wakeRetry = () => {
        // Nothing to retry for: the server's word alone has emptied the queue.
        this.#forgetStored();
        this.#wake();
        if (this.#queue.length > 0 && !this.#closed) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeRetry = null;
    if (this.#closed) this.#queue = [];
  }

  #until(ready: () => boolean): Promise<void> {
    if (ready()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ ready, resolve }));
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) {
      if (!waiter.ready()) continue;
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve();
    }
  }
}
