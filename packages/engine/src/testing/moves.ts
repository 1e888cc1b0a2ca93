/**
 * What is done to a world in a random history, as plain data: drawn from a seed alone, so that any part of
 * a history can be played again exactly. Who is meant is said by a number from 0 to 1, its place among
 * those that are there at that moment.
 */
import { Seeded } from '@berth/backend/sim/seeded';
import type { SimCall, SimFault } from '@berth/backend/sim/sim-fault';
import { RETRY_EVENTS, type RunSpec } from '@berth/core';
import type { Behaviour } from './sim-agent.ts';

type Draw<M> = (chance: Seeded, index: number, scenario: Scenario) => M;

/** What is there from the beginning. */
export interface Scenario {
  /** More than one: the lanes are leased. */
  readonly servers: 1 | 2;
}

export type RunKnobs = Pick<
  RunSpec,
  'nodes' | 'startupOrder' | 'stopCriteria' | 'retry' | 'priority' | 'creationPolicy' | 'idleDurationMs'
> & { readonly stopDurationMs: number; readonly inFleets: boolean };

export type Move = { readonly thenMs: number } & (
  | { readonly do: 'apply'; readonly name: string; readonly knobs: RunKnobs; readonly behaviour: Behaviour }
  | { readonly do: 'stop'; readonly which: number; readonly abort: boolean }
  | { readonly do: 'apply-fleet'; readonly name: string; readonly min: number; readonly more: number }
  | { readonly do: 'delete-fleet'; readonly which: number }
  | { readonly do: 'delete-instance'; readonly which: number }
  /** The server dies: now, after so many scheduled events, or before or after its commits. */
  | { readonly do: 'crash'; readonly at: 'now' | 'event' | 'before' | 'after'; readonly count: number }
  | {
      readonly do: 'fault';
      readonly cloud: number;
      readonly call: SimCall;
      readonly fault: SimFault;
      readonly times: number;
    }
  | {
      readonly do: 'mishaps';
      readonly cloud: number;
      readonly call: SimCall;
      readonly fault: SimFault;
      readonly probability: number;
    }
  | { readonly do: 'set-cloud'; readonly cloud: number; readonly what: CloudKnob; readonly to: number }
  | { readonly do: 'offers'; readonly cloud: number; readonly fault: 'fails' | 'hangs' | 'slow' | null }
  | { readonly do: 'lose-rights'; readonly cloud: number; readonly forMs: number }
  | { readonly do: 'unconfigure'; readonly cloud: number }
  | { readonly do: 'kill-machine'; readonly which: number }
  | { readonly do: 'plant'; readonly cloud: number; readonly whose: Stranger }
  | { readonly do: 'harm-agent'; readonly which: number; readonly harm: AgentHarm }
  | { readonly do: 'partition'; readonly share: number }
  | { readonly do: 'store-fails'; readonly every: number }
  | { readonly do: 'set-clock'; readonly byMs: number }
  | { readonly do: 'server'; readonly what: ServerTurn; readonly which: number; readonly forMs: number }
);

export type CloudKnob =
  | 'capacity'
  | 'addressMs'
  | 'terminateMs'
  | 'bootMs'
  | 'visibleMs'
  | 'listedWhenGoneMs'
  | 'spotLifeMs'
  | 'pageSize'
  | 'latencyMs'
  | 'quota';

/** `orphan`: our tags, and no book knows it; the others are nobody's business but their owners'. */
export type Stranger = 'orphan' | 'no-token' | 'neighbour' | 'prefix' | 'untagged';

export type AgentHarm =
  | 'cut'
  | 'restart-live'
  | 'restart-die'
  | 'restart-forgotten'
  | 'restart-keeps-started'
  | 'unreachable'
  | 'reachable'
  | 'submit-hangs'
  | 'submit-refuses'
  | 'start-cut'
  | 'log-hangs'
  | 'log-fails'
  | 'artifacts-fail'
  | 'artifacts-missing';

/** Only where the lanes are leased. */
export type ServerTurn = 'join' | 'kill' | 'leave' | 'pause' | 'cut-off';

const MINUTE = 60_000;

export function drawScenario(seed: number): Scenario {
  return { servers: seed % 16 === 0 ? 2 : 1 };
}

