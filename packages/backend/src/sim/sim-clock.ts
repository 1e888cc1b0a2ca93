/** Time as an argument, and time that moves only when it is told to. */

/** What a simulated part needs of time. `after` runs once; the returned function cancels. */
export interface SimTime {
  /** Milliseconds since 1970. */
  now(): number;
  after(delayMs: number, run: () => void): () => void;
}

/** The machine's own time, for a simulated cloud that real code talks to. Its timers keep no process alive. */
export const REAL_TIME: SimTime = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

interface Timer {
  readonly at: number;
  readonly order: number;
  /** Null: cancelled. */
  run: (() => void) | null;
}

/** Timers due at the same time run in the order in which they were set. */
export class SimClock implements SimTime {
  #now: number;
  /** How far time went, in sum: timers do not care what the clock was set to. */
  #elapsed = 0;
  #order = 0;
  #armed = 0;
  /** A binary heap; what was cancelled stays in it until its time comes. */
  readonly #heap: Timer[] = [];

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
    const timer: Timer = { at: this.#elapsed + Math.max(0, delayMs), order: this.#order++, run };
    this.#armed += 1;
    this.#push(timer);
    return () => {
      if (timer.run === null) return;
      timer.run = null;
      this.#armed -= 1;
    };
  }

  /** Milliseconds since the beginning, whatever the clock was set to. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** Time that nobody sets, for those who have a clock of their own. */
  get steady(): SimTime {
    return { now: () => this.#elapsed, after: (delayMs, run) => this.after(delayMs, run) };
  }

  /** How many timers are set. */
  get armed(): number {
    return this.#armed;
  }

  /** Runs the next timer that is due within `ms` from now, at its time. False: there is none, and no time has passed. */
  runNext(untilElapsed: number): boolean {
    for (let next = this.#heap[0]; next !== undefined && next.at <= untilElapsed; next = this.#heap[0]) {
      this.#pop();
      const { run } = next;
      if (run === null) continue;
      next.run = null;
      this.#armed -= 1;
      this.pass(next.at - this.#elapsed);
      run();
      return true;
    }
    return false;
  }

  /** Time passes, and nothing happens. */
  pass(ms: number): void {
    if (ms <= 0) return;
    this.#elapsed += ms;
    this.#now += ms;
  }

  /**
   * Lets `ms` pass, timer by timer, and lets everything that each causes come to rest.
   * @param between called whenever that is so
   */
  async advance(ms: number, between: () => Promise<void> | void = () => {}): Promise<void> {
    const until = this.#elapsed + ms;
    do {
      await settle();
      const waiting = between();
      if (waiting !== undefined) await waiting;
    } while (this.runNext(until));
    this.pass(until - this.#elapsed);
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || isBefore(parent, timer)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      let child = heap[down];
      if (child === undefined) break;
      const right = heap[down + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        down += 1;
      }
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Everything here is in this process and without I/O: when the microtasks have run, it is at rest. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
