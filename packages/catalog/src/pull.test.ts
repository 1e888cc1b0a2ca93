import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type CollectedSource, publish } from './publish.ts';
import { directoryTarget } from './publish-target.ts';
import { type PullOptions, pull } from './pull.ts';
import { loadCached } from './pull-load.ts';
import { generateKeyPair, readSigner, type Signer } from './signature.ts';
import { type Misbehaviour, serveCatalog, temporaryDir, testHttp } from './testing/catalog-server.ts';
import { smallDisk } from './testing/small-disk.ts';

const signal = new AbortController().signal;
const KEY = generateKeyPair();
const SIGNER = readSigner(KEY.privateKey);
const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);

const snapshotOf = (text: string): Uint8Array => Buffer.from(`snapshot of ${text}`.padEnd(5_000, '.'));

function good(name: string, text: string, at = START): CollectedSource {
  return { name, ok: true, snapshot: snapshotOf(text), offers: 3, collectedAt: at };
}

interface Site {
  readonly root: string;
  readonly publish: (sources: readonly CollectedSource[], signer?: Signer | null, at?: number) => Promise<unknown>;
}

async function newSite(t: TestContext): Promise<Site> {
  const root = await temporaryDir(t);
  return {
    root,
    publish: (sources, signer = SIGNER, at = START) =>
      publish({ target: directoryTarget(root, () => at), signer, now: () => at, signal }, sources),
  };
}

async function newReader(t: TestContext, base: string, more: Partial<PullOptions> = {}) {
  const dir = await temporaryDir(t);
  const trust = more.trust ?? { keys: [KEY.publicKey] };
  const options = { base, dir, trust, http: testHttp(), now: () => START, signal, timeoutMs: 300, ...more };
  return {
    dir,
    pull: (now: Partial<PullOptions> = {}) => pull({ ...options, ...now }),
    /** Name and text of every source that a start from the cache has. */
    load: async () => {
      const { sources, problems } = await loadCached(dir, trust);
      const texts = sources.map(({ name, snapshot }) => [name, textOf(snapshot)]);
      return { texts: Object.fromEntries(texts), problems: problems.map(({ reason }) => reason) };
    },
  };
}

const textOf = (snapshot: Uint8Array): string =>
  Buffer.from(snapshot).toString().replace('snapshot of ', '').replace(/\.+$/, '');
const namesOf = (sources: readonly { readonly name: string }[]): string[] => sources.map(({ name }) => name);

