import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    join(import.meta.dirname, 'sim.ts'),
    ...args,
  ]);

test('the same seeds come to the same, however many processes share them', async () => {
  const [one, two] = await Promise.all(
    ['1', '2'].map(async (jobs) => JSON.parse((await run('--seeds', '24', '--jobs', jobs, '--json')).stdout)),
  );
  assert.equal(one.histories, 24);
  assert.deepEqual([two.histories, two.hash, two.steps], [one.histories, one.hash, one.steps]);
  assert.deepEqual(one.wrong, []);
});

test('a history that was written down is played again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-sim-'));
  try {
    const file = join(dir, 'history.json');
    writeFileSync(file, JSON.stringify({ seed: 3, moves: [{ do: 'crash', at: 'now', count: 0, thenMs: 10 }] }));
    assert.match((await run('--replay', file)).stdout, /all is well/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a number that is none is refused with the usage', async () => {
  await assert.rejects(run('--seeds', 'many'), /--seeds must be a whole number above zero/);
});

test('what cannot be played is refused with exit code 2, and never looks like a history that went well', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-sim-'));
  try {
    const file = join(dir, 'half.json');
    writeFileSync(file, JSON.stringify({ seed: 3 }));
    for (const args of [
      ['--replay', file],
      ['--replay', join(dir, 'missing.json')],
      ['--store', 'postgres'],
      ['--sedes', '3'],
    ]) {
      await assert.rejects(run(...args), (error: { code?: unknown; stderr?: string }) => {
        assert.equal(error.code, 2, args.join(' '));
        assert.match(error.stderr ?? '', /usage: npm run sim/);
        return true;
      });
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
