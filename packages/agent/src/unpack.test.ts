import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { JobFailure } from './failure.ts';
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

  it('that is none is a setup error', async () => {
    const archive = join(root, 'none');
    const dir = join(root, 'none-dir');
    await mkdir(dir);
    await writeFile(archive, 'this is not a tar at all'.repeat(100));
    await assert.rejects(unpackArchive(archive, dir, new AbortController().signal), JobFailure);
  });
});
