import type { Clock, Offer, Requirements } from '@berth/core';
import { BackendError } from './backend-error.ts';

export interface OfferCacheOptions<T> {
  readonly clock: Clock;
  /** How long an answer is good for; 0: only for those who asked while it was on its way. */
  readonly cacheForMs: number;
  /** Asks the cloud. Has a deadline of its own, and rejects instead of throwing. */
  readonly query: (requirements: Requirements | null) => Promise<readonly T[]>;
}

interface Answer<T> {
  readonly at: number;
  readonly offers: readonly T[];
}

/** Different requirements that are remembered at once; a planner asks for a handful at a time. */
const REMEMBERED = 64;

/** Asks a cloud for the same offers once, however many ask at once, and remembers the answer for a while. */
export class OfferCache<T = Offer> {
  readonly #options: OfferCacheOptions<T>;
  readonly #answers = new Map<string, Answer<T>>();
  readonly #asking = new Map<string, Promise<readonly T[]>>();

  constructor(options: OfferCacheOptions<T>) {
    this.#options = options;
  }

  /**
   * Offers that may fit. The signal ends only this caller's wait: others may share the question.
   * Throws `BackendError`; failures are not remembered.
   */
  async offers(requirements: Requirements | null, signal: AbortSignal): Promise<readonly T[]> {
    if (signal.aborted) throw cancelled();
    const key = JSON.stringify(requirements);
    const known = this.#answers.get(key);
    if (known !== undefined && this.#isFresh(known)) return known.offers;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#options.query(requirements);
      this.#asking.set(key, asking);
      void this.#settle(key, asking);
    }
    return await unlessAborted(asking, signal);
  }

  /** Forgets every answer, those that are on their way included: what they say was just proven wrong. */
  forget(): void {
    this.#answers.clear();
    this.#asking.clear();
  }

  async #settle(key: string, asking: Promise<readonly T[]>): Promise<void> {
    const offers = await asking.catch(() => null); // those who wait for it are told why
    if (this.#asking.get(key) !== asking) return; // forgotten while it was on its way
    this.#asking.delete(key);
    if (offers !== null) this.#remember(key, offers);
  }

  #remember(key: string, offers: readonly T[]): void {
    if (this.#options.cacheForMs <= 0) return;
    this.#answers.delete(key);
    this.#answers.set(key, { at: this.#options.clock.now(), offers });
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= REMEMBERED) break;
      this.#answers.delete(oldest);
    }
  }

  #isFresh(answer: Answer<T>): boolean {
    const age = this.#options.clock.now() - answer.at;
    // A clock that stepped back says nothing about age.
    return age >= 0 && age < this.#options.cacheForMs;
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(cancelled());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function cancelled(): BackendError {
  return new BackendError('transient', 'Asking for offers was cancelled.');
}
