import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Parser } from 'tar';
import { JobFailure } from './failure.ts';
import { tarPieces } from './tar-pieces.ts';
import { makeTar, type TarEntry } from './testing/tar-writer.ts';
import { unpackArchive } from './unpack.ts';

describe('an archive', () => {
  let root: string;
  let n = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-unpack-'));
  });
  after(async () => await rm(root, { recursive: true }));

  /** Unpacks into a directory two levels below `area`, so that an escape would be seen in `area`. */
  async function unpack(entries: readonly TarEntry[]): Promise<{ readonly area: string; readonly dir: string }> {
    n += 1;
    const area = join(root, String(n));
    const dir = join(area, 'job', 'work');
    await mkdir(dir, { recursive: true });
    const archive = join(root, `${n}.tar.gz`);
    await writeFile(archive, makeTar(entries));
    await unpackArchive(archive, dir, new AbortController().signal);
    return { area, dir };
  }

  it('is unpacked with its modes, directories and links', async () => {
    const { dir } = await unpack([
      { path: 'src/', type: 'directory', mode: 0o755 },
      { path: 'src/run.sh', content: '#!/bin/sh\n', mode: 0o755 },
      { path: 'deep/in/side.txt', content: 'x' },
      { path: 'latest', type: 'symlink', linkTo: 'src/run.sh' },
    ]);
    assert.equal(await readFile(join(dir, 'latest'), 'utf8'), '#!/bin/sh\n');
    assert.equal((await stat(join(dir, 'src/run.sh'))).mode & 0o777, 0o755);
    assert.equal(await readFile(join(dir, 'deep/in/side.txt'), 'utf8'), 'x');
  });

  it('may hold data that compresses better than a thousand to one', async () => {
    const { dir } = await unpack([{ path: 'zeros', content: '\0'.repeat(8 * 1024 * 1024) }]);
    assert.equal((await stat(join(dir, 'zeros'))).size, 8 * 1024 * 1024);
  });

  it('may hold links to anywhere, which stay as they are', async () => {
    const { dir } = await unpack([
      { path: 'data', type: 'symlink', linkTo: '/mnt/data' },
      { path: 'sub/up', type: 'symlink', linkTo: '../../../elsewhere' },
    ]);
    assert.equal(await readlink(join(dir, 'data')), '/mnt/data');
    assert.equal(await readlink(join(dir, 'sub/up')), '../../../elsewhere');
  });

  it('with an absolute name stays inside', async () => {
    const { dir } = await unpack([{ path: '/absolute.txt', content: 'x' }]);
    assert.equal(await readFile(join(dir, 'absolute.txt'), 'utf8'), 'x');
  });

  const hostile: readonly (readonly [string, readonly TarEntry[]])[] = [
    ['that names ../', [{ path: '../escaped', content: 'x' }]],
    ['that names ../ further on', [{ path: 'a/../../../escaped', content: 'x' }]],
    ['whose link lies outside', [{ path: '../escaped', type: 'symlink', linkTo: '/etc' }]],
    [
      'that makes a link within a link',
      [
        { path: 'out', type: 'symlink', linkTo: '../..' },
        { path: 'out/escaped', type: 'symlink', linkTo: '/etc' },
      ],
    ],
    ['that hard-links what is outside', [{ path: 'escaped', type: 'hardlink', linkTo: '../../../outside' }]],
  ];
  for (const [what, entries] of hostile) {
    it(`${what} is refused, and nothing is written outside`, async () => {
      await assert.rejects(unpack(entries), (error) => error instanceof JobFailure && error.reason === 'setup-error');
      assert.deepEqual(await readdir(join(root, String(n))), ['job']);
      assert.deepEqual(await readdir(join(root, String(n), 'job')), ['work']);
    });
  }

  it('cannot write through its own link: what comes below it is a directory of its own', async () => {
    const { area } = await unpack([
      { path: 'out', type: 'symlink', linkTo: '../..' },
      { path: 'out/escaped', content: 'x' },
    ]).catch(() => ({ area: join(root, String(n)) }));
    assert.deepEqual(await readdir(area), ['job']);
  });

  it('keeps names that look like drives of Windows', async () => {
    const source = join(root, 'drives');
    await mkdir(join(source, 'E:'), { recursive: true });
    await writeFile(join(source, 'C:foo'), 'c');
    await writeFile(join(source, 'E:', 'in'), 'e');
    await writeFile(join(source, '\\root'), 'b');
    await link(join(source, 'C:foo'), join(source, 'D:hard'));
    await symlink('C:foo', join(source, 'F:soft'));
    const names = ['C:foo', 'D:hard', 'E:', 'F:soft', '\\root'];
    const asTold = names.map((name) => name.replace('\\', '\\\\')); // tar takes it for an escape
    for (const format of ['gnu', 'pax', 'ustar']) {
      n += 1;
      const [archive, dir] = [join(root, `${n}.tar`), join(root, String(n))];
      execFileSync('tar', ['-c', `--format=${format}`, '--force-local', '-f', archive, ...asTold], { cwd: source });
      await mkdir(dir);
      await unpackArchive(archive, dir, new AbortController().signal);
      assert.deepEqual((await readdir(dir)).sort(), names, format);
      assert.equal(await readFile(join(dir, 'F:soft'), 'utf8'), 'c');
      assert.equal((await stat(join(dir, 'C:foo'))).ino, (await stat(join(dir, 'D:hard'))).ino);
      assert.equal(await readFile(join(dir, 'E:', 'in'), 'utf8'), 'e');
    }
  });

  it('whose names are not UTF-8 is refused by name; what only looks damaged is kept', async () => {
    const source = join(root, 'latin');
    await mkdir(source);
    await writeFile(join(source, 'real-\ufffd'), 'r');
    for (const format of ['gnu', 'pax', 'ustar']) {
      for (const bad of ['na\u00efve', `${'long/'.repeat(30)}na\u00efve`]) {
        if (format === 'ustar' && bad.length > 100) continue;
        n += 1;
        const [archive, dir] = [join(root, `${n}.tar`), join(root, String(n))];
        const tar = (...args: string[]) =>
          execFileSync('tar', ['--format', format, '-f', archive, ...args], {
            cwd: source,
            env: { LC_ALL: 'C.UTF-8' },
          });
        tar('-c', 'real-\ufffd');
        await mkdir(dir);
        await unpackArchive(archive, dir, new AbortController().signal);
        assert.deepEqual(await readdir(dir), ['real-\ufffd']);
        const path = Buffer.concat([Buffer.from(`${source}/`), Buffer.from(bad, 'latin1')]);
        await mkdir(Buffer.from(join(source, bad, '..')), { recursive: true });
        await writeFile(path, 'x');
        tar('-r', '.');
        await rm(path);
        await assert.rejects(unpackArchive(archive, dir, new AbortController().signal), (error) => {
          assert.match(String(error), /refused: the name ".*na\u00efve" \(read as Latin-1\) is not UTF-8; rename/);
          return true;
        });
      }
    }
  });

  it('keeps a long name whose letters lie across two pieces of the archive', async () => {
    const name = Array.from({ length: 12 }, (_, i) => `${i}${'\u65e5\u672c'.repeat(20)}`).join('/');
    const source = join(root, 'long');
    await mkdir(join(source, name, '..'), { recursive: true });
    await writeFile(join(source, name), 'x');
    const archive = join(root, 'long.tar');
    execFileSync('tar', ['-c', '--format=pax', '-f', archive, '.'], { cwd: source });
    const bytes = await readFile(archive);
    for (const size of [512, 700, 1_001]) {
      const slices = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const pieces: Uint8Array[] = [];
      for await (const piece of tarPieces(Readable.from(slices))) pieces.push(piece);
      assert.ok(Buffer.concat(pieces).equals(bytes), 'nothing is left out');
      const entries: string[] = [];
      const parser = new Parser({
        onReadEntry: (entry) => {
          entries.push(entry.path);
          entry.resume();
        },
      });
      for (const piece of pieces) parser.write(Buffer.from(piece));
      parser.end();
      assert.ok(entries.includes(`./${name}`), `in pieces of ${size} bytes`);
    }
  });

  it('that is cut short leaves nothing that still writes', async () => {
    const whole = makeTar(
      Array.from({ length: 400 }, (_, i) => ({ path: `d${i}/f${i}`, content: `${i}`.repeat(5_000) })),
    );
    for (const part of [0.2, 0.5, 0.9]) {
      n += 1;
      const [archive, dir] = [join(root, `${n}.tar.gz`), join(root, String(n))];
      await writeFile(archive, whole.subarray(0, Math.floor(whole.length * part)));
      await mkdir(dir);
      await assert.rejects(unpackArchive(archive, dir, new AbortController().signal), /cannot be unpacked|refused/);
      await rm(dir, { recursive: true });
      await sleep(100);
      await assert.rejects(stat(dir), 'nothing of it came back');
    }
  });

  it('that does not fit onto the disk says which disk', async (t) => {
    const mount = join(root, 'small');
    await mkdir(mount);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'berth-test', mount], { stdio: 'pipe' });
    } catch {
      return t.skip('needs the right to mount a tmpfs');
    }
    try {
      const archive = join(root, 'big.tar.gz');
      await writeFile(archive, makeTar([{ path: 'big', content: 'x'.repeat(3_000_000) }]));
      await assert.rejects(unpackArchive(archive, mount, new AbortController().signal), (error) => {
        assert.ok(String(error).includes(`the disk that holds ${mount} is full`), String(error));
        return true;
      });
    } finally {
      execFileSync('umount', ['-l', mount]);
    }
  });

  it('that is none is a setup error', async () => {
    const archive = join(root, 'none');
    const dir = join(root, 'none-dir');
    await mkdir(dir);
    await writeFile(archive, 'this is not a tar at all'.repeat(100));
    await assert.rejects(unpackArchive(archive, dir, new AbortController().signal), JobFailure);
  });
});
