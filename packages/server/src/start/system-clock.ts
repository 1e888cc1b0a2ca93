import type { EngineClock } from '@berth/engine';

/** The longest that a timer of Node.js waits; beyond that it would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: EngineClock = {
  now: () => Date.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      const now = Math.min(Math.max(0, left), LONGEST_MS);
      timer = setTimeout(() => (left > LONGEST_MS ? wait(left - now) : run()), now);
      // What keeps the process alive is that it listens.
      timer.unref();
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
