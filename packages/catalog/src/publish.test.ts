import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createHttp } from '@berth/http';
import { type CollectedSource, type PublishOptions, publish } from './publish.ts';
import { directoryTarget, httpTarget } from './publish-target.ts';
import { pull } from './pull.ts';
import { generateKeyPair, readPrivateKey, readSigner, writePrivateKey } from './signature.ts';
import { temporaryDir, testHttp } from './testing/catalog-server.ts';
import { smallDisk } from './testing/small-disk.ts';

const { signal } = new AbortController();
const KEY = generateKeyPair();
const SIGNER = readSigner(KEY.privateKey);
const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

function good(name: string, text: string, collectedAt = START): CollectedSource {
  return { name, ok: true, snapshot: Buffer.from(text), offers: 1, collectedAt };
}

function publisher(root: string, more: Partial<PublishOptions> = {}) {
  return (sources: readonly CollectedSource[], at = START, now: Partial<PublishOptions> = {}) =>
    publish(
      { target: directoryTarget(root, () => at), signer: SIGNER, now: () => at, signal, ...more, ...now },
      sources,
    );
}

async function pulled(t: TestContext, base: string): Promise<Record<string, string>> {
  const dir = await temporaryDir(t);
  const options = { base, dir, trust: { keys: [KEY.publicKey] }, http: testHttp(), now: () => START, signal };
  const { changed, problems } = await pull(options);
  assert.deepEqual(problems, []);
  return Object.fromEntries(changed.map(({ name, snapshot }) => [name, Buffer.from(snapshot).toString()]));
}

