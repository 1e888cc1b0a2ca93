import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { BlobHash } from '@berth/core/ids';
import { type BlobLimits, BlobStore } from './blob-store.ts';
import { RequestFailure } from './failure.ts';

const hashOf = (bytes: Uint8Array): BlobHash => createHash('sha256').update(bytes).digest('hex') as BlobHash;
const failsWith = (code: string) => (error: unknown) => error instanceof RequestFailure && error.code === code;

describe('a blob', () => {
  let dir: string;
  let store: BlobStore;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'berth-blobs-'));
    store = await BlobStore.open(dir);
  });
  after(async () => await rm(dir, { recursive: true }));

  it('is there once its last piece has come, and not before', async () => {
    const bytes = Buffer.from('one two');
    const hash = hashOf(bytes);
    await store.put(hash, 0, bytes.subarray(0, 4), false);
    assert.equal(await store.find(hash), null);
    assert.deepEqual(await store.missing([hash]), [hash]);
    await store.put(hash, 4, bytes.subarray(4), true);
    assert.deepEqual(await readFile((await store.find(hash)) ?? ''), bytes);
    assert.deepEqual(await store.missing([hash]), []);
    assert.equal((await stat(join(dir, hash))).mode & 0o777, 0o600);
  });

  it('that is there already takes a repeat as done', async () => {
    const bytes = Buffer.from('repeat');
    await store.put(hashOf(bytes), 0, bytes, true);
    await store.put(hashOf(bytes), 0, bytes, true);
    await store.put(hashOf(bytes), 3, Buffer.from('nonsense'), true);
    assert.deepEqual(await readFile(join(dir, hashOf(bytes))), bytes);
  });

  it('whose bytes have another hash is refused and leaves nothing', async () => {
    const hash = hashOf(Buffer.from('what was promised'));
    await assert.rejects(store.put(hash, 0, Buffer.from('what came'), true), failsWith('hash-mismatch'));
    assert.equal(await store.find(hash), null);
    assert.ok(!(await readdir(dir)).some((name) => name.startsWith(hash)));
  });

  it('can be begun anew, and only goes on where it stopped', async () => {
    const bytes = Buffer.from('begin again');
    const hash = hashOf(bytes);
    await store.put(hash, 0, Buffer.from('false start'), false);
    await assert.rejects(store.put(hash, 3, bytes, false), failsWith('wrong-state'));
    await store.put(hash, 0, bytes.subarray(0, 5), false);
    await store.put(hash, 5, bytes.subarray(5), true);
    assert.deepEqual(await readFile(join(dir, hash)), bytes);
  });

  it('whose pieces come without waiting for each other is put together in order', async () => {
    const bytes = Buffer.alloc(1_000_000, 'xyz');
    const hash = hashOf(bytes);
    const pieces: Promise<void>[] = [];
    for (let at = 0; at < bytes.length; at += 100_000) {
      pieces.push(store.put(hash, at, bytes.subarray(at, at + 100_000), at + 100_000 >= bytes.length));
    }
    await Promise.all(pieces);
    assert.ok((await readFile(join(dir, hash))).equals(bytes));
  });

  it('that is empty is a blob like any other', async () => {
    const hash = hashOf(Buffer.alloc(0));
    await store.put(hash, 0, Buffer.alloc(0), true);
    assert.notEqual(await store.find(hash), null);
  });

  it('that was not finished is gone after a restart', async () => {
    await writeFile(join(dir, `${hashOf(Buffer.from('z'))}.part`), 'half');
    const again = await BlobStore.open(dir);
    assert.ok(!(await readdir(dir)).some((name) => name.endsWith('.part')));
    assert.deepEqual(await again.missing([hashOf(Buffer.from('repeat'))]), []);
  });
});

describe('blobs that nobody needs', () => {
  const LIMITS: BlobLimits = { maxBytes: 100, maxUnusedMs: 3_600_000, keepMs: 60_000 };
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'berth-blobs-'));
  });
  after(async () => await rm(dir, { recursive: true }));

  /** A blob that was used last so long ago. */
  async function old(store: BlobStore, name: string, minutes: number, length = 40): Promise<BlobHash> {
    const bytes = Buffer.alloc(length, name);
    await store.put(hashOf(bytes), 0, bytes, true);
    const used = new Date(Date.now() - minutes * 60_000);
    await utimes(join(dir, hashOf(bytes)), used, used);
    return hashOf(bytes);
  }

  it('go when they are unused for too long, or too many, longest unused first, and never while a job needs them', async () => {
    const store = await BlobStore.open(dir, LIMITS);
    const [ancient, pinned] = [await old(store, 'a', 120, 1), await old(store, 'p', 600)];
    const unpin = store.pin([pinned]);
    const [oldest, middle, fresh] = [await old(store, 'o', 30), await old(store, 'm', 20), await old(store, 'f', 0)];
    await store.sweep();
    const names = async (): Promise<string[]> => (await readdir(dir)).sort();
    assert.deepEqual(await names(), [pinned, fresh].sort(), `${ancient} ${oldest} ${middle} are gone`);
    await old(store, 'o', 30, 30);
    unpin();
    const again = await BlobStore.open(dir, LIMITS);
    assert.equal(await again.find(pinned), null, 'also when an agent is started');
    assert.deepEqual((await names()).length, 2);
  });

  it('count as used when they are asked for', async () => {
    const store = await BlobStore.open(dir, LIMITS);
    const hash = await old(store, 'u', 120);
    assert.deepEqual(await store.missing([hash]), []);
    await store.sweep();
    assert.notEqual(await store.find(hash), null);
  });
});