/** @param most how many at most; a sixth of that at least */
export function drawMoves(seed: number, most: number): readonly Move[] {
  const scenario = drawScenario(seed);
  const chance = new Seeded(seed ^ 0x5bd1e995);
  const kinds = scenario.servers === 1 ? KINDS : [...KINDS, ...SERVER_KINDS];
  const weights = kinds.reduce((sum, [weight]) => sum + weight, 0);
  // A beat of every lease falls into all time that passes.
  const longestMs = scenario.servers === 1 ? 30 * MINUTE : MINUTE;
  return Array.from({ length: chance.between(Math.ceil(most / 6), most) }, (_, index) => {
    const draw = drawKind(kinds, chance.next() * weights);
    // From a millisecond up, all sizes alike.
    return { ...draw(chance, index, scenario), thenMs: Math.floor(Math.exp(chance.next() * Math.log(longestMs))) };
  });
}

function drawKind(kinds: readonly (readonly [number, Draw<Deed>])[], ticket: number): Draw<Deed> {
  let left = ticket;
  for (const [weight, draw] of kinds) {
    left -= weight;
    if (left < 0) return draw;
  }
  throw new Error('There is nothing to do.');
}

/** Without its time, which every move has. */
type Deed = Move extends infer M ? (M extends Move ? Omit<M, 'thenMs'> : never) : never;

const KINDS: readonly (readonly [number, Draw<Deed>])[] = [
  [10, drawApply],
  [4, (c) => ({ do: 'stop', which: c.next(), abort: c.chance(0.3) })],
  [2, drawFleet],
  [1, (c) => ({ do: 'delete-fleet', which: c.next() })],
  [1, (c) => ({ do: 'delete-instance', which: c.next() })],
  [2, () => ({ do: 'crash', at: 'now', count: 0 })],
  [4, (c) => ({ do: 'crash', at: c.pick(['before', 'after']), count: c.between(1, 12) })],
  [3, (c) => ({ do: 'crash', at: 'event', count: c.between(1, 30) })],
  [5, drawFault],
  [2, drawMishaps],
  [4, drawKnob],
  [1, (c) => ({ do: 'offers', cloud: c.next(), fault: c.pick(['fails', 'hangs', 'slow', null]) })],
  [1, (c) => ({ do: 'lose-rights', cloud: c.next(), forMs: c.pick([10_000, 10 * MINUTE]) })],
  [1, (c) => ({ do: 'unconfigure', cloud: c.next() })],
  [2, (c) => ({ do: 'kill-machine', which: c.next() })],
  [1, (c) => ({ do: 'plant', cloud: c.next(), whose: c.pick(STRANGERS) })],
  [6, (c) => ({ do: 'harm-agent', which: c.next(), harm: c.pick(HARMS) })],
  [1, (c) => ({ do: 'partition', share: c.pick([0, 0, 0.5, 1]) })],
  [2, (c) => ({ do: 'store-fails', every: c.pick([0, 2, 5, 10]) })],
  [1, (c) => ({ do: 'set-clock', byMs: c.pick([-60 * MINUTE, -MINUTE, 60 * MINUTE]) })],
];

const SERVER_KINDS: readonly (readonly [number, Draw<Deed>])[] = [
  [
    10,
    (c) => ({
      do: 'server',
      what: c.pick(['join', 'join', 'kill', 'leave', 'pause', 'cut-off']),
      which: c.next(),
      forMs: c.pick([1_000, 15_000, MINUTE]),
    }),
  ],
];

const STRANGERS: readonly Stranger[] = ['orphan', 'orphan', 'no-token', 'neighbour', 'prefix', 'untagged'];

const HARMS: readonly AgentHarm[] = [
  'cut',
  'cut',
  'restart-live',
  'restart-die',
  'restart-forgotten',
  'restart-keeps-started',
  'unreachable',
  'unreachable',
  'reachable',
  'reachable',
  'submit-hangs',
  'submit-refuses',
  'start-cut',
  'log-hangs',
  'log-fails',
  'artifacts-fail',
  'artifacts-missing',
];

