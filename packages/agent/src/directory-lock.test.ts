import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DirectoryLock } from './directory-lock.ts';
import { findProcess } from './process-table.ts';

describe("an agent's directory", () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'berth-lock-'));
  });
  after(async () => await rm(dir, { recursive: true }));

  it('has one living agent, who is named', async () => {
    const lock = DirectoryLock.acquire(dir);
    assert.ok(lock instanceof DirectoryLock);
    assert.deepEqual(DirectoryLock.acquire(dir), { heldBy: process.pid });
    lock.release();
    assert.deepEqual(await readdir(dir), []);
  });

  const dead: readonly (readonly [string, string])[] = [
    ['whose process is gone', JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1' })],
    ['whose pid is another process by now', JSON.stringify({ pid: process.pid, startTime: 'earlier' })],
    ['that was torn', '{"pid":'],
  ];
  for (const [what, content] of dead) {
    it(`is free for the next one after a lock ${what}`, async () => {
      await writeFile(join(dir, 'agent.pid'), content);
      const lock = DirectoryLock.acquire(dir);
      assert.ok(lock instanceof DirectoryLock);
      lock.release();
    });
  }

  it('is held by a process that lives', async () => {
    const child = spawn('sleep', ['30']);
    await once(child, 'spawn');
    const startTime = findProcess(child.pid ?? 0)?.startTime;
    await writeFile(join(dir, 'agent.pid'), JSON.stringify({ pid: child.pid, startTime }));
    assert.deepEqual(DirectoryLock.acquire(dir), { heldBy: child.pid });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = DirectoryLock.acquire(dir);
    assert.ok(lock instanceof DirectoryLock);
    lock.release();
  });
});
