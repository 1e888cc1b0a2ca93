import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { JobFailure } from './failure.ts';
import { checkOutGit, type GitCode } from './git-checkout.ts';

describe('code in a git repository', () => {
  let root: string;
  let origin: string;
  let first: string;
  let n = 0;
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: origin, encoding: 'utf8' });

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-git-'));
    origin = join(root, 'origin');
    await mkdir(origin);
    git('init', '-q', '-b', 'main');
    await writeFile(join(origin, 'file'), 'first\n');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    first = git('rev-parse', 'HEAD').trim();
    await writeFile(join(origin, 'file'), 'second\n');
    git('commit', '-q', '-a', '-m', 'second');
  });
  after(async () => await rm(root, { recursive: true }));

  async function checkOut(code: Partial<GitCode>, diff: string | null = null): Promise<string> {
    n += 1;
    const dir = join(root, `work-${n}`);
    await mkdir(dir);
    const whole: GitCode = {
      kind: 'git',
      remote: `file://${origin}`,
      branch: 'main',
      commit: first,
      diff: null,
      path: '.',
      ifExists: 'error',
      ...code,
    };
    await checkOutGit(whole, dir, diff, new AbortController().signal);
    return dir;
  }

  it('is checked out at its commit, on its branch, with the uncommitted changes', async () => {
    git('checkout', '-q', first);
    await writeFile(join(origin, 'file'), 'changed\n');
    await writeFile(join(origin, 'binary'), Buffer.from([0, 1, 2, 255]));
    git('add', '-N', 'binary');
    const diff = join(root, 'diff');
    await writeFile(diff, git('diff', '--binary', 'HEAD'));
    git('checkout', '-q', '-f', 'main');
    const dir = await checkOut({}, diff);
    assert.equal(await readFile(join(dir, 'file'), 'utf8'), 'changed\n');
    assert.deepEqual(await readFile(join(dir, 'binary')), Buffer.from([0, 1, 2, 255]));
    const head = execFileSync('git', ['log', '-1', '--format=%H %D'], { cwd: dir, encoding: 'utf8' });
    assert.match(head, new RegExp(`^${first} .*HEAD -> main`));
  });

  it('may be on no branch', async () => {
    const dir = await checkOut({ branch: null });
    assert.equal(await readFile(join(dir, 'file'), 'utf8'), 'first\n');
  });

  const failures: readonly (readonly [string, Partial<GitCode>, RegExp])[] = [
    ['whose commit is not there', { commit: '0'.repeat(40) }, /could not check out 000000000000/],
    ['whose remote is not there', { remote: 'file:///no/such/repository' }, /could not check out/],
    ['whose remote would run a program', { remote: 'ext::touch /tmp/berth-must-not-exist' }, /not allowed/],
  ];
  for (const [what, code, message] of failures) {
    it(`${what} is a setup error that says so`, async () => {
      await assert.rejects(checkOut(code), (error) => {
        assert.ok(error instanceof JobFailure);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('keeps the password of a remote out of what it says', async () => {
    const failing = checkOut({ remote: 'http://me:hunter2@127.0.0.1:9/repo.git' });
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof JobFailure);
      assert.doesNotMatch(error.message, /hunter2/);
      assert.match(error.message, /127\.0\.0\.1/);
      return true;
    });
  });

  it('whose changes do not fit is a setup error', async () => {
    const diff = join(root, 'bad-diff');
    await writeFile(diff, 'diff --git a/file b/file\n--- a/file\n+++ b/file\n@@ -1 +1 @@\n-other\n+x\n');
    await assert.rejects(checkOut({}, diff), /apply the uncommitted changes/);
  });
});
