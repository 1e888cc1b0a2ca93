import { ApiError } from './api-error.ts';

/** A bucket of requests per key: so many a second, twice as many in a burst. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** @throws ApiError `rate-limited` */
  take(key: string, now: number): void {
    const burst = this.#perSecond * 2;
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * this.#perSecond);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) {
      const retryAfterS = Math.ceil((1 - bucket.tokens) / this.#perSecond);
      throw new ApiError('rate-limited', `more than ${this.#perSecond} requests a second`, undefined, { retryAfterS });
    }
    bucket.tokens -= 1;
  }
}
