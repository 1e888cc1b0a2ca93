/** What goes wrong with a request to a simulated cloud. */
import type { Seeded } from './seeded.ts';

/** Requests of the cloud's API; `list` is one page of one region. */
export const SIM_CALLS = [
  'account',
  'offers',
  'create',
  'list',
  'terminate',
  'stop',
  'start',
  'ports',
  'volume',
  'placement',
  'network',
  'reservations',
  'images',
] as const;
export type SimCall = (typeof SIM_CALLS)[number];

export type SimFault =
  /** Refused, and nothing happened. */
  | 'fails-before'
  /** Done, but the answer is lost. */
  | 'succeeds-then-times-out'
  /** The request is carried out twice, as a packet that was sent again. */
  | 'answers-twice'
  | 'hangs'
  /** Answers well and does nothing. */
  | 'ignored'
  /** `list` does not show what was made in the last `LATE_MS`. */
  | 'late'
  /** `list` shows how things were `STALE_MS` ago. */
  | 'stale'
  | 'no-capacity'
  | 'quota'
  | 'auth'
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number }
  /** A 5xx that says that the request was not begun. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number }
  | { readonly kind: 'slow'; readonly ms: number };

/** Below what an engine that knows nothing better allows a list (30 s). */
export const LATE_MS = 20_000;
export const STALE_MS = 20_000;

/** Faults by call: those in a queue first, one for each request, then those that come by chance. */
export class SimFaults {
  readonly #random: Seeded;
  readonly #chances = new Map<SimCall, (readonly [number, SimFault])[]>();
  readonly queued: { readonly [C in SimCall]: SimFault[] } = {
    account: [],
    offers: [],
    create: [],
    list: [],
    terminate: [],
    stop: [],
    start: [],
    ports: [],
    volume: [],
    placement: [],
    network: [],
    reservations: [],
    images: [],
  };

  constructor(random: Seeded) {
    this.#random = random;
  }

  /** The next requests of this kind go wrong like this, one each. */
  push(call: SimCall, ...faults: readonly SimFault[]): void {
    this.queued[call].push(...faults);
  }

  /** From now on every request of this kind goes wrong like this with that probability, from 0 to 1. */
  chance(call: SimCall, fault: SimFault, probability: number): void {
    const chances = this.#chances.get(call) ?? [];
    chances.push([probability, fault]);
    this.#chances.set(call, chances);
  }

  /** None of these goes wrong any more, neither next nor by chance. */
  drop(call: SimCall, faults: readonly SimFault[]): void {
    const { queued } = this;
    queued[call].splice(0, queued[call].length, ...queued[call].filter((fault) => !faults.includes(fault)));
    this.#chances.set(
      call,
      (this.#chances.get(call) ?? []).filter(([, fault]) => !faults.includes(fault)),
    );
  }

  /** Nothing goes wrong any more. */
  clear(): void {
    for (const call of SIM_CALLS) this.queued[call].length = 0;
    this.#chances.clear();
  }

  /** That of the request which comes in now; null: none. */
  next(call: SimCall): SimFault | null {
    const queued = this.queued[call].shift();
    if (queued !== undefined) return queued;
    for (const [probability, fault] of this.#chances.get(call) ?? []) {
      if (this.#random.chance(probability)) return fault;
    }
    return null;
  }
}
