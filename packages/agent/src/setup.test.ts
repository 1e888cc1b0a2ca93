import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CodeRef } from '@berth/core/job-spec';
import { BlobStore } from './blob-store.ts';
import { JobFailure } from './failure.ts';
import { codePlacement, fetchFile, moveInto } from './setup.ts';
import { blobOf, makeTar } from './testing/tar-writer.ts';

let root: string;
let n = 0;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-setup-'));
});
after(async () => await rm(root, { recursive: true }));

async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  n += 1;
  const dir = join(root, String(n));
  await mkdir(dir);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(dir, path, '..'), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return dir;
}

describe('files that are moved to their place', () => {
  it('join a directory that is there', async () => {
    const [source, target] = [
      await tree({ 'a/new': '1', 'a/both': 'mine' }),
      await tree({ 'a/old': '2', 'a/both': 'theirs' }),
    ];
    await moveInto(source, target, true);
    assert.deepEqual(
      await Promise.all(['new', 'old', 'both'].map((name) => readFile(join(target, 'a', name), 'utf8'))),
      ['1', '2', 'mine'],
    );
  });

  it('replace nothing of another content where they must not', async () => {
    const [source, target] = [await tree({ f: 'mine' }), await tree({ f: 'theirs' })];
    await assert.rejects(moveInto(source, target, false), JobFailure);
    assert.equal(await readFile(join(target, 'f'), 'utf8'), 'theirs');
  });

  it('are compared to the last byte, however large', async () => {
    const large = 'x'.repeat(3 * 1024 * 1024);
    const [source, target] = [await tree({ f: `${large}a` }), await tree({ f: `${large}b` })];
    await assert.rejects(moveInto(source, target, false), JobFailure);
    await moveInto(await tree({ f: `${large}b` }), target, false);
  });

  it('are welcome where the same is there already', async () => {
    const [source, target] = [await tree({ f: 'same', g: 'more' }), await tree({ f: 'same' })];
    await moveInto(source, target, false);
    assert.equal(await readFile(join(target, 'g'), 'utf8'), 'more');
  });
});

describe('the archive of a file', () => {
  it('holds one thing, whatever it is called there', async () => {
    const blobs = await BlobStore.open(join(root, 'blobs'));
    const signal = new AbortController().signal;
    const one = blobOf(
      makeTar([
        { path: 'name-at-home/', type: 'directory', mode: 0o755 },
        { path: 'name-at-home/x', content: 'y' },
      ]),
    );
    const two = blobOf(
      makeTar([
        { path: 'a', content: '' },
        { path: 'b', content: '' },
      ]),
    );
    for (const { hash, bytes } of [one, two]) await blobs.put(hash, 0, bytes, true);
    const found = await fetchFile({ blob: one.hash, bytes: 1, path: '/p' }, join(root, 's1'), blobs, signal);
    assert.equal(await readFile(join(found, 'x'), 'utf8'), 'y');
    await assert.rejects(
      fetchFile({ blob: two.hash, bytes: 1, path: '/p' }, join(root, 's2'), blobs, signal),
      /must hold one/,
    );
  });

  it('that did not arrive is a setup error that says so', async () => {
    const blobs = await BlobStore.open(join(root, 'blobs'));
    const { hash } = blobOf(Buffer.from('never sent'));
    const fetching = fetchFile(
      { blob: hash, bytes: 1, path: '/p' },
      join(root, 's3'),
      blobs,
      new AbortController().signal,
    );
    await assert.rejects(fetching, /did not arrive/);
  });
});

describe('code', () => {
  const code: CodeRef = { kind: 'tar', blob: blobOf(Buffer.from('')).hash, bytes: 1, path: '.', ifExists: 'error' };
  it('goes into a directory that is empty', () => assert.equal(codePlacement(code, false, '/w'), 'fill'));
  it('is an error where something is, unless it is to be skipped', () => {
    assert.throws(() => codePlacement(code, true, '/w'), /\/w, which is not empty.*if_exists: skip/);
    assert.equal(codePlacement({ ...code, ifExists: 'skip' }, true, '/w'), 'skip');
  });
});
