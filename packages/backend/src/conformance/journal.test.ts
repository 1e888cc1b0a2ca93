import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { simOffer } from '../sim/sim-offer.ts';
import { Journal, journals } from './journal.ts';

async function begun(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'berth-journal-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const journal = await Journal.begin(dir, { type: 'sim', backend: 'main' });
  return { dir, journal };
}

const machine = (token: string) => ({ token, name: `berth-${token}`, offer: simOffer() });

test('what is to be made is written before it is, and stays until it is gone', async (t) => {
  const { dir, journal } = await begun(t);
  await journal.willMake(machine('a'));
  await journal.willMake(machine('b'));
  await journal.made('a', 'id-1');
  await journal.gone('b');
  await journal.willShare('r1');
  const [written] = await journals(dir, 'sim');
  assert.deepEqual(
    written?.machines.map(({ token, cloudIds }) => [token, cloudIds]),
    [['a', ['id-1']]],
  );
  assert.deepEqual(written.regions, ['r1']);
  assert.equal((await stat(written.path)).mode & 0o077, 0);
  await journal.gone('a');
  await journal.sharesNoMore('r1');
  await journal.end();
  assert.deepEqual(await readdir(dir), []);
});

test('a line that the power cut off is passed over, and another type of backend is not looked at', async (t) => {
  const { dir, journal } = await begun(t);
  await journal.willMake(machine('a'));
  await appendFile(journal.path, '{"kind":"make","tok');
  await (await Journal.begin(dir, { type: 'sim-two', backend: 'main' })).end();
  const all = await journals(dir, 'sim');
  assert.deepEqual(
    all.map(({ machines }) => machines.length),
    [1],
  );
  await journal.end();
  assert.equal((await readdir(dir)).length, 1, 'what names a machine is kept');
});
