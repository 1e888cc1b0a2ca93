import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { remoteCommit } from './remote-commit.ts';

/** A real git server on loopback: what git itself says is what counts. */
let top: string;
let daemon: ChildProcess;
let url: string;
let commit: string;

before(async () => {
  top = await mkdtemp(join(tmpdir(), 'berth-remote-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd: top,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  git('init', '-q', '-b', 'main');
  git('commit', '-q', '--allow-empty', '-m', 'first');
  git('branch', 'side');
  git('commit', '-q', '--allow-empty', '-m', 'second');
  commit = git('rev-parse', 'HEAD').trim();
  const port = await freePort();
  daemon = spawn(
    'git',
    ['daemon', '--export-all', '--listen=127.0.0.1', `--port=${port}`, `--base-path=${top}`, '--reuseaddr'],
    { stdio: 'ignore', detached: true },
  );
  url = `git://127.0.0.1:${port}/.git`;
  for (let tries = 0; tries < 100; tries++) {
    try {
      execFileSync('git', ['ls-remote', url], { stdio: 'ignore' });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

after(async () => {
  // git starts the daemon as a child of its own, so its whole group has to end.
  if (daemon.pid !== undefined) process.kill(-daemon.pid);
  await rm(top, { recursive: true, force: true });
});

const repo = (over: object = {}) => ({
  url,
  branch: null,
  hash: null,
  path: 'src',
  ifExists: 'skip' as const,
  ...over,
});

test('a remote repository is pinned to the commit that it has checked out', async () => {
  assert.deepEqual(await remoteCommit(repo()), {
    kind: 'git',
    remote: url,
    branch: null,
    commit,
    diff: null,
    path: 'src',
    if_exists: 'skip',
  });
});

test('a branch is pinned to its tip, and a short hash to the commit that begins so', async () => {
  const side = await remoteCommit(repo({ branch: 'side' }));
  assert.ok(side.kind === 'git' && side.commit !== commit && side.branch === 'side');
  const short = await remoteCommit(repo({ hash: commit.slice(0, 8) }));
  assert.ok(short.kind === 'git' && short.commit === commit);
});

test('a whole hash is taken as it is, without asking anybody', async () => {
  const hash = 'a'.repeat(40);
  const ref = await remoteCommit({ ...repo(), url: 'https://nowhere.invalid/x.git', hash });
  assert.ok(ref.kind === 'git' && ref.commit === hash);
});

test('a branch, a commit or a repository that is not there is said so', async () => {
  await assert.rejects(remoteCommit(repo({ branch: 'gone' })), { code: 'not-found', message: /no branch gone/ });
  await assert.rejects(remoteCommit(repo({ hash: '0000000' })), { code: 'not-found', hint: /whole hash/ });
  await assert.rejects(remoteCommit(repo({ url: `${url}x` })), { code: 'not-found', message: /cannot be read/ });
});

test('an address with a password is refused without repeating the password', async () => {
  await assert.rejects(remoteCommit(repo({ url: 'https://me:s3cret@git.example/x' })), (error: Error) => {
    assert.doesNotMatch(error.message, /s3cret/);
    return true;
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}
