/** Waits between attempts, handed in so that tests need not wait. */
export interface Waiter {
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 ≤ x < 1 */
  random(): number;
}

export const realWaiter: Waiter = {
  now: Date.now,
  random: Math.random,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** The first wait is short because most breaks are a server that restarts; the longest is what a person still bears. */
const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/**
 * Doubles from 100 ms to 5 s; up to half of it is chance, so that many clients do not come back at once.
 * `attempt` counts from 0.
 */
export function backOffMs(attempt: number, random: () => number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(full * (0.5 + random() / 2));
}
