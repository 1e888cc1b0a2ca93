import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { BerthError } from '@berth/core/errors';
import * as tar from 'tar';
import type { Blob } from '../blobs.ts';
import { type PackedCode, packCode, packFiles } from './pack-code.ts';
import { openSpool, type Spool } from './spool.ts';

interface World extends AsyncDisposable {
  /** The directory to pack. */
  readonly dir: string;
  readonly spool: Spool;
  path(...parts: string[]): string;
  write(files: Readonly<Record<string, string | Buffer>>): Promise<void>;
  git(...args: string[]): string;
  /** Commits everything and makes a remote of that name know it. */
  publish(url?: string, remote?: string): string;
  pack(options?: { limitBytes?: number }): Promise<PackedCode>;
}

const ELSEWHERE = 'https://git.example/team/project.git';

async function world(): Promise<World> {
  const top = await mkdtemp(join(tmpdir(), 'berth-pack-'));
  const dir = join(top, 'work');
  await mkdir(dir);
  const spool = await openSpool(join(top, 'spool'));
  const env = { ...process.env, HOME: top, GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_DATE: '2024-01-01T00:00:00Z' };
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'protocol.file.allow=always', ...args], {
      cwd: dir,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    }).trim();
  return {
    dir,
    spool,
    git,
    path: (...parts) => join(top, ...parts),
    async write(files) {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(dir, name)), { recursive: true });
        await writeFile(join(dir, name), content);
      }
    },
    publish(url = ELSEWHERE, remote = 'origin') {
      const bare = join(top, `${remote}.git`);
      execFileSync('git', ['init', '-q', '--bare', bare], { env });
      git('add', '-A');
      git('commit', '-q', '-m', 'c');
      git('remote', 'add', remote, bare);
      git('push', '-q', '-u', remote, 'HEAD');
      git('remote', 'set-url', remote, url);
      return git('rev-parse', 'HEAD');
    },
    pack: (options = {}) => packCode(dir, { spool, ...options }),
    [Symbol.asyncDispose]: () => rm(top, { recursive: true, force: true }),
  };
}