describe('pulling a catalog', () => {
  it('with a wrong key by mistake spoils nothing: under the right one the cache answers again', async (t) => {
    const site = await newSite(t);
    await site.publish([good('aws', 'a1')]);
    const server = await serveCatalog(t, site.root);
    const reader = await newReader(t, server.url);
    await reader.pull();
    const wrong = await reader.pull({ trust: { keys: [generateKeyPair().publicKey] } });
    assert.deepEqual([wrong.state, wrong.changed], ['failed', []]);
    assert.deepEqual(await reader.load(), { texts: { aws: 'a1' }, problems: [] });
  });

  it('brings every source, then only what has changed, then nothing, with one conditional request', async (t) => {
    const site = await newSite(t);
    await site.publish([good('aws', 'a1'), good('gcp', 'g1')]);
    const server = await serveCatalog(t, site.root);
    const reader = await newReader(t, server.url);
    const first = await reader.pull();
    assert.deepEqual([first.state, namesOf(first.changed), first.problems], ['updated', ['aws', 'gcp'], []]);
    server.answers.length = 0;
    assert.equal((await reader.pull()).state, 'unchanged');
    assert.deepEqual(server.answers, ['GET /v1/latest.json 304']);
    await site.publish([good('aws', 'a2', START + HOUR)]);
    const third = await reader.pull();
    assert.deepEqual([third.state, namesOf(third.changed)], ['updated', ['aws']]);
    assert.deepEqual(await reader.load(), { texts: { aws: 'a2', gcp: 'g1' }, problems: [] });
  });

  it('tells a caller what it does not hold, also when another process has fetched it', async (t) => {
    const site = await newSite(t);
    await site.publish([good('aws', 'a1'), good('gcp', 'g1')]);
    const reader = await newReader(t, site.root);
    const { changed } = await reader.pull();
    const held = new Map(changed.map(({ name, published }) => [name, published.sha256]));
    await site.publish([good('aws', 'a2', START + HOUR), { name: 'gcp', ok: 'removed' }]);
    await reader.pull();
    const late = await reader.pull({ held });
    assert.deepEqual([late.state, namesOf(late.changed), late.removed], ['updated', ['aws'], ['gcp']]);
  });

  it('reads a directory by path and by file URL, unsigned only when told so', async (t) => {
    const site = await newSite(t);
    await site.publish([good('aws', 'a1')], null);
    const url = pathToFileURL(site.root).href;
    const strict = await (await newReader(t, url)).pull();
    assert.match(strict.problems[0]?.reason ?? '', /it is not signed/);
    const loose = await newReader(t, url, { trust: 'unsigned' });
    assert.deepEqual(namesOf((await loose.pull()).changed), ['aws']);
    assert.deepEqual((await loose.load()).texts, { aws: 'a1' });
  });

  it('never asks another machine without encryption, nor any for what is not signed', async (t) => {
    const dir = await temporaryDir(t);
    const options = { dir, http: testHttp(), now: () => START, signal };
    const keys = { keys: [KEY.publicKey] };
    await assert.rejects(pull({ ...options, base: 'http://prices.example.com', trust: keys }), /without encryption/);
    await assert.rejects(pull({ ...options, base: 'https://prices.example.com', trust: 'unsigned' }), /must be signed/);
    await assert.rejects(pull({ ...options, base: 'ftp://prices.example.com', trust: keys }), /cannot be pulled/);
  });

  it('tells why the publisher has no newer version', async (t) => {
    const site = await newSite(t);
    await site.publish([good('aws', 'a1')]);
    await site.publish([{ name: 'aws', ok: false, reason: 'region 3 of 28 did not answer' }], SIGNER, START + HOUR);
    const reader = await newReader(t, site.root);
    const { changed } = await reader.pull();
    assert.deepEqual(changed[0]?.failure, { at: START + HOUR, reason: 'region 3 of 28 did not answer' });
    assert.equal(changed[0]?.published.collectedAt, START);
  });
});

