/** Random histories: whatever happens, what must always be true is true. See `testing/histories.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSqliteStore } from '@berth/store/sqlite';
import { type History, playHistory, shortest } from './testing/histories.ts';

const SEEDS = 150;
const STEPS = 40;

async function check(history: History): Promise<void> {
  if (history.wrong.length === 0) return;
  const { seed, steps, wrong } = await shortest(history);
  assert.fail(
    `seed ${history.seed} goes wrong (shortest: playHistory(${seed}, …) of these steps):\n${[...steps, ...wrong].join('\n')}`,
  );
}

test(`${SEEDS} histories of ${STEPS} steps: no machine and no job is lost, none twice, and nothing waits for ever`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await check(await playHistory(seed, STEPS));
});

test('a history is the same on SQLite as in memory, and the same each time', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const inMemory = await playHistory(seed, STEPS);
    assert.deepEqual(await playHistory(seed, STEPS, () => openSqliteStore({ path: ':memory:' })), inMemory);
    assert.deepEqual(await playHistory(seed, STEPS), inMemory);
  }
});
