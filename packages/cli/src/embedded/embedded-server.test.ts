import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSimpleConfig } from '../connection/simple-yaml.ts';
import { homeOf } from '../home.ts';
import { type World, world } from '../testing/berth.ts';
import { isEmbeddedAt } from './address.ts';
import { readServerFile } from './server-file.ts';
import { isAlive, isServerProcess } from './server-process.ts';
import { tryStartLock } from './start-lock.ts';

/** The real server, in a home that ends with the test. */
async function withHome(use: (w: World, home: ReturnType<typeof homeOf>) => Promise<void>): Promise<void> {
  await using w = await world(null);
  const home = homeOf({ BERTH_HOME: w.home });
  try {
    await use(w, home);
  } finally {
    await w.berth(['server', 'stop', '--kill']);
  }
}

/** Agents outlive their server, so they have to end before it does. */
async function endAgents(w: World): Promise<void> {
  const { stdout } = await w.berth(['instance', 'list', '--json']);
  for (const { name } of JSON.parse(stdout) as { name: string }[]) await w.berth(['instance', 'delete', '-y', name]);
  while (readdirSync(join(w.home, 'agents')).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
}

const urlOf = (home: ReturnType<typeof homeOf>) => readServerFile(home)?.url;

test('with nothing configured a server is started, once, however many commands need it', async () => {
  await withHome(async (w, home) => {
    const results = await Promise.all(Array.from({ length: 4 }, () => w.berth(['project', 'list', '--json'])));
    for (const result of results) {
      assert.equal(result.code, 0, result.stderr);
      assert.equal(JSON.parse(result.stdout)[0].name, 'main');
    }
    const starts = readFileSync(join(home.server, 'server.log'), 'utf8').match(/the server listens/g);
    assert.equal(starts?.length, 1);
    assert.equal(statSync(home.config).mode & 0o777, 0o600);
    assert.notEqual(readSimpleConfig(readFileSync(home.config, 'utf8')), null, 'commands read it the short way');
    assert.equal(statSync(home.root).mode & 0o777, 0o700);
  });
});

test('it is started, seen, stopped, and comes back where it was', async () => {
  await withHome(async (w, home) => {
    assert.match((await w.berth(['server', 'start'])).stdout, /^Started: http:\/\/127\.0\.0\.1:\d+ /);
    const url = urlOf(home);
    assert.match((await w.berth(['server', 'start'])).stdout, /runs already/);
    const status = await w.berth(['server', 'status', '--json']);
    assert.equal(status.code, 0);
    assert.partialDeepStrictEqual(JSON.parse(status.stdout), { url, running: true });
    const stopped = await w.berth(['server', 'stop']);
    assert.deepEqual([stopped.code, stopped.stderr], [0, '']);
    assert.equal((await w.berth(['server', 'status'])).code, 1);
    assert.match((await w.berth(['server', 'stop'])).stdout, /No server runs/);
    assert.equal((await w.berth(['ps'])).code, 0);
    assert.equal(urlOf(home), url);
  });
});

test('bug: `server start` with a port or host was a success while it ran at another', async () => {
  await withHome(async (w, home) => {
    await w.berth(['server', 'start']);
    const url = urlOf(home) ?? '';
    const { port } = new URL(url);
    const other = port === '40000' ? '40001' : '40000';
    for (const [words, missed] of [
      [['--port', other], `its port stays ${port}, not ${other}`],
      [['--host', '0.0.0.0'], 'it listens on 127.0.0.1, not 0.0.0.0'],
      [['--foreground'], 'it stays in the background'],
    ] as const) {
      const { code, stdout, stderr } = await w.berth(['server', 'start', ...words]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.ok(stderr.startsWith(`error: the server of this machine runs already at ${url} (process `), stderr);
      assert.ok(stderr.includes(`): ${missed}\n  hint: stop it first with \`berth server stop\``), stderr);
    }
    assert.equal(urlOf(home), url);
    await w.berth(['server', 'stop']);
    await w.berth(['server', 'start', '--host', '0.0.0.0']);
    assert.equal((await w.berth(['server', 'start', '--host', '127.0.0.1'])).code, 2);
    assert.equal((await w.berth(['server', 'start', '--host', '0.0.0.0'])).code, 0);
    await w.berth(['server', 'stop']);
    await w.berth(['server', 'start']);
    for (const words of [['--port', port], ['--host', 'localhost'], ['--port', '0'], []]) {
      const { code, stdout } = await w.berth(['server', 'start', ...words]);
      assert.equal(code, 0, words.join(' '));
      assert.match(stdout, /runs already/);
    }
  });
});

test('a config.yml that was lost is said to be, with what brings it back', async () => {
  await withHome(async (w, home) => {
    await w.berth(['server', 'start']);
    rmSync(home.config);
    const { code, stderr } = await w.berth(['ps']);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /runs, but .*config\.yml does not name it\n {2}hint: its token was in that file: put the file back/,
    );
  });
});

test('a server that was killed is started again, and so is one whose number another process has now', async () => {
  await withHome(async (w, home) => {
    await w.berth(['server', 'start']);
    const file = readServerFile(home);
    assert.ok(file !== null);
    process.kill(file.pid, 'SIGKILL');
    while (isAlive(file.pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(readServerFile(home) !== null, 'it left its file behind');
    assert.equal((await w.berth(['ps'])).code, 0);

    const next = readServerFile(home);
    assert.ok(next !== null && next.pid !== file.pid);
    process.kill(next.pid, 'SIGKILL');
    while (isAlive(next.pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    // As after a reboot: the number belongs to somebody else, who must not be stopped for it.
    writeFileSync(join(home.server, 'server.json'), JSON.stringify({ ...next, pid: process.pid }));
    assert.match((await w.berth(['server', 'stop'])).stdout, /No server runs/);
    assert.equal((await w.berth(['ps'])).code, 0);
  });
});

test('when somebody else has its port it takes another, and its entry in config.yml follows', async () => {
  await withHome(async (w, home) => {
    await w.berth(['server', 'start']);
    const before = urlOf(home);
    await w.berth(['server', 'stop']);
    const squatter = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nnot Berth'));
    await new Promise<void>((resolve) => squatter.listen(Number(new URL(before ?? '').port), '127.0.0.1', resolve));
    try {
      assert.match((await w.berth(['server', 'start'])).stdout, /^Started: /);
      const after = urlOf(home);
      assert.notEqual(after, before);
      assert.ok(readFileSync(home.config, 'utf8').includes(String(after)));
      assert.equal((await w.berth(['ps'])).code, 0);
    } finally {
      await new Promise((resolve) => squatter.close(resolve));
    }
  });
});

test('in the foreground it ends with Ctrl-C', async () => {
  await withHome(async (w, home) => {
    const command = w.start(['server', 'start', '--foreground']);
    while (readServerFile(home) === null) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await w.berth(['server', 'status'])).code, 0);
    command.child.kill('SIGTERM');
    assert.equal((await command.done).code, 0);
    assert.equal((await w.berth(['server', 'status'])).code, 1);
  });
});

test('a server that cannot start is said so, with its last words', async () => {
  await withHome(async (w, home) => {
    mkdirSync(home.server, { recursive: true });
    writeFileSync(join(home.server, 'config.yml'), 'projects: [unclosed\n');
    const result = await w.berth(['ps']);
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /^error: the server of this machine ended at once \(exit code 2\); its last words are\n/,
    );
    assert.match(result.stderr, /config\.yml/);
    assert.match(result.stderr, /hint: the whole log is /);
  });
});

test('a server of another version is pointed out, and the command goes on', async () => {
  await withHome(async (w, home) => {
    await w.berth(['server', 'start']);
    const path = join(home.server, 'server.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"version":"[^"]*"/, '"version":"0.0.1"'));
    const result = await w.berth(['ps']);
    assert.equal(result.code, 0);
    assert.match(result.stderr, /^warning: the server of this machine is Berth 0\.0\.1, /);
  });
});

test('a server that is killed while a run is followed is started again, and the log is whole', async () => {
  await withHome(async (w, home) => {
    await w.write(
      'task.yml',
      'type: task\nname: t\ncommands:\n  - for i in $(seq 1 60); do echo $i; sleep 0.02; done\n  - exit 3\n',
    );
    const command = w.start(['apply', '-y', '-f', 'task.yml', '--no-repo']);
    await command.sees('\n5\n');
    const killed = readServerFile(home)?.pid;
    assert.ok(killed !== undefined);
    process.kill(killed, 'SIGKILL');
    const result = await command.done;
    assert.equal(result.code, 3, result.stderr);
    assert.equal(result.stdout, Array.from({ length: 60 }, (_, i) => `${i + 1}\n`).join(''));
    assert.notEqual(readServerFile(home)?.pid, killed);
    await endAgents(w);
  });
});

test('an entry elsewhere is never taken for the embedded server', async () => {
  await using w = await world(null);
  const home = homeOf({ BERTH_HOME: w.home });
  assert.equal(isEmbeddedAt(home, 'http://127.0.0.1:1'), false, 'nothing was ever started here');
  mkdirSync(home.server, { recursive: true });
  writeFileSync(join(home.server, 'address'), 'http://127.0.0.1:4000\n');
  assert.equal(isEmbeddedAt(home, 'http://127.0.0.1:4000'), true);
  assert.equal(isEmbeddedAt(home, 'http://127.0.0.1:4001'), false);
  assert.equal(isEmbeddedAt(home, 'https://berth.example'), false);
});

test('the lock is held by one, and one that was left behind is taken over', async () => {
  await using w = await world(null);
  const home = homeOf({ BERTH_HOME: w.home });
  const lock = tryStartLock(home);
  assert.ok(lock !== null);
  assert.equal(tryStartLock(home), null);
  lock.release();
  const path = join(home.server, 'start.lock');
  for (const [holder, ageMs] of [
    ['999999999', 0],
    ['', 5_000],
    [String(process.pid), 120_000],
  ] as const) {
    writeFileSync(path, holder);
    utimesSync(path, new Date(Date.now() - ageMs), new Date(Date.now() - ageMs));
    assert.equal(tryStartLock(home), null, 'the first look removes it');
    const taken = tryStartLock(home);
    assert.ok(taken !== null, `${holder} ${ageMs}`);
    taken.release();
  }
  writeFileSync(path, '');
  tryStartLock(home);
  assert.equal(tryStartLock(home), null, 'just made: its holder is about to write its number');
});

test('a process is the server when it lives and began when the server did', () => {
  const file = { pid: process.pid, url: 'http://x', version: '1', startedAt: 0, startTime: 42 };
  assert.equal(
    isServerProcess(file, () => 42),
    true,
  );
  assert.equal(
    isServerProcess(file, () => 43),
    false,
  );
  assert.equal(
    isServerProcess(file, () => null),
    true,
  );
  assert.equal(
    isServerProcess({ ...file, pid: 999_999_999 }, () => 42),
    false,
  );
});
