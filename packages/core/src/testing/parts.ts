import type { TestContext } from 'node:test';

/** Real things that some tests need and that not every machine has. */
export type Part = 'docker' | 'postgres' | 'ssh';

/**
 * `problem` says what is missing; null: nothing. True: the test may go on. Otherwise it is skipped with
 * that line, or, where BERTH_TEST_PARTS (a comma-separated list) names the part, fails.
 */
export function partIsHere(t: Pick<TestContext, 'skip'>, part: Part, problem: string | null): boolean {
  if (problem === null) return true;
  const message = `needs ${part}: ${problem}`;
  if (isPromised(part)) throw new Error(`BERTH_TEST_PARTS promises it, but the test ${message}`);
  t.skip(message);
  return false;
}

export const isPromised = (part: Part): boolean =>
  (process.env.BERTH_TEST_PARTS ?? '')
    .split(',')
    .map((name) => name.trim())
    .includes(part);
