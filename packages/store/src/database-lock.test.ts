import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BerthError } from '@berth/core';
import { databaseOwner, lockDatabase } from './database-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'berth-lock-'));
after(() => rmSync(root, { recursive: true, force: true }));
let directories = 0;
const newDirectory = () => join(root, String(++directories));
const clock = { now: () => Date.UTC(2025, 0, 2) };

/** A process that takes the lock and says whether it got it. */
async function locker(directory: string, startAt = 0): Promise<{ child: ChildProcess; answer: string }> {
  const script = `
    import { lockDatabase } from ${JSON.stringify(new URL('database-lock.ts', import.meta.url).href)};
    while (Date.now() < ${startAt});
    try {
      lockDatabase(${JSON.stringify(directory)}, { now: () => 0 });
      console.log('locked');
    } catch (error) {
      console.log(error.message);
    }
    setInterval(() => {}, 1000);
  `;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [chunk] = await once(child.stdout, 'data');
  return { child, answer: String(chunk).trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

describe('the lock of a database', () => {
  test('is refused to a second process, which is told who has it, and is free after kill -9', async () => {
    const directory = newDirectory();
    const { child, answer } = await locker(directory);
    assert.equal(answer, 'locked');
    assert.equal(databaseOwner(directory)?.pid, child.pid);
    assert.throws(
      () => lockDatabase(directory, clock),
      (error) =>
        error instanceof BerthError &&
        error.code === 'conflict' &&
        error.message.includes(`process ${child.pid}, started 1970-01-01`) &&
        error.message.includes(directory) &&
        error.hint !== undefined,
    );
    await kill(child);
    assert.equal(databaseOwner(directory), null);
    const lock = lockDatabase(directory, clock);
    assert.deepEqual(databaseOwner(directory), { pid: process.pid, startedAt: clock.now() });
    lock.release();
    assert.equal(databaseOwner(directory), null);
  });

  test('is got by exactly one of several who come at once', async () => {
    const directory = newDirectory();
    const startAt = Date.now() + 600;
    const lockers = await Promise.all([1, 2, 3, 4].map(() => locker(directory, startAt)));
    assert.equal(
      lockers.filter(({ answer }) => answer === 'locked').length,
      1,
      JSON.stringify(lockers.map((l) => l.answer)),
    );
    for (const { child } of lockers) await kill(child);
  });

  test('holds within one process too, and is released once', () => {
    const directory = newDirectory();
    const first = lockDatabase(directory, clock);
    assert.throws(() => lockDatabase(directory, clock), BerthError);
    assert.throws(() => lockDatabase(directory, clock), BerthError);
    first.release();
    const second = lockDatabase(directory, clock);
    first.release();
    assert.throws(() => lockDatabase(directory, clock), BerthError);
    second.release();
  });

  test('is not fooled by what a dead process left in the file that names the owner', () => {
    const directory = newDirectory();
    lockDatabase(directory, clock).release();
    for (const left of ['{"pid":1,"startedAt":5}', '{"pid":', '']) {
      writeFileSync(join(directory, 'server.pid'), left);
      lockDatabase(directory, clock).release();
    }
  });

  test('lies in private files', () => {
    const directory = newDirectory();
    const lock = lockDatabase(directory, clock);
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    assert.deepEqual(
      ['', 'server.lock', 'server.pid'].map((name) => mode(join(directory, name))),
      ['700', '600', '600'],
    );
    lock.release();
  });
});
