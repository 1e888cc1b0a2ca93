/** A source that is asked when needed: at most once at a time, no longer than its deadline, and kept for a while. */

import type { CatalogOffer } from './catalog-offer.ts';
import { HeldSource } from './held-source.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

export interface OnlineSource {
  readonly name: string;
  /** Backends that it sells for: it is asked only where a query wants one of them. */
  readonly backends: readonly string[];
  /** How long an answer is used, in ms. */
  readonly cacheForMs: number;
  /** How long it may take, in ms. */
  readonly deadlineMs: number;
  /** All its offers. Rejects when the list cannot be whole. */
  collect(signal: AbortSignal): Promise<Iterable<CatalogOffer>>;
}

/** After a failure it is left alone for this long, so that a broken cloud does not slow every query. */
const RETRY_AFTER_MS = 10_000;

export class OnlineAnswers {
  readonly source: OnlineSource;
  readonly #now: () => number;
  #held: HeldSource;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  constructor(source: OnlineSource, now: () => number) {
    this.source = source;
    this.#now = now;
    const facts = { kind: 'online', version: null, staleAfterMs: source.cacheForMs } as const;
    this.#held = new HeldSource(source.name, facts, null, 'It has not been asked yet.');
  }

  /** The last answer, or why there is none. */
  get held(): HeldSource {
    return this.#held;
  }

  /** Asks, unless the last answer is still good or somebody asks already. Never rejects. */
  refresh(): Promise<void> {
    const now = this.#now();
    const isGood = isWithin(now - this.#answeredAt, this.source.cacheForMs);
    if (isGood || isWithin(now - this.#failedAt, RETRY_AFTER_MS)) return Promise.resolve();
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const { name, deadlineMs } = this.source;
    const deadline = new AbortController();
    const tooLate = Promise.withResolvers<never>();
    tooLate.promise.catch(() => undefined); // raced below, and no defect when it loses
    const timer = setTimeout(() => {
      const reason = new Error(`It did not answer within ${deadlineMs / 1000} s.`);
      deadline.abort(reason);
      tooLate.reject(reason); // also where it does not heed the signal
    }, deadlineMs);
    try {
      const asked = this.#now();
      const offers = await Promise.race([this.source.collect(deadline.signal), tooLate.promise]);
      const snapshot = decodeSnapshot(encodeSnapshot(offers, { source: name, collectedAt: asked }));
      this.#held = new HeldSource(name, this.#held.facts, snapshot, null);
      this.#answeredAt = this.#now();
      this.#failedAt = Number.NEGATIVE_INFINITY;
    } catch (cause) {
      this.#failedAt = this.#now();
      this.#held = this.#held.withProblem(cause instanceof Error ? cause.message : String(cause));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A clock that was set back makes nothing young again. */
function isWithin(age: number, most: number): boolean {
  return age >= 0 && age <= most;
}
