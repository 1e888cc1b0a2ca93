import type { AgentClock } from './clock.ts';

/** Longest that a timer may be set for at once; also how late a sleeping machine may notice. */
const STEP_MS = 60_000;

/**
 * Does something once, after a time that may be weeks and that passes also while the machine sleeps:
 * Node's own timers end at 24.8 days and stand still with the machine.
 */
export class Later {
  readonly #clock: AgentClock;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  constructor(clock: AgentClock) {
    this.#clock = clock;
  }

  /** In `delayMs` from now; an earlier setting is replaced, unless it would have come sooner and `keepSooner` is set. */
  set(delayMs: number, action: () => void, keepSooner: 'keep-sooner' | 'replace' = 'replace'): void {
    const due = this.#clock.sinceBoot() + Math.max(0, delayMs);
    if (keepSooner === 'keep-sooner' && due >= this.#due) return;
    this.cancel();
    this.#due = due;
    this.#arm(action);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
  }

  #arm(action: () => void): void {
    const left = this.#due - this.#clock.sinceBoot();
    this.#timer = setTimeout(
      () => {
        if (this.#due - this.#clock.sinceBoot() > 0) return this.#arm(action);
        this.#due = Number.POSITIVE_INFINITY;
        action();
      },
      Math.min(Math.max(0, left), STEP_MS),
    );
  }
}