function drawApply(c: Seeded, index: number, { servers }: Scenario): Deed {
  const longest = servers === 1 ? 60 * MINUTE : 5 * MINUTE;
  return {
    do: 'apply',
    name: `run-${index}`,
    knobs: {
      nodes: c.pick([1, 1, 1, 2, 3]),
      startupOrder: c.pick(['any', 'master-first', 'workers-first']),
      stopCriteria: c.pick(['all-done', 'master-done']),
      retry: c.chance(0.5)
        ? null
        : { onEvents: RETRY_EVENTS.filter(() => c.chance(0.7)), durationMs: c.pick([MINUTE, longest]) },
      priority: c.pick([0, 0, 50]),
      creationPolicy: c.pick(['reuse-or-create', 'reuse-or-create', 'reuse-or-create', 'reuse']),
      idleDurationMs: c.pick([0, MINUTE, 5 * MINUTE]),
      stopDurationMs: c.pick([1_000, 30_000]),
      inFleets: c.chance(0.3),
    },
    behaviour: {
      afterMs: c.pick([0, 1_000, MINUTE, longest / 3, null]),
      exitStatus: c.pick([0, 0, 0, 1]),
      whenStopped: c.pick(['ends', 'ends', 'lingers', 'ignores']),
      artifacts: c.chance(0.3),
      ...(c.chance(0.1) ? { cannotPrepare: c.pick(['image-error', 'setup-error'] as const) } : {}),
    },
  };
}

function drawFleet(c: Seeded): Deed {
  return { do: 'apply-fleet', name: c.pick(['pool', 'reserve']), min: c.pick([0, 0, 1, 2]), more: c.pick([0, 1]) };
}

const ANY_CALL = ['fails-before', 'succeeds-then-times-out', 'answers-twice', 'hangs', 'auth'] as const;

function drawWrong(c: Seeded): { readonly call: SimCall; readonly fault: SimFault } {
  const call = c.pick(['create', 'create', 'create', 'list', 'list', 'terminate', 'terminate', 'network'] as const);
  const delays: readonly SimFault[] = [
    { kind: 'rate-limited', retryAfterMs: c.pick([1_000, 90_000]) },
    { kind: 'unavailable', retryAfterMs: 5_000 },
    // A request to make something that arrives later than that is beyond looking for it: machines are left to the sweep.
    { kind: 'slow', ms: c.pick([500, 30_000, call === 'create' || call === 'network' ? 30_000 : 5 * MINUTE]) },
  ];
  switch (call) {
    case 'create':
      return { call, fault: c.pick<SimFault>([...ANY_CALL, 'no-capacity', 'quota', ...delays]) };
    case 'list':
      return { call, fault: c.pick<SimFault>([...ANY_CALL, 'late', 'stale', ...delays]) };
    case 'network':
      return { call, fault: c.pick<SimFault>([...ANY_CALL, 'quota', ...delays]) };
    case 'terminate':
      return { call, fault: c.pick<SimFault>([...ANY_CALL, 'ignored', ...delays]) };
  }
}

function drawFault(c: Seeded): Deed {
  return { do: 'fault', cloud: c.next(), ...drawWrong(c), times: c.between(1, 3) };
}

function drawMishaps(c: Seeded): Deed {
  return { do: 'mishaps', cloud: c.next(), ...drawWrong(c), probability: c.pick([0.05, 0.3]) };
}

const KNOBS: readonly (readonly [CloudKnob, readonly number[]])[] = [
  ['capacity', [0, 1, 2, 1_000]],
  ['capacity', [0, 1, 2, 1_000]],
  ['quota', [1, 1_000]],
  ['addressMs', [0, 20_000, 15 * MINUTE]],
  ['bootMs', [0, 60_000]],
  ['terminateMs', [0, 30_000]],
  // Within what a backend that says nothing else allows itself.
  ['visibleMs', [0, 20_000]],
  ['listedWhenGoneMs', [0, 10 * MINUTE]],
  ['spotLifeMs', [2 * MINUTE, 0]],
  ['pageSize', [1, 2, 100]],
  ['latencyMs', [0, 700]],
];

function drawKnob(c: Seeded): Deed {
  const [what, values] = c.pick(KNOBS);
  return { do: 'set-cloud', cloud: c.next(), what, to: c.pick(values) };
}
