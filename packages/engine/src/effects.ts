/**
 * Carries out effects beside the work queue: one of a kind at a time for each thing, again with
 * back-off after a failure, and finished or aborted when the engine stops.
 */
import type { Logger } from '@berth/backend';
import type { Millis } from '@berth/core';
import { type Deadline, deadline } from './deadline.ts';
import type { Lane } from './lanes.ts';
import type { EngineClock } from './ports.ts';
import { type Backoff, backoff, isDue } from './timing.ts';

export interface EffectOptions {
  readonly deadlineMs: number;
  readonly backoff: Backoff;
  /** True: a failure only says that it is too early, and is nothing to warn of. */
  readonly waits?: boolean;
  /** In which it is carried out, by which it can be abandoned. Left out: 0. */
  readonly lane?: Lane;
  /** Looks at the thing again: after a failure when the back-off is over, or now. */
  readonly wake: (at?: Millis) => void;
}

interface InFlight {
  readonly lane: Lane;
  readonly cancel: Deadline;
  cancelled: boolean;
  askedAgain: boolean;
  done: Promise<void>;
}

interface Failures {
  readonly lane: Lane;
  readonly count: number;
  readonly retryAt: Millis;
}

export class Effects {
  readonly #clock: EngineClock;
  readonly #log: Logger;
  /** By `<thing>/<kind>`. */
  readonly #inFlight = new Map<string, InFlight>();
  /** By thing, then by kind. */
  readonly #failures = new Map<string, Map<string, Failures>>();
  readonly #stopping = new AbortController();
  #stopped = false;

  constructor(clock: EngineClock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  get idle(): boolean {
    return this.#inFlight.size === 0;
  }

  /** Things of which something is remembered. */
  get size(): number {
    return this.#inFlight.size + this.#failures.size;
  }

  /** Begins the effect unless it is under way, or failed a moment ago. */
  begin(thing: string, kind: string, options: EffectOptions, perform: (signal: AbortSignal) => Promise<void>): void {
    if (this.#stopped) return;
    const key = `${thing}/${kind}`;
    const running = this.#inFlight.get(key);
    if (running !== undefined) {
      running.askedAgain = true;
      return;
    }
    const failed = this.#failures.get(thing)?.get(kind);
    if (failed !== undefined && !isDue(failed.retryAt, this.#clock.now(), options.backoff.maxMs)) {
      options.wake(failed.retryAt);
      return;
    }
    const cancel = deadline(this.#clock, options.deadlineMs, this.#stopping.signal);
    const { lane = 0 } = options;
    const entry: InFlight = { lane, cancel, cancelled: false, askedAgain: false, done: Promise.resolve() };
    this.#inFlight.set(key, entry);
    entry.done = this.#perform(thing, kind, options, perform, entry);
  }

  /** Aborts the effect if it is under way. Resolves when it has let go; rejects when `signal` is aborted before. */
  async cancel(thing: string, kind: string, signal: AbortSignal): Promise<void> {
    const entry = this.#inFlight.get(`${thing}/${kind}`);
    if (entry === undefined) return;
    signal.throwIfAborted();
    entry.cancelled = true;
    entry.cancel.abort(new Error('It is no longer wanted.'));
    const gaveUp = Promise.withResolvers<never>();
    const giveUp = (): void => gaveUp.reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await Promise.race([entry.done, gaveUp.promise]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** The thing is finished: that something about it failed need not be remembered. */
  forget(thing: string): void {
    this.#failures.delete(thing);
  }

  /** Somebody else looks after these lanes: what is under way in them is aborted, what failed is forgotten. */
  abandon(lanes: ReadonlySet<Lane>): void {
    for (const entry of this.#inFlight.values()) {
      if (!lanes.has(entry.lane)) continue;
      entry.cancelled = true;
      entry.cancel.abort(new Error('Another server looks after it.'));
    }
    for (const [thing, kinds] of this.#failures) {
      if ([...kinds.values()].some(({ lane }) => lanes.has(lane))) this.#failures.delete(thing);
    }
  }

  /** Resolves when nothing is under way in these lanes: with the patience of `stop`, but others go on. */
  async finish(lanes: ReadonlySet<Lane>, graceMs: number): Promise<void> {
    const concerned = [...this.#inFlight.values()].filter(({ lane }) => lanes.has(lane));
    await this.#end(concerned, graceMs, () => this.abandon(lanes));
    this.abandon(lanes);
  }

  /**
   * Resolves when nothing is under way. What is, gets `graceMs` before it is aborted, and as long again
   * to obey; what does not, is left behind: its outcome is looked for at the next start.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    const abort = (): void => this.#stopping.abort(new Error('The server is stopping.'));
    await this.#end([...this.#inFlight.values()], graceMs, abort);
    abort();
    if (this.#inFlight.size > 0) this.#log.warn('Stopped without an end of', { actions: [...this.#inFlight.keys()] });
  }

  async #end(entries: readonly InFlight[], graceMs: number, abort: () => void): Promise<void> {
    if (entries.length === 0) return;
    const late = Promise.withResolvers<void>();
    const cancelAbort = this.#clock.after(graceMs, abort);
    const cancelLate = this.#clock.after(2 * graceMs, () => late.resolve());
    await Promise.race([late.promise, Promise.all(entries.map((entry) => entry.done))]);
    cancelAbort();
    cancelLate();
  }

  /** Never rejects. */
  async #perform(
    thing: string,
    kind: string,
    options: EffectOptions,
    perform: (signal: AbortSignal) => Promise<void>,
    entry: InFlight,
  ): Promise<void> {
    const key = `${thing}/${kind}`;
    try {
      await perform(entry.cancel.signal);
      this.#inFlight.delete(key);
      this.#succeeded(thing, kind);
      if (entry.askedAgain) options.wake();
    } catch (error) {
      this.#inFlight.delete(key);
      if (entry.cancelled) {
        // Asked for while it was being let go: its lane came back before it had obeyed.
        if (entry.askedAgain) options.wake();
        return;
      }
      const count = (this.#failures.get(thing)?.get(kind)?.count ?? 0) + 1;
      const retryAt = this.#clock.now() + backoff(options.backoff, count);
      this.#failed(thing, kind, { lane: entry.lane, count, retryAt });
      const fields = { action: kind, on: thing, failures: count, error: messageOf(error) };
      if (options.waits === true) this.#log.debug('It is too early for an action', fields);
      else this.#log.warn('An action failed and will be tried again', fields);
      options.wake(retryAt);
    } finally {
      entry.cancel.clear();
    }
  }

  #failed(thing: string, kind: string, failures: Failures): void {
    const kinds = this.#failures.get(thing) ?? new Map<string, Failures>();
    kinds.set(kind, failures);
    this.#failures.set(thing, kinds);
  }

  #succeeded(thing: string, kind: string): void {
    const kinds = this.#failures.get(thing);
    kinds?.delete(kind);
    if (kinds?.size === 0) this.#failures.delete(thing);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
