import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { findAgent, findByArguments, identify, isAlive, signalQuietly } from './process-identity.ts';

async function started(detached: boolean, word: string): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn('/bin/sh', ['-c', 'while :; do sleep 0.1; done', word], { detached, stdio: 'ignore' });
  await once(child, 'spawn');
  assert.ok(child.pid !== undefined);
  return child as ChildProcess & { readonly pid: number }; // just asserted
}

const words = (word: string): readonly string[] => ['sh', '-c', 'while :; do sleep 0.1; done', word];

test('a process is itself until it ends, and a pid without a process is nobody', async () => {
  const child = await started(true, 'identity-1');
  const identity = await identify(child.pid);
  assert.ok(identity !== null);
  assert.equal(await isAlive(identity), true);
  assert.equal(await isAlive({ ...identity, startedAt: 'earlier' }), false);
  process.kill(-child.pid, 'SIGKILL');
  await once(child, 'exit');
  assert.equal(await identify(child.pid), null);
  signalQuietly(child.pid, 'SIGTERM'); // gone: nothing happens
});

test('a dead process that nobody has waited for is dead', { skip: process.platform !== 'linux' }, async () => {
  // The shell never waits for its child, which so stays behind as a zombie.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 20'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(parent.stdout, 'data');
  const zombie = Number(String(line).trim());
  let identity = await identify(zombie);
  while (identity !== null) identity = await identify(zombie);
  process.kill(zombie, 0); // the pid is still there
  parent.kill('SIGKILL');
});

test('a process is found by its words', async () => {
  const child = await started(true, 'identity-2');
  try {
    assert.equal((await findByArguments(words('identity-2')))?.pid, child.pid);
    assert.equal(await findByArguments(words('identity-3')), null);
    assert.equal(await findByArguments(['sh']), null);
  } finally {
    process.kill(-child.pid, 'SIGKILL');
  }
});

test("a child that has not become another program yet, and has its parent's words, is not found", async () => {
  const child = await started(false, 'identity-6');
  assert.equal(await findByArguments(words('identity-6')), null);
  child.kill('SIGKILL');
});

test('an agent that was written down is found although another has its words, and one that was not by its words', async () => {
  const child = await started(true, 'identity-4');
  try {
    const noted = await identify(process.pid);
    assert.deepEqual(await findAgent({ process: noted, argv: words('identity-4') }), noted);
    const stale = { pid: process.pid, startedAt: 'earlier' };
    assert.equal((await findAgent({ process: stale, argv: words('identity-4') }))?.pid, child.pid);
    assert.equal((await findAgent({ process: null, argv: words('identity-4') }))?.pid, child.pid);
    assert.equal(await findAgent({ process: null, argv: words('identity-5') }), null);
  } finally {
    process.kill(-child.pid, 'SIGKILL');
  }
});
