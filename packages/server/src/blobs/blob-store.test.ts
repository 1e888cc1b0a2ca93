import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkConfiguration } from '@berth/core/configuration';
import type { BlobHash, ProjectId, RunId, UserId } from '@berth/core/ids';
import { toRunSpec } from '@berth/core/run-spec';
import { openSqliteStore } from '@berth/store/sqlite';
import { BlobStore, KEEP_UNUSED_MS } from './blob-store.ts';
import { collectBlobs } from './collect.ts';

const mine = 'project1' as ProjectId;
const other = 'project2' as ProjectId;
const hashOf = (bytes: Uint8Array): BlobHash => createHash('sha256').update(bytes).digest('hex') as BlobHash;

function setup(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-blobs-'));
  const store = openSqliteStore({ path: ':memory:' });
  const clock = { time: 1_000_000, now: () => clock.time };
  const blobs = new BlobStore({ dir, store, clock, random: randomBytes, maxBytes: 10_000 });
  t.after(async () => {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, store, clock, blobs };
}

async function* chunks(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap((e) => (e.isFile() ? [e.name] : []));

test('a blob is kept under its hash, and another project does not have it for that', async (t) => {
  const { blobs } = setup(t);
  const bytes = randomBytes(5000);
  const hash = hashOf(bytes);
  assert.deepEqual(await blobs.missing(mine, [hash]), [hash]);
  await blobs.put(mine, hash, chunks(bytes));
  await blobs.put(mine, hash, chunks(bytes));
  assert.deepEqual(await blobs.missing(mine, [hash]), []);
  assert.deepEqual(await blobs.missing(other, [hash]), [hash]);
  await assert.rejects(blobs.use(other, [hash]), { code: 'conflict' });
  await assert.rejects(blobs.open(other, hash), { code: 'not-found' });
  assert.deepEqual(readFileSync(blobs.path(mine, hash)), bytes);
  await blobs.put(other, hash, chunks(bytes));
  await blobs.removeProject(mine);
  assert.deepEqual(await blobs.missing(mine, [hash]), [hash]);
  assert.deepEqual(await blobs.missing(other, [hash]), []);
});

test('nothing is kept of bytes that are too many, others than promised, or broken off', async (t) => {
  const { blobs, dir } = setup(t);
  const bytes = randomBytes(10_001);
  let read = 0;
  const counted = async function* () {
    for await (const chunk of chunks(randomBytes(1_000_000))) {
      read += chunk.length;
      yield chunk;
    }
  };
  await assert.rejects(blobs.put(mine, hashOf(bytes), counted()), { code: 'too-large' });
  assert.ok(read <= 11_000, 'it does not read on');
  await assert.rejects(blobs.put(mine, hashOf(bytes), chunks(randomBytes(10))), { code: 'invalid-request' });
  const broken = async function* () {
    yield bytes.subarray(0, 10);
    throw new Error('the connection broke');
  };
  await assert.rejects(blobs.put(mine, hashOf(bytes), broken()), /broke/);
  assert.deepEqual(filesIn(dir), []);
  assert.deepEqual(await blobs.missing(mine, [hashOf(bytes)]), [hashOf(bytes)]);
});

test('what nobody used for a week goes, unless a live run needs it', async (t) => {
  const { blobs, store, clock } = setup(t);
  const [code, file, unused] = [randomBytes(1), randomBytes(2), randomBytes(3)];
  for (const bytes of [code, file, unused]) await blobs.put(mine, hashOf(bytes), chunks(bytes));
  const checked = checkConfiguration({ type: 'task', commands: ['true'] });
  assert.ok(checked.type === 'task');
  const ref = { path: '/x', bytes: 1 };
  const spec = toRunSpec(checked, {
    name: 'r',
    code: { kind: 'tar', blob: hashOf(code), ...ref, ifExists: 'error' },
    files: [{ blob: hashOf(file), ...ref }],
  });
  const run = await store.transaction((tables) =>
    tables.runs.insert({
      id: 'run1' as RunId,
      projectId: mine,
      userId: 'u' as UserId,
      name: 'r',
      live: true,
      status: 'running',
      endReason: null,
      message: null,
      spec,
      stopRequested: null,
      submission: 1,
      submittedAt: 0,
      retryWindowAt: 0,
      nextAttemptAt: null,
      startedAt: null,
      finishedAt: null,
    }),
  );
  const gone = async (): Promise<BlobHash[]> => blobs.missing(mine, [code, file, unused].map(hashOf));

  assert.equal(await collectBlobs(store, blobs, clock.now()), 0);
  clock.time += KEEP_UNUSED_MS - 1000;
  assert.equal(await collectBlobs(store, blobs, clock.now()), 0);
  assert.equal((await gone()).length, 3, 'what is about to go is asked for again');
  await blobs.use(mine, [hashOf(unused)]);
  assert.deepEqual(await gone(), [hashOf(code), hashOf(file)]);

  clock.time += KEEP_UNUSED_MS - 1000;
  assert.equal(await collectBlobs(store, blobs, clock.now()), 0);
  assert.deepEqual(await gone(), [hashOf(unused)]);
  clock.time += 2000;
  assert.equal(await collectBlobs(store, blobs, clock.now()), 1);
  assert.ok(!existsSync(blobs.path(mine, hashOf(unused))));

  await store.transaction((tables) => tables.runs.update(run.id, run.version, { live: false }));
  clock.time += KEEP_UNUSED_MS + 1;
  assert.equal(await collectBlobs(store, blobs, clock.now()), 2);
  assert.equal(await store.read.blobs.count(), 0);
});

test('regression: a blob whose file is gone or cut short is asked for again, and repaired by what is sent', async (t) => {
  const { blobs } = setup(t);
  const bytes = randomBytes(5000);
  const hash = hashOf(bytes);
  await blobs.put(mine, hash, chunks(bytes));
  for (const harm of [() => rmSync(blobs.path(mine, hash)), () => truncateSync(blobs.path(mine, hash), 4096)]) {
    harm();
    assert.deepEqual(await blobs.missing(mine, [hash]), [hash]);
    await assert.rejects(blobs.use(mine, [hash]), { code: 'conflict', hint: /Apply again/ });
    await assert.rejects(blobs.open(mine, hash), { code: 'not-found' });
    await blobs.put(mine, hash, chunks(bytes));
    assert.deepEqual(await blobs.missing(mine, [hash]), []);
    await blobs.use(mine, [hash]);
    assert.deepEqual(readFileSync(blobs.path(mine, hash)), bytes);
  }
  const { file } = await blobs.open(mine, hash);
  await file.close();
});

test('regression: what a killed server left of uploads is removed, and not what is being sent', async (t) => {
  const { blobs, dir } = setup(t);
  const bytes = randomBytes(2000);
  const hash = hashOf(bytes);
  await blobs.put(mine, hash, chunks(bytes));
  writeFileSync(`${blobs.path(mine, hash)}.0011223344556677.tmp`, 'half');
  const sent = randomBytes(3000);
  const half = Promise.withResolvers<void>();
  const rest = Promise.withResolvers<void>();
  const slow = blobs.put(
    mine,
    hashOf(sent),
    (async function* () {
      yield sent.subarray(0, 1000);
      half.resolve();
      await rest.promise;
      yield sent.subarray(1000);
    })(),
  );
  await half.promise;
  assert.equal(await blobs.sweepUnfinished(), 1);
  rest.resolve();
  await slow;
  assert.deepEqual(filesIn(dir).sort(), [hash, hashOf(sent)].sort());
});
