/**
 * Keeps what lies on the disk fresh: pulls published catalogs and collects sources, by the clock, in a thread
 * of its own that ends when it is done. Collecting parses gigabytes; nobody who asks the server shall notice.
 */
import { Worker } from 'node:worker_threads';
import type { Logger } from '@berth/backend';
import type { Clock } from '@berth/core/ids';
import type { CatalogConfig } from '../config/server-config.ts';

/** In a clone this file is TypeScript; in an installed package it is part of a chunk in `dist/`. */
const isSource = import.meta.url.endsWith('.ts');
const WORKER = new URL(isSource ? '../catalog-worker.ts' : './catalog-worker.js', import.meta.url);

/** Not while a server has just started and everybody wants something of it. */
const FIRST_AFTER_MS = 10_000;
/** A thousand servers that were started together must not ask together for ever. */
const JITTER = 0.1;
/** What a timer can hold: a longer one would go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** All sources one after the other, each up to its own deadline. Code that never yields is ended only so. */
const THREAD_DEADLINE_MS = 4 * 60 * 60_000;

export interface RefreshJob {
  /** `BERTH_HOME`. */
  readonly home: string;
  readonly pull: boolean;
  /** Sources; empty: none. */
  readonly collect: readonly string[];
}

/** What the thread says at its end: one line for each thing that went wrong. */
export interface RefreshOutcome {
  readonly problems: readonly string[];
}

export interface RefreshScheduleOptions {
  readonly home: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random?: () => number;
  readonly run?: (job: RefreshJob, signal: AbortSignal) => Promise<RefreshOutcome>;
  readonly firstAfterMs?: number;
}

export class RefreshSchedule {
  readonly #options: RefreshScheduleOptions;
  readonly #closing = new AbortController();
  #config: CatalogConfig | null = null;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #refreshedAt: number | null = null;
  #nextAt: number | null = null;

  constructor(options: RefreshScheduleOptions) {
    this.#options = options;
  }

  /** The first time is soon, so that a new address is tried at once. */
  set(config: CatalogConfig): void {
    this.#config = config;
    this.#plan(this.#options.firstAfterMs ?? FIRST_AFTER_MS);
  }

  get times(): { readonly refreshedAt: number | null; readonly nextRefreshAt: number | null } {
    return { refreshedAt: this.#refreshedAt, nextRefreshAt: this.#nextAt };
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the server stops'));
    clearTimeout(this.#timer);
    await this.#running;
  }

  #plan(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#nextAt = null;
    const config = this.#config;
    if (config === null || config.refreshMs === null || this.#closing.signal.aborted) return;
    if (config.urls.length + config.collect.length === 0) return;
    const random = this.#options.random ?? Math.random;
    const jittered = Math.min(delayMs * (1 - JITTER + 2 * JITTER * random()), LONGEST_TIMER_MS);
    this.#nextAt = this.#options.clock.now() + jittered;
    this.#timer = setTimeout(() => {
      this.#running ??= this.#refresh(config).finally(() => {
        this.#running = null;
        this.#plan(this.#config?.refreshMs ?? FIRST_AFTER_MS);
      });
    }, jittered).unref();
  }

  async #refresh({ urls, collect }: CatalogConfig): Promise<void> {
    const { home, log, clock, run = runInThread } = this.#options;
    const { signal } = this.#closing;
    try {
      const { problems } = await run({ home, pull: urls.length > 0, collect }, signal);
      for (const problem of problems) log.warn('the catalog is not as fresh as it should be', { problem });
      if (problems.length === 0) this.#refreshedAt = clock.now();
    } catch (error) {
      if (!signal.aborted) log.warn('the catalog was not refreshed', { error });
    }
  }
}

/** @throws what the thread threw; an Error when it does not end by itself */
export function runInThread(
  job: RefreshJob,
  signal: AbortSignal,
  deadlineMs: number = THREAD_DEADLINE_MS,
): Promise<RefreshOutcome> {
  const worker = new Worker(WORKER, { workerData: job });
  const ended = Promise.withResolvers<RefreshOutcome>();
  // Files appear whole, so a thread may end anywhere.
  const end = () => void worker.terminate();
  const late = setTimeout(() => {
    ended.reject(new Error(`the thread that refreshes the catalog was not done within ${deadlineMs / 1000} s`));
    end();
  }, deadlineMs).unref();
  signal.addEventListener('abort', end, { once: true });
  worker.once('message', (outcome: RefreshOutcome) => {
    ended.resolve(outcome);
    end(); // a source that left a connection open would keep it for ever
  });
  worker.once('error', ended.reject);
  worker.once('exit', (code) => {
    clearTimeout(late);
    signal.removeEventListener('abort', end);
    ended.reject(new Error(`the thread that refreshes the catalog ended with ${code}`)); // unless it had answered
  });
  return ended.promise;
}
