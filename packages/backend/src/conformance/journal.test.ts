import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
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

test('regression: another process that has the number of a killed check does not hide what it left', {
  skip: existsSync('/proc/self/stat') ? false : 'nothing tells processes of one number apart here',
}, async (t) => {
  const { dir, journal } = await begun(t);
  await journal.willMake(machine('a'));
  await journal.end();
  const write = (start: string): Promise<void> =>
    writeFile(
      journal.path,
      `${JSON.stringify({ kind: 'check', type: 'sim', backend: 'b', pid: process.ppid, start, at: 1 })}\n`,
    );
  await write('another-boot:1');
  assert.deepEqual(
    (await journals(dir, 'sim')).map(({ isAlive }) => isAlive),
    [false],
  );
  // One that is at work: the process that started this one.
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const fields = readFileSync(`/proc/${process.ppid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  await write(`${boot}:${fields[19]}`);
  assert.deepEqual(
    (await journals(dir, 'sim')).map(({ isAlive }) => isAlive),
    [true],
  );
});