describe('a server that misbehaves', () => {
  const other = readSigner(generateKeyPair().privateKey);
  const isManifest = (url = ''): boolean => url.endsWith('latest.json');
  const onManifest =
    (answer: Misbehaviour): Misbehaviour =>
    (request, ...rest) =>
      isManifest(request.url) && answer(request, ...rest);
  const onObject =
    (answer: Misbehaviour): Misbehaviour =>
    (request, ...rest) =>
      !isManifest(request.url) && answer(request, ...rest);

  const cases: [claim: string, misbehave: Misbehaviour, reason: RegExp][] = [
    ['answers 304 though nobody asked', (_, response) => !!response.writeHead(304).end(), /not asked/],
    ['answers the manifest with a web page', onManifest((_, r) => !!r.end('<html>Sign in')), /no signed manifest/],
    ['answers 500 for ever', (_, response) => !!response.writeHead(500).end('sorry'), /answered 500: sorry/],
    ['does not answer', () => true, /did not answer within 0.3 s/],
    ['stops in the middle of the manifest', onManifest((_, r, f) => r.write(f?.subarray(0, 50))), /nothing came for/],
    ['sends a manifest without end', onManifest((_, r) => !!r.end(Buffer.alloc(5_000_000, ' '))), /longer than the/],
    ['cuts an object', onObject((_, r, f) => !!r.end(f?.subarray(0, 100))), /ends after 100 of 5000 bytes/],
    ['breaks off an object', onObject((_, r, f) => r.write(f?.subarray(0, 9), () => r.destroy()) || true), /broke off/],
    ['sends other bytes', onObject((_, r) => !!r.end(Buffer.alloc(5_000, 'x'))), /checksum is another/],
    ['sends too many bytes', onObject((_, r) => !!r.end(Buffer.alloc(50_000_000))), /longer than the 5000 bytes/],
    ['stops in the middle of an object', onObject((_, r, f) => r.write(f?.subarray(0, 9))), /nothing came for 0.3 s/],
    ['has lost an object', onObject((_, r) => !!r.writeHead(404).end()), /answered 404/],
    ['answers an object with 304', onObject((_, r) => !!r.writeHead(304).end()), /ends after 0 of/],
  ];
  for (const [claim, misbehave, reason] of cases) {
    it(`${claim}: the old stays, the reason is told, and the next pull makes it good`, async (t) => {
      const site = await newSite(t);
      await site.publish([good('aws', 'a1')]);
      const server = await serveCatalog(t, site.root);
      const reader = await newReader(t, server.url);
      await reader.pull();
      await site.publish([good('aws', 'a2', START + HOUR)]);
      // Not even that is there which says what to ask for.
      await writeFile(join(reader.dir, 'v1/etag.json'), '{}');
      server.misbehave = misbehave;
      const failed = await reader.pull();
      assert.deepEqual(failed.changed, []);
      assert.match(failed.problems.map((problem) => problem.reason).join(), reason);
      assert.deepEqual((await reader.load()).texts, { aws: 'a1' });
      server.misbehave = null;
      assert.deepEqual(namesOf((await reader.pull()).changed), ['aws']);
      assert.deepEqual(await reader.load(), { texts: { aws: 'a2' }, problems: [] });
    });
  }

  it('one object that cannot be had costs only its source', async (t) => {
    const site = await newSite(t);
    await site.publish([good('aws', 'a1'), good('gcp', 'g1')]);
    const server = await serveCatalog(t, site.root);
    const reader = await newReader(t, server.url);
    await reader.pull();
    await site.publish([good('aws', 'a2', START + HOUR), good('gcp', 'g2', START + HOUR)]);
    server.misbehave = (_, response, file) => !!file?.includes('of a2') && !!response.writeHead(503).end();
    const half = await reader.pull();
    assert.deepEqual([half.state, namesOf(half.changed)], ['updated', ['gcp']]);
    assert.deepEqual(
      half.problems.map(({ source }) => source),
      ['aws'],
    );
    assert.deepEqual((await reader.load()).texts, { aws: 'a1', gcp: 'g2' });
  });

  it('a manifest that is forged, changed, rolled back, twofold or expired is not taken', async (t) => {
    const site = await newSite(t);
    await site.publish([good('aws', 'a1')]);
    const latest = join(site.root, 'v1/latest.json');
    const old = await readFile(latest, 'utf8');
    await site.publish([good('aws', 'a2', START + HOUR)]);
    const current = await readFile(latest, 'utf8');
    const reader = await newReader(t, site.root);
    await reader.pull();
    const answersWith = async (text: string, more: Partial<PullOptions> = {}): Promise<string> => {
      await writeFile(latest, text);
      const result = await reader.pull(more);
      assert.deepEqual([result.state, result.changed], ['failed', []]);
      assert.deepEqual((await reader.load()).texts, { aws: 'a2' });
      return result.problems.map(({ reason }) => reason).join();
    };
    assert.match(await answersWith(old), /version 1, older than 2/);
    assert.match(await answersWith(current.replace('a', 'b')), /no signed manifest/);
    assert.match(await answersWith(current.replace('\\"offers\\":3', '\\"offers\\":4')), /its signature is wrong/);
    const twin = await newSite(t);
    await twin.publish([good('aws', 'x1')]);
    await twin.publish([good('aws', 'x2', START + HOUR)]);
    assert.match(await answersWith(await readFile(join(twin.root, 'v1/latest.json'), 'utf8')), /two of version 2/);
    const forged = await newSite(t);
    await forged.publish([good('aws', 'f1')], other);
    assert.match(await answersWith(await readFile(join(forged.root, 'v1/latest.json'), 'utf8')), /not trusted here/);
    await writeFile(latest, current);
    const target = directoryTarget(site.root, () => START);
    await publish({ target, signer: SIGNER, now: () => START, signal, expiresInMs: HOUR }, []);
    const late = await reader.pull({ now: () => START + 2 * HOUR });
    assert.match(late.problems[0]?.reason ?? '', /it expired at 2026-01-01T01:00/);
  });
});

