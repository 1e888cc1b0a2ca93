import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Millis } from '@berth/core/ids';

/** The two kinds of time that the agent needs, handed in so that tests can step the wall clock. */
export interface AgentClock {
  /** Wall-clock time; may be set back under us. */
  now(): Millis;
  /** Milliseconds that only grow, also while the machine sleeps; comparable only within one boot of the machine. */
  sinceBoot(): number;
  /** Names the boot of the machine that `sinceBoot` counts from; null where the system has no name for it. */
  readonly boot: string | null;
}

export const systemClock: AgentClock = {
  now: () => Date.now(),
  sinceBoot: () => uptime() * 1000,
  boot: bootName(),
};

function bootName(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

/** Wall-clock time that never goes backwards: what happened later is never stamped earlier. */
export class ForwardTime {
  readonly #clock: AgentClock;
  #last: Millis;

  constructor(clock: AgentClock, notBefore: Millis = 0) {
    this.#clock = clock;
    this.#last = notBefore;
  }

  now(): Millis {
    this.#last = Math.max(this.#last, this.#clock.now());
    return this.#last;
  }
}

/** A step back that is smaller than this is the ordinary work of a time daemon. */
const STEP_MS = 5_000;

/** Tells when the wall clock was set back against the time since boot; says so once. */
export class StepWatch {
  readonly #clock: AgentClock;
  #highest: number;
  #told = false;

  constructor(clock: AgentClock) {
    this.#clock = clock;
    this.#highest = clock.now() - clock.sinceBoot();
  }

  /** The size of the step in ms when one is noticed for the first time, else null. */
  check(): number | null {
    const difference = this.#clock.now() - this.#clock.sinceBoot();
    const step = this.#highest - difference;
    this.#highest = Math.max(this.#highest, difference);
    if (this.#told || step <= STEP_MS) return null;
    this.#told = true;
    return step;
  }
}
