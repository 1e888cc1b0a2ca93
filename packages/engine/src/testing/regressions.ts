/** Histories that went wrong once, each by the claim that it broke. Shrunk where that kept what was wrong. */
import type { Move } from './moves.ts';

export interface Regression {
  readonly claim: string;
  readonly seed: number;
  /** Null: all moves of the seed. */
  readonly moves: readonly Move[] | null;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    claim: 'a clock that was set back does not put off a termination because a timer was armed anew in between',
    seed: 20_956,
    moves: [
      { do: 'apply-fleet', name: 'reserve', min: 0, more: 1, thenMs: 131_377 },
      { do: 'lose-rights', cloud: 0.19, forMs: 600_000, thenMs: 218_853 },
      { do: 'set-clock', byMs: -3_600_000, thenMs: 91 },
    ],
  },
  {
    claim: 'an idle machine is not kept for longer because the clock was set back',
    seed: 31_168,
    moves: [
      {
        do: 'apply',
        name: 'run-1',
        knobs: {
          nodes: 1,
          startupOrder: 'workers-first',
          stopCriteria: 'all-done',
          retry: null,
          priority: 50,
          creationPolicy: 'reuse-or-create',
          idleDurationMs: 300_000,
          stopDurationMs: 30_000,
          inFleets: false,
        },
        behaviour: { afterMs: 0, exitStatus: 1, whenStopped: 'ends', artifacts: false },
        thenMs: 3_170,
      },
      { do: 'set-clock', byMs: -3_600_000, thenMs: 43_590 },
      { do: 'set-clock', byMs: -3_600_000, thenMs: 6_561 },
    ],
  },
];