async function bytesOf(blob: Blob | undefined): Promise<Buffer> {
  assert.ok(blob !== undefined);
  const chunks = [];
  for await (const chunk of blob.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Entry {
  readonly type: string;
  readonly mode: number;
  readonly content: string;
}

async function entriesOf(packed: PackedCode | Blob): Promise<Record<string, Entry>> {
  const blob = 'open' in packed ? packed : packed.blobs[0];
  const entries: Record<string, Entry> = {};
  const parser = new tar.Parser({
    onReadEntry: (entry) => {
      let content = '';
      entry.on('data', (chunk: Buffer) => {
        content += chunk.toString('latin1');
      });
      entry.on('end', () => {
        const { path, type, mode = 0, linkpath } = entry;
        entries[path] = { type, mode: mode & 0o777, content: type === 'SymbolicLink' ? (linkpath ?? '') : content };
      });
    },
  });
  const done = new Promise((resolve) => parser.on('end', resolve));
  parser.end(await bytesOf(blob));
  await done;
  return entries;
}

const pathsOf = async (packed: PackedCode | Blob) => Object.keys(await entriesOf(packed));

test('a plain directory is an archive of everything but .git and what ignore files name', async () => {
  await using w = await world();
  await w.write({
    'a.txt': 'A',
    '.gitignore': '*.log\n/out/\n',
    'x.log': '',
    'deep/y.log': '',
    'deep/.gitignore': '!y.log\nsecret\n',
    'deep/secret': '',
    'deep/out/kept': '',
    'out/gone': '',
    '.git/HEAD': 'not a real one',
    'data/Big.BIN': '',
    '.berthignore': 'data\n',
  });
  const packed = await w.pack();
  assert.equal(packed.ref?.kind, 'tar');
  assert.deepEqual(await pathsOf(packed), [
    '.berthignore',
    '.gitignore',
    'a.txt',
    'deep/.gitignore',
    'deep/out/kept',
    'deep/y.log',
  ]);
});

test('the same content is the same blob, whatever times, modes, order and hard links say', async () => {
  await using one = await world();
  await using other = await world();
  await one.write({ b: 'same', a: 'same', 'd/run.sh': '#!/bin/sh' });
  await chmod(join(one.dir, 'd/run.sh'), 0o755);
  await other.write({ 'd/run.sh': '#!/bin/sh', a: 'same' });
  await link(join(other.dir, 'a'), join(other.dir, 'b'));
  await chmod(join(other.dir, 'd/run.sh'), 0o710);
  await chmod(join(other.dir, 'a'), 0o600);
  await utimes(join(other.dir, 'a'), 1, 1);
  const [first, second] = [await one.pack(), await other.pack()];
  assert.deepEqual(first.ref, second.ref);
  const entries = await entriesOf(second);
  assert.deepEqual(entries.b, { type: 'File', mode: 0o644, content: 'same' });
  assert.equal(entries['d/run.sh']?.mode, 0o755);
  assert.equal((await bytesOf(first.blobs[0])).length, first.blobs[0]?.bytes);
});

test('links stay links, also one that points outside; a socket is left out and said', async () => {
  await using w = await world();
  await w.write({ 'in.txt': 'x' });
  await symlink('in.txt', join(w.dir, 'near'));
  await symlink('/etc/passwd', join(w.dir, 'far'));
  await symlink('nowhere', join(w.dir, 'broken'));
  execFileSync('mkfifo', [join(w.dir, 'pipe')]);
  const packed = await w.pack();
  const entries = await entriesOf(packed);
  assert.deepEqual(entries.far, { type: 'SymbolicLink', mode: entries.far?.mode, content: '/etc/passwd' });
  assert.equal(entries.near?.content, 'in.txt');
  assert.equal(entries.broken?.content, 'nowhere');
  assert.equal(entries.pipe, undefined);
  assert.match(packed.warnings.join(), /pipe is left out/);
});

test('names with spaces, newlines, quotes, dashes and letters of any script come along', async () => {
  await using w = await world();
  const names = ['a b', 'new\nline', '-rf', '"quoted"', '@list', 'C:x', 'grün/日本語', `${'long'.repeat(50)}`, '*'];
  await w.write(Object.fromEntries(names.map((name) => [name, name])));
  for (const mode of ['plain', 'git']) {
    if (mode === 'git') w.git('init', '-q');
    const entries = await entriesOf(await w.pack());
    assert.deepEqual(Object.keys(entries).sort(), [...names].sort(), mode);
    assert.equal(entries['C:x']?.content, 'C:x');
  }
});

test('an empty directory inside comes along, an empty directory alone is no code', async () => {
  await using w = await world();
  assert.deepEqual(await w.pack(), { ref: null, blobs: [], warnings: [] });
  await mkdir(join(w.dir, 'out'));
  assert.deepEqual(await entriesOf(await w.pack()), { 'out/': { type: 'Directory', mode: 0o755, content: '' } });
});

test('too much is refused with the five largest files and what to do', async () => {
  await using w = await world();
  const { randomBytes } = await import('node:crypto');
  await w.write({
    'big.bin': randomBytes(300_000),
    'small.txt': 'x',
    'mid.bin': randomBytes(100_000),
    a: '1',
    b: '2',
    c: '3',
  });
  await assert.rejects(w.pack({ limitBytes: 200_000 }), (error) => {
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, 'too-large');
    assert.match(error.message, /293 KiB {2}big\.bin\n.*mid\.bin/);
    assert.equal(error.message.split('\n').length, 6);
    assert.match(error.hint ?? '', /\.gitignore/);
    return true;
  });
});

test('a file that cannot be read is named', { skip: process.getuid?.() === 0 && 'root reads everything' }, async () => {
  await using w = await world();
  await w.write({ closed: 'x' });
  await chmod(join(w.dir, 'closed'), 0);
  await assert.rejects(w.pack(), { code: 'invalid-configuration', message: /closed cannot be read/ });
  await rm(join(w.dir, 'closed'));
  await mkdir(join(w.dir, 'locked'), { mode: 0 });
  await assert.rejects(w.pack(), { code: 'invalid-configuration', message: /locked cannot be read/ });
  await chmod(join(w.dir, 'locked'), 0o700);
});

test('in a work tree without a remote the archive has tracked and new files, but no ignored or deleted ones', async () => {
  await using w = await world();
  await w.write({ tracked: '1', deleted: '2', '.gitignore': 'ignored\n', ignored: '3', forced: '4', new: '5' });
  w.git('init', '-q');
  w.git('add', 'tracked', 'deleted', '.gitignore', 'forced');
  await rm(join(w.dir, 'deleted'));
  await w.write({ '.berthignore': 'forced\n' });
  assert.deepEqual(await pathsOf(await w.pack()), ['.berthignore', '.gitignore', 'new', 'tracked']);
});

test('a subdirectory of a work tree is an archive of its own files', async () => {
  await using w = await world();
  await w.write({ 'sub/a': '1', 'other/b': '2', '.gitignore': '*.tmp\n', 'sub/x.tmp': '' });
  w.git('init', '-q');
  w.publish();
  const packed = await packCode(join(w.dir, 'sub'), { spool: w.spool });
  assert.deepEqual(await pathsOf(packed), ['a']);
});

test('a directory that its work tree ignores is packed like a plain one', async () => {
  await using w = await world();
  await w.write({ '.gitignore': 'build/\n', 'build/a': '1' });
  w.git('init', '-q');
  assert.deepEqual(await pathsOf(await packCode(join(w.dir, 'build'), { spool: w.spool })), ['a']);
});

test('a published commit is sent as remote, branch and commit, and without changes nothing else', async () => {
  await using w = await world();
  await w.write({ a: '1' });
  w.git('init', '-q', '-b', 'main');
  const commit = w.publish();
  assert.deepEqual(await w.pack(), {
    ref: { kind: 'git', remote: ELSEWHERE, branch: 'main', commit, diff: null, path: '.', if_exists: 'error' },
    blobs: [],
    warnings: [],
  });
});

test('uncommitted work of every kind is in the diff, and the index of the user is not touched', async () => {
  await using w = await world();
  await w.write({
    changed: 'old\n',
    deleted: 'x\n',
    staged: 'old\n',
    crlf: 'a\r\nb\r\n',
    '.gitignore': 'ignored\n',
    'tool.sh': '#!/bin/sh\n',
    binary: Buffer.from([0, 1, 2, 255]),
  });
  w.git('init', '-q', '-b', 'main');
  // What a user may have configured and what no other git would understand.
  for (const setting of ['diff.noprefix', 'diff.mnemonicPrefix', 'color.ui', 'core.splitIndex']) {
    w.git('config', setting, setting === 'color.ui' ? 'always' : 'true');
  }
  w.git('config', 'diff.external', '/bin/false');
  w.git('config', 'diff.renames', 'copies');
  w.publish();
  await w.write({
    changed: 'new\n',
    staged: 'new\n',
    crlf: 'a\r\nc\r\n',
    ignored: 'x',
    'new file\nwith "names" 🌱': 'n',
    'dir/empty': '',
    binary: Buffer.from([0, 9, 2, 255]),
    'local.tmp': 'x',
    '.berthignore': '*.tmp\n',
  });
  await rm(join(w.dir, 'deleted'));
  await chmod(join(w.dir, 'tool.sh'), 0o755);
  await symlink('changed', join(w.dir, 'link'));
  w.git('add', 'staged');
  const before = [w.git('status', '--porcelain'), await readFile(join(w.dir, '.git/index'))];
  const objects = w.git('count-objects');

  const packed = await w.pack();
  assert.equal(packed.ref?.kind, 'git');
  assert.ok(packed.ref.kind === 'git' && packed.ref.diff === packed.blobs[0]?.hash);
  assert.deepEqual([w.git('status', '--porcelain'), await readFile(join(w.dir, '.git/index'))], before);
  assert.equal(w.git('count-objects'), objects);

  const clone = w.path('clone');
  w.git('clone', '-q', '-b', 'main', w.path('origin.git'), clone);
  const diff = w.path('diff');
  await writeFile(diff, await bytesOf(packed.blobs[0]));
  execFileSync('git', ['apply', '--whitespace=nowarn', diff], { cwd: clone });
  const read = (name: string) => readFile(join(clone, name), 'latin1');
  assert.equal(await read('changed'), 'new\n');
  assert.equal(await read('staged'), 'new\n');
  assert.equal(await read('crlf'), 'a\r\nc\r\n');
  assert.equal(await read('binary'), '\x00\x09\x02\xff');
  assert.equal(await read('new file\nwith "names" 🌱'), 'n');
  assert.equal(await read('dir/empty'), '');
  assert.equal(await readlink(join(clone, 'link')), 'changed');
  assert.equal((await lstat(join(clone, 'tool.sh'))).mode & 0o111, 0o111);
  await assert.rejects(read('deleted'));
  await assert.rejects(read('ignored'));
  await assert.rejects(read('local.tmp'));
});

test('a commit that no remote has, a repository without one, and no commit at all are archives', async () => {
  await using w = await world();
  await w.write({ a: '1' });
  w.git('init', '-q');
  assert.equal((await w.pack()).ref?.kind, 'tar', 'no commit yet');
  w.git('add', '-A');
  w.git('commit', '-q', '-m', 'c');
  assert.equal((await w.pack()).ref?.kind, 'tar', 'no remote');
  await w.write({ b: '2' });
  w.publish();
  assert.equal((await w.pack()).ref?.kind, 'git');
  await w.write({ c: '3' });
  w.git('add', '-A');
  w.git('commit', '-q', '-m', 'mine alone');
  assert.deepEqual(await pathsOf(await w.pack()), ['a', 'b', 'c']);
});

test('a detached head is a commit like any other, and the branch that is followed is named first', async () => {
  await using w = await world();
  await w.write({ a: '1' });
  w.git('init', '-q', '-b', 'main');
  const commit = w.publish();
  w.git('push', '-q', w.path('origin.git'), 'HEAD:refs/heads/feature');
  w.git('update-ref', 'refs/remotes/origin/feature', commit);
  w.git('checkout', '-q', '-b', 'work', '--track', 'origin/feature');
  assert.equal((await refOf(w)).branch, 'feature');
  w.git('checkout', '-q', '--detach');
  const ref = await refOf(w);
  assert.equal(ref.commit, commit);
  assert.ok(ref.branch === 'main' || ref.branch === 'feature');
});

test('a remote that only this machine can reach, or only with a password, makes an archive', async () => {
  await using w = await world();
  await w.write({ a: '1' });
  w.git('init', '-q');
  w.publish();
  for (const url of [w.path('origin.git'), `file://${w.path('origin.git')}`, 'https://me:s3cret@git.example/x.git']) {
    w.git('remote', 'set-url', 'origin', url);
    assert.equal((await w.pack()).ref?.kind, 'tar', url);
  }
  for (const url of ['git@git.example:team/x.git', 'ssh://git@git.example/x.git', 'git://git.example/x']) {
    w.git('remote', 'set-url', 'origin', url);
    assert.equal((await refOf(w)).remote, url);
  }
});

test('a submodule makes an archive that holds its files, and so does a repository inside', async () => {
  await using w = await world();
  await using inner = await world();
  await inner.write({ 'lib.js': '1', '.gitignore': 'cache\n' });
  inner.git('init', '-q', '-b', 'main');
  inner.git('add', '-A');
  inner.git('commit', '-q', '-m', 'c');
  await w.write({ a: '1' });
  w.git('init', '-q', '-b', 'main');
  w.git('submodule', '--quiet', 'add', inner.dir, 'vendor/lib');
  w.publish();
  await w.write({ 'vendor/lib/cache': 'x', 'vendor/lib/new.js': '2' });
  const expected = ['.gitmodules', 'a', 'vendor/lib/.gitignore', 'vendor/lib/lib.js', 'vendor/lib/new.js'];
  assert.deepEqual(await pathsOf(await w.pack()), expected);

  await using outer = await world();
  await outer.write({ a: '1' });
  outer.git('init', '-q', '-b', 'main');
  outer.publish();
  outer.git('clone', '-q', inner.dir, 'checkout');
  assert.deepEqual(await pathsOf(await outer.pack()), ['a', 'checkout/.gitignore', 'checkout/lib.js']);
});

test('changes that are too large name the largest of them', async () => {
  await using w = await world();
  await w.write({ a: '1' });
  w.git('init', '-q', '-b', 'main');
  w.publish();
  const { randomBytes } = await import('node:crypto');
  await w.write({ 'weights.bin': randomBytes(200_000) });
  await assert.rejects(w.pack({ limitBytes: 50_000 }), { code: 'too-large', message: /weights\.bin/ });
  await assert.rejects(w.pack({ limitBytes: 1000 }), { code: 'too-large', message: /weights\.bin/ });
});

test('a worktree that was added with `git worktree` is packed like the main one', async () => {
  await using w = await world();
  await w.write({ a: '1' });
  w.git('init', '-q', '-b', 'main');
  const commit = w.publish();
  w.git('worktree', 'add', '-q', w.path('second'), '-b', 'second', 'origin/main');
  await writeFile(w.path('second', 'a'), '2');
  const packed = await packCode(w.path('second'), { spool: w.spool });
  assert.ok(packed.ref?.kind === 'git' && packed.ref.commit === commit);
  assert.match(String(await bytesOf(packed.blobs[0])), /\+2/);
});

test('each entry of `files` is an archive of one file or directory', async () => {
  await using w = await world();
  await w.write({
    'config.json': '{}',
    'data/x.csv': '1',
    'data/.gitignore': 'y\n',
    'data/y': '',
    '.gitignore': 'config.json',
  });
  await mkdir(w.path('empty'));
  const packed = await packFiles(
    [
      { localPath: join(w.dir, 'config.json'), path: '/etc/app.json' },
      { localPath: join(w.dir, 'data'), path: 'input' },
      { localPath: w.path('empty'), path: '~/out' },
    ],
    { spool: w.spool },
  );
  assert.deepEqual(
    packed.refs.map((ref) => ref.path),
    ['/etc/app.json', 'input', '~/out'],
  );
  const [file, dir, empty] = packed.blobs;
  assert.ok(file !== undefined && dir !== undefined && empty !== undefined);
  assert.deepEqual(await pathsOf(file), ['config.json']);
  assert.deepEqual(await pathsOf(dir), ['data/.gitignore', 'data/x.csv']);
  const [only, ...others] = await pathsOf(empty);
  assert.match(only ?? '', /^empty\/(\.\/)?$/);
  assert.deepEqual(others, []);
});

test('a file that is not there is named with its place in the list', async () => {
  await using w = await world();
  await w.write({ a: '' });
  const files = ['a', 'nope'].map((name) => ({ localPath: join(w.dir, name), path: name }));
  await assert.rejects(packFiles(files, { spool: w.spool }), (error) => {
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, 'invalid-configuration');
    assert.deepEqual(error.details, { index: 1 });
    return true;
  });
});

test('what a killed program left behind is removed a day later, and what is in use is not', async () => {
  await using w = await world();
  const parent = w.path('spool');
  const day = 25 * 3_600_000;
  const fresh = dirname((await openSpool(parent)).path('x'));
  await openSpool(parent, () => Date.now() + day);
  await assert.rejects(lstat(fresh));
  const kept = await openSpool(parent);
  await openSpool(parent);
  await lstat(dirname(kept.path('x')));
  await kept.dispose();
  await assert.rejects(lstat(dirname(kept.path('x'))));
});

async function refOf(w: World) {
  const { ref } = await w.pack();
  assert.ok(ref?.kind === 'git');
  return ref;
}
