import type { Millis } from '@berth/core/ids';
import { fullDisk, isDiskFull, messageOf } from './failure.ts';
import { LogBound, lossNotice } from './log-bound.ts';
import { type Counts, countOn, type LogPiece, type Source, type Stream } from './log-segment.ts';
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

interface Queued extends LogPiece {
  readonly offset: number;
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
  readonly #bound: LogBound;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #end: number;
  #acked = 0;
  /** What the job has written, also what was lost. */
  #counts: Counts;
  /** Bytes that were lost since the last notice of a loss; 0: none. */
  #lost = 0;
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
    this.#counts = spool.counts;
    this.#bound = new LogBound({ limitBytes: () => spool.limitBytes(), patienceMs: spool.patienceMs });
    this.#lastAt = spool.lastAt;
  }

  /** Length of the log so far: what the job has written, with a notice in the place of what was lost. */
  get end(): number {
    return this.#end;
  }

  /** Bytes below are not in memory any more. */
  get heldFrom(): number {
    return this.#queue[0]?.offset ?? this.#end;
  }

  /** What the job has written to its outputs, as far as it was read. */
  get stdoutBytes(): number {
    return this.#counts.stdout;
  }

  get stderrBytes(): number {
    return this.#counts.stderr;
  }

  /** The time of the last byte; 0: none yet. */
  get lastAt(): Millis {
    return this.#lastAt;
  }

  /**
   * Takes bytes over; the caller must not change them any more. False: the queue is full, nothing
   * more should come until `drained` resolves.
   *
   * As much as may wait for the server waits on disk. Beyond it a server that goes on storing holds the
   * job up; while none does, what the job writes is lost, and a notice in the log says how much.
   */
  push(bytes: Uint8Array, stream: Stream, at: Millis): boolean {
    if (bytes.length > 0 && !this.#closed) {
      this.#lastAt = Math.max(this.#lastAt, at);
      if (this.#isOver() && this.#bound.isServerAway()) {
        if (this.#lost === 0) this.#tellLoss();
        this.#lost += bytes.length;
      } else {
        this.closeGap();
        this.#add(bytes, stream);
      }
      this.#counts = countOn(this.#counts, stream, bytes.length);
    }
    return this.#queuedBytes < QUEUE_BYTES && (!this.#isOver() || this.#bound.isServerAway());
  }

  async drained(): Promise<void> {
    const patience = setInterval(() => this.#wake(), Math.min(1_000, this.#bound.patienceMs));
    await this.#until(
      () => this.#closed || (this.#queuedBytes <= RESUME_BYTES && (!this.#isOver() || this.#bound.isServerAway())),
    );
    clearInterval(patience);
  }

  /** Puts the notice of a loss into the log, if there was one since the last; nothing more is lost without another. */
  closeGap(): void {
    if (this.#lost === 0) return;
    const lost = this.#lost;
    this.#lost = 0;
    this.#add(Buffer.from(lossNotice(lost)), 'notice');
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
    this.#bound.stored();
    this.#wakeRetry?.();
    this.#wake();
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

  #add(bytes: Uint8Array, source: Source): void {
    this.#enqueue(bytes, source, this.#lastAt);
    this.#end += bytes.length;
    this.#queuedBytes += bytes.length;
    if (!this.#flushing) void this.#flush();
    if (this.#failing !== null) this.#hooks.onData();
  }

  #isOver(): boolean {
    return this.#bound.isReached(this.#end - Math.max(this.#acked, this.#spool.start), this.#lost > 0);
  }

  #tellLoss(): void {
    this.#hooks.onProblem(
      'spool-failed',
      `${this.#bound.limitMiB} MiB of the job's log wait for the server, and more may not. The job goes on; what it writes from now on is lost until the server takes the log again.`,
    );
  }

  #enqueue(bytes: Uint8Array, source: Source, at: Millis): void {
    const last = this.#queue.at(-1);
    // While a batch is being written its pieces are in use; only then is there more than one writer.
    const mergeable =
      last !== undefined &&
      !this.#flushing &&
      last.source === source &&
      at - last.at < MERGE_MS &&
      last.bytes.buffer === bytes.buffer &&
      last.bytes.byteOffset + last.bytes.length === bytes.byteOffset;
    if (mergeable) {
      const merged = new Uint8Array(bytes.buffer, last.bytes.byteOffset, last.bytes.length + bytes.length);
      this.#queue[this.#queue.length - 1] = { ...last, bytes: merged };
    } else {
      this.#queue.push({ offset: this.#end, bytes, at, source, before: this.#counts });
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
        this.#forgetFront(await this.#spool.append(batch, first.offset));
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
      left -= gone;
      if (gone < piece.bytes.length) {
        const before = countOn(piece.before, piece.source, gone);
        this.#queue[whole] = { ...piece, before, offset: piece.offset + gone, bytes: piece.bytes.subarray(gone) };
        break;
      }
      whole += 1;
    }
    this.#queue.splice(0, whole);
    this.#queuedBytes = this.#end - this.heldFrom;
  }

  #failed(error: unknown): void {
    if (this.#failing !== null) return;
    const why = isDiskFull(error) ? fullDisk(this.#spool.dir) : messageOf(error);
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
