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
    claim: 'a network that was made again, and of which nobody could write, is not taken for the one before',
    seed: 712_327,
    moves: [
      { do: 'unconfigure', cloud: 0.46687449142336845, thenMs: 22 },
      { do: 'apply-fleet', name: 'pool', min: 0, more: 1, thenMs: 120 },
      { do: 'kill-machine', which: 0.9199161489959806, thenMs: 10 },
      { do: 'store-fails', every: 2, thenMs: 1 },
      { do: 'crash', at: 'after', count: 12, thenMs: 575_932 },
      { do: 'apply-fleet', name: 'reserve', min: 0, more: 1, thenMs: 1_736_207 },
    ],
  },
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
  {
    claim: 'a run whose lane comes back while its placing is still being let go is placed',
    seed: 3_232_608,
    moves: [
      { do: 'harm-agent', which: 0.9444265861529857, harm: 'artifacts-missing', thenMs: 20 },
      { do: 'fault', cloud: 0.7244196387473494, call: 'terminate', fault: 'ignored', times: 1, thenMs: 14 },
      { do: 'offers', cloud: 0.23962490656413138, fault: 'hangs', thenMs: 71 },
      {
        do: 'apply',
        name: 'run-11',
        knobs: {
          nodes: 3,
          startupOrder: 'any',
          stopCriteria: 'master-done',
          retry: { onEvents: ['no-capacity', 'interruption', 'error'], durationMs: 60000 },
          priority: 0,
          creationPolicy: 'reuse',
          idleDurationMs: 60000,
          stopDurationMs: 1000,
          inFleets: true,
        },
        behaviour: { afterMs: 1000, exitStatus: 0, whenStopped: 'ignores', artifacts: true },
        thenMs: 406,
      },
      { do: 'server', what: 'join', which: 0.7858675168827176, forMs: 1000, thenMs: 68 },
      { do: 'server', what: 'leave', which: 0.5783069152384996, forMs: 60000, thenMs: 185 },
    ],
  },
];
