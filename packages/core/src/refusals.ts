/** Why nothing was placed, grouped so that a person can act on it. */

import { type Misfit, type MisfitCount, MisfitTally } from './misfit.ts';
import type { Availability, Requirements } from './offer.ts';
import { compareIds } from './rank.ts';

export interface Refusal extends MisfitCount {
  readonly of: 'instances' | 'offers';
}

/** Said of offers that fit and may not be chosen. */
export const UNAVAILABLE: Readonly<Record<Availability, string>> = {
  'not-available': 'out of stock',
  'no-quota': 'the account has no quota for them',
  busy: 'in use',
  // Choosable, so never said.
  unknown: '',
  available: '',
  idle: '',
};

/** Collects refusals of one kind of place. */
export class Refusals {
  readonly #of: Refusal['of'];
  readonly #tally: MisfitTally;
  readonly #others = new Map<string, number>();

  constructor(of: Refusal['of'], requirements: Requirements) {
    this.#of = of;
    this.#tally = new MisfitTally(requirements);
  }

  misfit(misfit: Misfit): void {
    this.#tally.add(misfit);
  }

  /** For what fits and still cannot be taken. */
  other(reason: string, count = 1): void {
    this.#others.set(reason, (this.#others.get(reason) ?? 0) + count);
  }

  /** First what fits but cannot be taken, which a person can change soonest; each part most frequent first. */
  list(): Refusal[] {
    const others = [...this.#others]
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count || compareIds(a.reason, b.reason));
    return [...others, ...this.#tally.counts()].map((entry) => ({ of: this.#of, ...entry }));
  }
}

/** `3 offers: memory 15 GiB < 64 GiB; 1 instance: in use`. */
export function formatRefusals(refusals: readonly Refusal[]): string {
  return refusals
    .map(({ of, count, reason }) =>
      count === 0 ? reason : `${count} ${count === 1 ? of.slice(0, -1) : of}: ${reason}`,
    )
    .join('; ');
}
