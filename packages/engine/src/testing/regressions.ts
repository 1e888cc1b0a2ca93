/** Histories that went wrong once, each by the claim that it broke. Shrunk where that kept what was wrong. */
import type { Move } from './moves.ts';

export interface Regression {
  readonly claim: string;
  readonly seed: number;
  /** Null: all moves of the seed. */
  readonly moves: readonly Move[] | null;
}

export const REGRESSIONS: readonly Regression[] = [];