describe('publishing', () => {
  it('counts versions, keeps sources that are not named, and takes out those that are withdrawn', async (t) => {
    const root = await temporaryDir(t);
    const send = publisher(root);
    assert.equal((await send([good('aws', 'a1'), good('gcp', 'g1')])).manifest.version, 1);
    const { manifest } = await send([good('aws', 'a2', START + 1), { name: 'gcp', ok: 'removed' }, good('oci', 'o1')]);
    assert.equal(manifest.version, 2);
    assert.match(manifest.sources[0]?.current?.version ?? '', /^20260101T000000Z-[0-9a-f]{8}$/);
    assert.deepEqual(await pulled(t, root), { aws: 'a2', oci: 'o1' });
  });

  it('keeps the last good version of a source that failed, with the reason, until it is good again', async (t) => {
    const root = await temporaryDir(t);
    const send = publisher(root);
    await send([good('aws', 'a1'), good('gcp', 'g1')]);
    const { failed, published } = await send(
      [good('gcp', 'g2', START + 1), { name: 'aws', ok: false, reason: 'HTTP 503' }],
      START + HOUR,
    );
    assert.deepEqual([published, failed], [['gcp'], [{ source: 'aws', reason: 'HTTP 503' }]]);
    assert.deepEqual(await pulled(t, root), { aws: 'a1', gcp: 'g2' });
    const { manifest } = await send([good('aws', 'a2', START + 1)]);
    assert.deepEqual(
      manifest.sources.map(({ failure }) => failure),
      [null, null],
    );
  });

  it('does not put an older collection over a newer one', async (t) => {
    const root = await temporaryDir(t);
    const send = publisher(root);
    await send([good('aws', 'new', START + HOUR)]);
    const { failed } = await send([good('aws', 'old', START)]);
    assert.match(failed[0]?.reason ?? '', /collected before the version that is published \(20260101T010000Z/);
    assert.deepEqual(await pulled(t, root), { aws: 'new' });
  });

  it('one source whose file cannot be written does not hold up the others', async (t) => {
    const root = await temporaryDir(t);
    const target = directoryTarget(root, () => START);
    const add: typeof target.add = async (path, bytes, ...rest) => {
      if (Buffer.from(bytes).toString() === 'a1') throw new Error('the disk has an error');
      await target.add(path, bytes, ...rest);
    };
    const { failed } = await publisher(root)([good('aws', 'a1'), good('gcp', 'g1')], START, {
      target: { ...target, add },
    });
    assert.match(failed[0]?.reason ?? '', /could not be written: the disk has an error/);
    assert.deepEqual(await pulled(t, root), { gcp: 'g1' });
  });

  it('removes files that no manifest has needed for a day, and what dead publishers have left', async (t) => {
    const root = await temporaryDir(t);
    const send = publisher(root);
    const objects = () => readdir(join(root, 'v1/objects'));
    await send([good('aws', 'a1')]);
    const orphan = join(root, `v1/objects/${'0'.repeat(64)}.berthcat`);
    await writeFile(orphan, 'left behind');
    await utimes(orphan, START / 1000, START / 1000);
    await writeFile(`${orphan}.0011.tmp`, 'half');
    await utimes(`${orphan}.0011.tmp`, START / 1000 - 1, START / 1000 - 1);
    await send([good('aws', 'a2', START + 1)], START + HOUR);
    assert.equal((await objects()).length, 3, 'what readers may be in the middle of stays; the half file goes');
    await send([], START + 24 * HOUR);
    assert.equal((await objects()).length, 3, 'the day counts from when it was no longer needed');
    await send([], START + 26 * HOUR);
    assert.equal((await objects()).length, 1);
    assert.deepEqual(await pulled(t, root), { aws: 'a2' });
  });

  it('on a full disk leaves the version before, and says why', async (t) => {
    const disk = await smallDisk(t, '128k');
    if (disk === null) return;
    const send = publisher(disk);
    await send([good('aws', 'a1')]);
    const large = {
      name: 'aws',
      ok: true,
      snapshot: Buffer.alloc(300_000, 'x'),
      offers: 1,
      collectedAt: START + 1,
    } as const;
    const { failed } = await send([large, good('gcp', 'g1')]);
    assert.match(failed[0]?.reason ?? '', /could not be written: ENOSPC/);
    assert.deepEqual(await pulled(t, disk), { aws: 'a1', gcp: 'g1' });
    await writeFile(join(disk, 'ballast'), Buffer.alloc(300_000)).catch(() => undefined);
    await assert.rejects(send([{ name: 'gcp', ok: false, reason: 'x' }]), /could not be published to .*ENOSPC/);
    assert.deepEqual(await pulled(t, disk), { aws: 'a1', gcp: 'g1' });
  });

  it('builds on nothing that somebody else has signed', async (t) => {
    const root = await temporaryDir(t);
    const former = generateKeyPair();
    await publisher(root, { signer: readSigner(former.privateKey) })([good('aws', 'a1')]);
    await assert.rejects(publisher(root)([good('gcp', 'g1')]), /cannot be continued: .* is not trusted here/);
    await publisher(root, { formerKeys: [former.publicKey] })([good('gcp', 'g1')]);
    assert.deepEqual(await pulled(t, root), { aws: 'a1', gcp: 'g1' });
  });

  it('turns away names that are no file names, and one name twice', async (t) => {
    const send = publisher(await temporaryDir(t));
    await assert.rejects(send([good('../aws', 'a1')]), /cannot be published as "\.\.\/aws"/);
    await assert.rejects(send([good('aws', 'a1'), good('aws', 'a2')]), /cannot be published as "aws"/);
  });

  it('is one at a time: a lock of the living holds, one of the dead does not', async (t) => {
    const root = await temporaryDir(t);
    const send = publisher(root);
    await mkdir(join(root, 'v1'));
    await writeFile(join(root, 'v1/.publishing'), `${process.pid}\n`);
    const sendNow = (sources: CollectedSource[]) => send(sources, Date.now());
    await assert.rejects(sendNow([good('aws', 'a1')]), /Another process publishes/);
    const child = spawn('true');
    await once(child, 'exit');
    await writeFile(join(root, 'v1/.publishing'), `${child.pid}\n`);
    await sendNow([good('aws', 'a1')]);
    assert.deepEqual(await pulled(t, root), { aws: 'a1' });
    // Of another machine that shares the directory: whether it is alive cannot be seen from here.
    await writeFile(join(root, 'v1/.publishing'), `${child.pid} elsewhere.example\n`);
    await assert.rejects(sendNow([good('aws', 'a2')]), /Another process publishes/);
  });

  it('takes over the lock of a process before this one that had its number, as in a container', async (t) => {
    const root = await temporaryDir(t);
    await mkdir(join(root, 'v1'));
    await writeFile(join(root, 'v1/.publishing'), `${process.pid}\n`);
    const before = Date.now() / 1000 - process.uptime() - 60;
    await utimes(join(root, 'v1/.publishing'), before, before);
    await publisher(root)([good('aws', 'a1')], Date.now());
    assert.deepEqual(await pulled(t, root), { aws: 'a1' });
  });

  it('goes on after a clock that was wrong has dated a version into the future', async (t) => {
    const root = await temporaryDir(t);
    const send = publisher(root);
    const year = 365 * 24 * 60 * 60_000;
    await send([good('aws', 'a1', START + year)], START + year);
    const { failed } = await send([good('aws', 'a2', START)], START);
    assert.deepEqual(failed, []);
    assert.deepEqual(await pulled(t, root), { aws: 'a2' });
  });

  it('that is killed at any moment leaves a version that can be read, and continued', async (t) => {
    const root = await temporaryDir(t);
    const script = fileURLToPath(new URL('testing/publish-until-killed.ts', import.meta.url));
    let last = 0;
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, [script, root, KEY.privateKey], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.on('data', (chunk) => (said += chunk));
      await once(child.stdout, 'data');
      await sleep(round * 7);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const now = Number(said.trim().split('\n').at(-1));
      const sources = await pulled(t, root);
      assert.deepEqual(Object.keys(sources), ['aws', 'gcp']);
      assert.equal(sources['aws']?.split(' ')[1], sources['gcp']?.split(' ')[1], 'both of one publishing');
      assert.ok(now > last);
      last = now;
    }
    const { manifest } = await publisher(root)([good('oci', 'o1')]);
    assert.ok(manifest.version > last);
  });
});

