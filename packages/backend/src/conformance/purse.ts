import { skip } from './rule.ts';

const HOUR_MS = 3_600_000;

export interface PurseOptions {
  /** US dollars. */
  readonly maxSpend: number;
  readonly maxTimeMs: number;
  readonly now: () => number;
}

/**
 * What a check of a real account may cost. Clouds bill by the hour begun unless they say better, and nobody knows
 * what a machine that cannot be removed will cost: so each is counted with all the hours that the check may last.
 */
export class Purse {
  readonly #options: PurseOptions;
  readonly #endsAt: number;
  #spent = 0;

  constructor(options: PurseOptions) {
    this.#options = options;
    this.#endsAt = options.now() + options.maxTimeMs;
  }

  /** US dollars at most. */
  get spent(): number {
    return this.#spent;
  }

  get remainingMs(): number {
    return Math.max(0, this.#endsAt - this.#options.now());
  }

  /** Takes out what a machine may cost, before it is made. @throws Skipped when that is too much */
  pay(pricePerHour: number): void {
    const { maxSpend, maxTimeMs } = this.#options;
    const cost = pricePerHour * Math.max(1, Math.ceil(maxTimeMs / HOUR_MS));
    if (!Number.isFinite(cost) || this.#spent + cost > maxSpend) {
      const dollars = (amount: number): string => `$${amount.toFixed(2)}`;
      skip(
        `a machine for ${dollars(cost)} would exceed --max-spend ${dollars(maxSpend)} (${dollars(this.#spent)} spent)`,
      );
    }
    this.#spent += cost;
  }

  /** @throws Skipped when the time is over */
  requireTime(): void {
    if (this.remainingMs === 0) skip('the time of --max-time is over');
  }
}
