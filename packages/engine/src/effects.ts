/**
 * Carries out effects beside the work queue: one of a kind at a time for each thing, again with
 * back-off after a failure, and finished or aborted when the engine stops.
 */
import type { Logger } from '@berth/backend';
import type { Millis } from '@berth/core';
import type { EngineClock } from './ports.ts';
import { type Backoff, backoff } from './timing.ts';

export interface EffectOptions {
  readonly deadlineMs: number;
  readonly backoff: Backoff;
  /** Looks at the thing again: after a failure when the back-off is over, or now. */
  readonly wake: (at?: Millis) => void;
}

export class Effects {
  readonly #clock: EngineClock;
  readonly #log: Logger;
  readonly #inFlight = new Map<string, { askedAgain: boolean; done: Promise<void> }>();
  readonly #failures = new Map<string, { count: number; retryAt: Millis }>();
  readonly #stopping = new AbortController();

  constructor(clock: EngineClock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  get idle(): boolean {
    return this.#inFlight.size === 0;
  }

  /** Begins the effect unless it is under way, or failed a moment ago. `key` names effect and thing. */
  begin(key: string, options: EffectOptions, perform: (signal: AbortSignal) => Promise<void>): void {
    if (this.#stopping.signal.aborted) return;
    const running = this.#inFlight.get(key);
    if (running !== undefined) {
      running.askedAgain = true;
      return;
    }
    const failed = this.#failures.get(key);
    if (failed !== undefined && failed.retryAt > this.#clock.now()) {
      options.wake(failed.retryAt);
      return;
    }
    const entry = { askedAgain: false, done: Promise.resolve() };
    this.#inFlight.set(key, entry);
    entry.done = this.#perform(key, options, perform, entry);
  }

  /** Resolves when nothing is under way; what is, gets `graceMs` before it is aborted. */
  async stop(graceMs: number): Promise<void> {
    const cancel = this.#clock.after(graceMs, () => this.#stopping.abort(new Error('The server is stopping.')));
    while (this.#inFlight.size > 0) await Promise.allSettled([...this.#inFlight.values()].map((entry) => entry.done));
    cancel();
    this.#stopping.abort(new Error('The server is stopping.'));
  }

  /** For things that are finished: their failures need not be remembered. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  async #perform(
    key: string,
    options: EffectOptions,
    perform: (signal: AbortSignal) => Promise<void>,
    entry: { askedAgain: boolean },
  ): Promise<void> {
    const deadline = new AbortController();
    const cancel = this.#clock.after(options.deadlineMs, () =>
      deadline.abort(new Error(`No answer within ${Math.round(options.deadlineMs / 1000)} s.`)),
    );
    const signal = AbortSignal.any([deadline.signal, this.#stopping.signal]);
    try {
      await perform(signal);
      this.#failures.delete(key);
      this.#inFlight.delete(key);
      if (entry.askedAgain) options.wake();
    } catch (error) {
      const count = (this.#failures.get(key)?.count ?? 0) + 1;
      const retryAt = this.#clock.now() + backoff(options.backoff, count);
      this.#failures.set(key, { count, retryAt });
      this.#inFlight.delete(key);
      this.#log.warn('An action failed and will be tried again', {
        action: key,
        failures: count,
        error: messageOf(error),
      });
      options.wake(retryAt);
    } finally {
      cancel();
    }
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
