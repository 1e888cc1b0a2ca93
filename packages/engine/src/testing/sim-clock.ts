import type { EngineClock } from '../ports.ts';

interface Timer {
  at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that moves only when it is told to. Timers due at the same time run in the order they were set. */
export class SimClock implements EngineClock {
  #now: number;
  /** How far the clock was set, in sum: timers do not care what it shows. */
  #elapsed = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  /** Sets the clock forward or back. Timers keep the time that they had left. */
  step(ms: number): void {
    this.#now += ms;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#elapsed + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Milliseconds since the beginning, whatever the clock was set to. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** How many timers are set. */
  get armed(): number {
    return this.#timers.size;
  }

  /**
   * Lets `ms` pass, timer by timer, and lets everything that each causes come to rest.
   * @param between called whenever that is so
   */
  async advance(ms: number, between: () => Promise<void> = async () => {}): Promise<void> {
    const until = this.#elapsed + ms;
    await settle();
    await between();
    for (let due = this.#next(until); due !== null; due = this.#next(until)) {
      this.#timers.delete(due);
      this.#pass(due.at - this.#elapsed);
      due.run();
      await settle();
      await between();
    }
    this.#pass(until - this.#elapsed);
  }

  #pass(ms: number): void {
    if (ms <= 0) return;
    this.#elapsed += ms;
    this.#now += ms;
  }

  #next(until: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.at > until) continue;
      if (next === null || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  }
}

/** Everything here is in this process and without I/O: when the microtasks have run, it is at rest. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