describe('the cache', () => {
  it('that is damaged is put aside, told, and fetched again, even where the server sees no change', async (t) => {
    const site = await newSite(t);
    await site.publish([good('aws', 'a1'), good('gcp', 'g1')]);
    const server = await serveCatalog(t, site.root);
    const reader = await newReader(t, server.url);
    const { changed } = await reader.pull();
    const path = changed[0]?.snapshotPath ?? '';
    await writeFile(path, Buffer.alloc(5_000, 'x'));
    const loaded = await reader.load();
    assert.deepEqual(loaded.texts, { gcp: 'g1' });
    assert.match(loaded.problems.join(), /objects\/[0-9a-f]{64}\.berthcat in the cache is damaged/);
    assert.ok((await readFile(`${path}.damaged`)).equals(Buffer.alloc(5_000, 'x')));
    assert.deepEqual(namesOf((await reader.pull()).changed), ['aws']);
    assert.deepEqual(await reader.load(), { texts: { aws: 'a1', gcp: 'g1' }, problems: [] });
  });

  it('without a readable manifest still has its sources', async (t) => {
    const site = await newSite(t);
    await site.publish([good('aws', 'a1')]);
    const reader = await newReader(t, site.root);
    await reader.pull();
    await writeFile(join(reader.dir, 'v1/latest.json'), randomBytes(100));
    const loaded = await reader.load();
    assert.deepEqual(loaded.texts, { aws: 'a1' });
    assert.match(loaded.problems.join(), /latest.json in the cache is not used/);
  });

  it('is whole after two pulls at once, and holds nothing that is not needed', async (t) => {
    const site = await newSite(t);
    await site.publish(['a', 'b', 'c', 'd'].map((name) => good(name, `${name}1`)));
    const server = await serveCatalog(t, site.root);
    const reader = await newReader(t, server.url);
    const results = await Promise.all([reader.pull(), reader.pull(), reader.pull()]);
    for (const { problems } of results) assert.deepEqual(problems, []);
    await site.publish([good('a', 'a2', START + HOUR)]);
    await reader.pull({ now: () => Date.now() + 2 * HOUR });
    assert.deepEqual(await reader.load(), { texts: { a: 'a2', b: 'b1', c: 'c1', d: 'd1' }, problems: [] });
    assert.equal((await readdir(join(reader.dir, 'v1/objects'))).length, 4);
  });

  it('on a full disk keeps what it had, says so, and goes on when there is room', async (t) => {
    const disk = await smallDisk(t, '256k');
    if (disk === null) return;
    const site = await newSite(t);
    await site.publish([good('aws', 'a1')]);
    const reader = await newReader(t, site.root, { dir: disk });
    await reader.pull();
    const snapshot = Buffer.alloc(400_000, 'y');
    await site.publish([{ name: 'aws', ok: true, snapshot, offers: 1, collectedAt: START + HOUR }]);
    const full = await reader.pull();
    assert.deepEqual(full.changed, []);
    assert.match(full.problems.map(({ reason }) => reason).join(), /ENOSPC/);
    const trust = { keys: [KEY.publicKey] };
    assert.equal((await loadCached(disk, trust)).sources[0]?.published.bytes, 5_000);
    execFileSync('mount', ['-o', 'remount,size=4m', disk]);
    assert.deepEqual(namesOf((await reader.pull()).changed), ['aws']);
    assert.equal((await loadCached(disk, trust)).sources[0]?.published.bytes, 400_000);
  });
});
