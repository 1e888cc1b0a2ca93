import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobId, Millis } from '@berth/core/ids';
import { JobLog, type LogChunk, LogGap, type OpenLogFile, openLogFile } from './job-log.ts';
import { IndexCursor } from './log-index.ts';

/** Each has two files open. Far below the usual limit of 1024 files, far above the jobs that print at once. */
const MAX_OPEN_LOGS = 64;

/** Failures that are closer together are one episode, although a small write may succeed in between. */
const EPISODE_GAP_MS = 30_000;

export interface LogStoreOptions {
  readonly dir: string;
  readonly now: () => Millis;
  /** Once per job and episode: its log cannot be written, and why. */
  readonly onProblem?: (job: JobId, message: string) => void;
  /** The episode is over. */
  readonly onRecovered?: () => void;
  readonly openFile?: OpenLogFile;
  readonly maxOpen?: number;
  /** Set when other servers append to the same files. */
  readonly others?: LogOthers;
}

/** Other servers that have the same folder. */
export interface LogOthers {
  /** Bytes of this job were stored here. */
  stored(job: JobId): void;
  /** Somebody here waits for bytes of this job, or does not any more. */
  followed(job: JobId, isFollowed: boolean): void;
}

/** A reader's place in one log. No file is held open between two reads, and one buffer serves them all. */
export interface LogReader {
  /** The bytes from `from` on, as many as its buffer takes; null when there are none yet. */
  read(from: number): Promise<LogChunk | null>;
}

/** The logs of all jobs as files, `<dir>/<end of the id>/<id>.log`. */
export class LogStore {
  readonly #options: LogStoreOptions;
  /** In the order of their last use. */
  readonly #logs = new Map<JobId, JobLog>();
  readonly #listeners = new Map<JobId, Set<(size: number) => void>>();
  readonly #failing = new Set<JobId>();
  #lastFailureAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: LogStoreOptions) {
    this.#options = options;
  }

  /**
   * Adds bytes that begin at `offset`; resolves when they are in the file. Repeating an append changes
   * nothing, whatever became of the first one.
   * @throws LogGap when bytes before `offset` are missing; the file system's error when it cannot write
   */
  async append(job: JobId, offset: number, at: Millis, bytes: Uint8Array): Promise<void> {
    try {
      await this.#log(job).append(offset, at, bytes);
    } catch (error) {
      if (!(error instanceof LogGap)) this.#failed(job, error);
      throw error;
    }
    if (this.#failing.size > 0) this.#succeeded();
  }

  /** Bytes that are stored; 0 for a job that is unknown. */
  async size(job: JobId): Promise<number> {
    return (await this.#current(job)).size();
  }

  reader(job: JobId, bufferBytes: number): LogReader {
    const cursor = new IndexCursor();
    const buffer = Buffer.allocUnsafeSlow(bufferBytes);
    return {
      read: async (from) => {
        const chunk = await this.#log(job).read(from, buffer, cursor);
        if (chunk !== null || this.#options.others === undefined) return chunk;
        return (await this.#current(job)).read(from, buffer, cursor);
      },
    };
  }

  /** Where the output begins that came at `since` or later, to a tenth of a second. */
  async offsetAt(job: JobId, since: Millis): Promise<number> {
    return (await this.#current(job)).offsetAt(since);
  }

  /** Another server has stored bytes: whoever waits for them looks again. */
  async grown(job: JobId): Promise<void> {
    const listeners = this.#listeners.get(job);
    if (listeners === undefined) return;
    const size = await this.size(job);
    for (const listener of listeners) listener(size);
  }

  /** Jobs for whose bytes somebody waits. */
  followed(): readonly JobId[] {
    return [...this.#listeners.keys()];
  }

  /** Calls `listener` with the new size after every append. Returns the way to stop listening. */
  onAppend(job: JobId, listener: (size: number) => void): () => void {
    const listeners = this.#listeners.get(job) ?? new Set();
    this.#listeners.set(job, listeners);
    listeners.add(listener);
    if (listeners.size === 1) this.#options.others?.followed(job, true);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#listeners.get(job) !== listeners) return;
      this.#listeners.delete(job);
      this.#options.others?.followed(job, false);
    };
  }

  async remove(jobs: readonly JobId[]): Promise<void> {
    for (const job of jobs) {
      const log = this.#logs.get(job);
      this.#logs.delete(job);
      await log?.close();
      const path = this.#path(job);
      await rm(`${path}.log`, { force: true });
      await rm(`${path}.idx`, { force: true });
    }
  }

  async close(): Promise<void> {
    const logs = [...this.#logs.values()];
    this.#logs.clear();
    await Promise.all(logs.map((log) => log.close()));
  }

  /** With what others have appended. */
  async #current(job: JobId): Promise<JobLog> {
    const log = this.#log(job);
    if (this.#options.others !== undefined) await log.refresh();
    return log;
  }

  #log(job: JobId): JobLog {
    const open = this.#logs.get(job);
    const log =
      open ??
      new JobLog(this.#path(job), this.#options.openFile ?? openLogFile, (size) => {
        for (const listener of this.#listeners.get(job) ?? []) listener(size);
        this.#options.others?.stored(job);
      });
    this.#logs.delete(job);
    this.#logs.set(job, log);
    this.#closeOldest(log);
    return log;
  }

  #closeOldest(newest: JobLog): void {
    let excess = this.#logs.size - (this.#options.maxOpen ?? MAX_OPEN_LOGS);
    for (const [job, log] of this.#logs) {
      if (excess <= 0) return;
      if (!log.idle || log === newest) continue;
      this.#logs.delete(job);
      void log.close().catch(() => undefined); // nothing is lost: every write was awaited
      excess--;
    }
  }

  #path(job: JobId): string {
    if (!/^[0-9a-z]+$/i.test(job)) throw new TypeError('not a job id');
    return join(this.#options.dir, job.slice(-2), job);
  }

  #failed(job: JobId, error: unknown): void {
    this.#lastFailureAt = this.#options.now();
    if (this.#failing.has(job)) return;
    this.#failing.add(job);
    this.#options.onProblem?.(job, error instanceof Error ? error.message : String(error));
  }

  #succeeded(): void {
    if (this.#options.now() - this.#lastFailureAt < EPISODE_GAP_MS) return;
    this.#failing.clear();
    this.#options.onRecovered?.();
  }
}
