import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './testing/http-client.ts';

const PROGRAM = join(import.meta.dirname, 'main.ts');

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-main-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function run(t: TestContext, home: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, BERTH_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
}

async function listening(home: string, notPid = 0): Promise<{ pid: number; url: string }> {
  const path = join(home, 'server', 'server.json');
  for (let n = 0; n < 1000; n++) {
    if (existsSync(path)) {
      const server = JSON.parse(readFileSync(path, 'utf8'));
      if (server.pid !== notPid) return server;
    }
    await sleep(20);
  }
  throw new Error('it does not listen');
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  assert.ok(child.stderr);
  const [stderr] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, stderr };
}

test('SIGTERM ends it well, also while it starts, and takes its file away', async (t) => {
  const home = scratch(t);
  const early = run(t, home);
  await sleep(150);
  early.kill('SIGTERM');
  await once(early, 'exit');
  assert.ok(!existsSync(join(home, 'server', 'server.json')));

  const child = run(t, home);
  const { pid, url } = await listening(home);
  assert.equal(pid, child.pid);
  assert.equal((await ask(url, 'GET /info')).json.pid, pid);
  assert.equal(statSync(home).mode & 0o777, 0o700);
  child.kill('SIGTERM');
  const { code, stderr } = await ended(child);
  assert.equal(code, 0);
  assert.equal(stderr, '', 'nothing is said to nobody');
  assert.ok(!existsSync(join(home, 'server', 'server.json')));
});

test('after kill -9 the next one takes over', async (t) => {
  const home = scratch(t);
  const first = run(t, home);
  const { pid } = await listening(home);
  first.kill('SIGKILL');
  await once(first, 'exit');
  run(t, home);
  const { url } = await listening(home, pid);
  assert.equal((await ask(url, 'GET /info')).status, 200);
});

test('what is wrong is told in a few words, with exit code 2 for whoever called it', async (t) => {
  const home = scratch(t);
  const wrong = await ended(run(t, home, '--prot', '1'));
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^Usage/);
  assert.equal((await ended(run(t, home, '--port', '70000'))).code, 2);

  mkdirSync(join(home, 'server'), { recursive: true });
  writeFileSync(join(home, 'server', 'config.yml'), 'projects:\n  - nmae: main\n');
  const broken = await ended(run(t, home));
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /config\.yml[\s\S]*2:5 {2}unknown key `nmae`/);
  assert.doesNotMatch(broken.stderr, /at .*\.ts:/);
  rmSync(join(home, 'server', 'config.yml'));

  const good = run(t, home);
  const { url } = await listening(home);
  const second = await ended(run(t, home));
  assert.equal(second.code, 2);
  assert.match(second.stderr, /in use by another Berth server/);
  const elsewhere = await ended(run(t, scratch(t), '--port', new URL(url).port));
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.stderr, /is in use by another program[\s\S]*--port/);
  assert.equal(good.exitCode, null);
});
