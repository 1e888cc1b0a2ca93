/** Random histories: whatever happens, what must always be true is true. See `testing/simulate.ts`; more of them: `npm run sim`. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { openSqliteStore } from '@berth/store/sqlite';
import { investigate, tell } from './testing/investigate.ts';
import { drawMoves } from './testing/moves.ts';
import { REGRESSIONS } from './testing/regressions.ts';
import { shrink } from './testing/shrink.ts';
import { type History, simulate } from './testing/simulate.ts';

/** Some seconds of one core; CI plays 20,000 besides. */
const SEEDS = 600;

async function check(history: History): Promise<void> {
  if (history.wrong.length > 0) assert.fail(tell(await investigate(history)));
}

test(`${SEEDS} histories: no machine and no job is lost, none twice, and nothing waits for ever`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await check(await simulate(seed));
});

describe('what went wrong once does not go wrong again', () => {
  for (const { claim, seed, moves } of REGRESSIONS) {
    test(claim, async () => {
      await check(await simulate(seed, moves === null ? {} : { moves }));
    });
  }
});

describe('a history', () => {
  test('is the same each time, and on SQLite as in memory', async () => {
    for (let seed = 10; seed <= 16; seed++) {
      const { hash } = await simulate(seed);
      assert.equal((await simulate(seed)).hash, hash, `seed ${seed}`);
      const sqlite = await simulate(seed, { store: () => openSqliteStore({ path: ':memory:' }) });
      assert.equal(sqlite.hash, hash, `seed ${seed} on SQLite`);
    }
  });

  test('is the same in another process', async () => {
    const code = `
      const { simulate } = await import(${JSON.stringify(new URL('./testing/simulate.ts', import.meta.url).href)});
      for (const seed of [5, 32]) console.log((await simulate(seed)).hash);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
    const here = [await simulate(5), await simulate(32)].map(({ hash }) => hash);
    assert.deepEqual(stdout.trim().split('\n'), here);
  });

  test('has moves that can be written down, and played again in part', async () => {
    const moves = drawMoves(7, 20);
    const written = JSON.parse(JSON.stringify(moves)) as typeof moves;
    assert.equal((await simulate(7, { moves: written })).hash, (await simulate(7, { moves })).hash);
    const some = moves.filter((_, i) => i % 2 === 0);
    assert.equal((await simulate(7, { moves: some })).hash, (await simulate(7, { moves: some })).hash);
  });
});

test('a history that goes wrong is shrunk to the moves that it takes', async () => {
  const moves = Array.from({ length: 24 }, (_, i) => i);
  const needed = [3, 4, 17];
  let tries = 0;
  const left = await shrink(moves, async (some) => {
    tries += 1;
    return needed.every((move) => some.includes(move));
  });
  assert.deepEqual(left, needed);
  assert.ok(tries <= 300);
});
