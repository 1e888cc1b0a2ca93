import { TransactionMisuse } from './store.ts';

/** A process that was stopped for a while has let time pass, but not these. */
const TICKS = 10;

/**
 * What `work` resolves with, unless it takes longer than `limitMs` of its own: the time in which
 * `databaseIsAsked` does not count.
 * @throws TransactionMisuse when it does
 */
export async function withinTime<T>(work: Promise<T>, limitMs: number, databaseIsAsked: () => boolean): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let ticks = 0;
  const late = new Promise<typeof LATE>((settle) => {
    timer = setInterval(() => {
      if (!databaseIsAsked() && ++ticks >= TICKS) settle(LATE);
    }, limitMs / TICKS);
  });
  try {
    const result = await Promise.race([work, late]);
    if (result !== LATE) return result;
  } finally {
    clearInterval(timer);
  }
  // Thrown here and not in the timer, so that its stack names the caller.
  throw new TransactionMisuse(
    `a transaction was not done after ${limitMs} ms and was rolled back: its work waits on something else than its tables`,
  );
}

const LATE = Symbol('late');