describe('publishing by HTTP PUT', () => {
  it('sends objects first and the pointer last, and loses nothing that another publisher sent meanwhile', async (t) => {
    const files = new Map<string, string>();
    const order: string[] = [];
    let meanwhile: (() => void) | null = null;
    const server = createServer(async (request, response) => {
      const path = request.url ?? '';
      const etag = (text: string | undefined) =>
        text === undefined ? undefined : `"${text.length}-${text.slice(-90, -60)}"`;
      if (request.headers.authorization !== 'Bearer key') return void response.writeHead(401).end();
      if (request.method === 'GET') {
        const text = files.get(path);
        if (text === undefined) return void response.writeHead(404).end();
        return void response.writeHead(200, { etag: etag(text) }).end(text);
      }
      const body: Buffer[] = [];
      for await (const chunk of request) body.push(chunk);
      order.push(`${request.method} ${path.split('/')[2]}`);
      if (path.endsWith('latest.json')) meanwhile?.();
      const { 'if-match': expected, 'if-none-match': none } = request.headers;
      const there = files.get(path);
      if ((expected !== undefined && expected !== etag(there)) || (none === '*' && there !== undefined)) {
        return void response.writeHead(412).end();
      }
      files.set(path, Buffer.concat(body).toString());
      response.writeHead(201).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => void server.close().closeAllConnections());
    // A TCP server has an address of this form once it listens.
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const http = createHttp({ now: Date.now, sleep: async () => undefined, random: () => 0 });
    const target = httpTarget({ base, http, headers: { authorization: 'Bearer key' } });
    const send = (sources: CollectedSource[]) => publisher('', { target })(sources);
    await send([good('aws', 'a1'), good('gcp', 'g1')]);
    assert.deepEqual(order, ['PUT objects', 'PUT objects', 'PUT manifests', 'PUT latest.json']);
    await send([good('aws', 'a2', START + 1)]);
    meanwhile = () => {
      meanwhile = null;
      files.set('/v1/latest.json', 'another one');
    };
    await assert.rejects(send([good('gcp', 'g2', START + 1)]), /published by somebody else meanwhile/);
    assert.equal(files.get('/v1/latest.json'), 'another one');
    await assert.rejects(publisher('', { target: httpTarget({ base, http }) })([]), /401/);
  });
});

describe('the signing key', () => {
  it('is written for its owner alone, never over another, and not read when others may', async (t) => {
    const path = join(await temporaryDir(t), 'key.pem');
    await writePrivateKey(path, KEY.privateKey);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await readPrivateKey(path)).publicKey, KEY.publicKey);
    await assert.rejects(writePrivateKey(path, 'another'), /exists already/);
    assert.equal(await readFile(path, 'utf8'), KEY.privateKey);
    await chmod(path, 0o640);
    await assert.rejects(readPrivateKey(path), /can be read by others/);
  });
});
