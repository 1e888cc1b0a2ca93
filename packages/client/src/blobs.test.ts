import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openArtifacts } from './artifacts.ts';
import { type Blob, uploadBlobs } from './blobs.ts';
import { createClient } from './client.ts';
import { json, refuse, startFakeServer } from './fake-server.ts';

function blobOf(content: Buffer): Blob {
  return {
    hash: createHash('sha256').update(content).digest('hex'),
    bytes: content.length,
    async *open() {
      for (let at = 0; at < content.length; at += 65536) yield content.subarray(at, at + 65536);
    },
  };
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('only what the server does not have is sent, and progress ends at the total', async () => {
  await using server = await startFakeServer();
  const known = blobOf(Buffer.from('known'));
  const content = randomBytes(300_000);
  const fresh = blobOf(content);
  server.on('POST /projects/main/blobs/missing', json({ missing: [fresh.hash] }));
  server.on(`PUT /projects/main/blobs/${fresh.hash}`, json({}));
  const client = createClient({ url: server.url, token: 't', project: 'main' });
  const progress: string[] = [];
  const before = timers();
  // The same blob twice is one blob.
  const sent = await uploadBlobs(client, [known, fresh, fresh], {
    onProgress: (done, total) => progress.push(`${done}/${total}`),
  });
  client.close();
  assert.equal(timers(), before, 'nothing is left that would keep a process from ending');
  assert.equal(sent, 300_000);
  assert.equal(progress.at(-1), '300000/300000');
  const put = server.seen.filter((request) => request.method === 'PUT');
  assert.equal(put.length, 1);
  assert.deepEqual(put[0]?.body, content);
  assert.equal(put[0]?.headers['content-length'], '300000');
});

test('nothing to send asks nothing', async () => {
  await using server = await startFakeServer();
  const client = createClient({ url: server.url, token: 't', project: 'main' });
  assert.equal(await uploadBlobs(client, []), 0);
  assert.equal(server.seen.length, 0);
});

test('a refused blob is the error that the server said, though the upload was not over', async () => {
  await using server = await startFakeServer();
  const blob = blobOf(randomBytes(5_000_000));
  server.on('POST /projects/main/blobs/missing', json({ missing: [blob.hash] }));
  server.early(`PUT /projects/main/blobs/${blob.hash}`, refuse(413, 'too-large', 'over the limit'));
  const client = createClient({ url: server.url, token: 't', project: 'main' });
  await assert.rejects(uploadBlobs(client, [blob]), { code: 'too-large', message: 'over the limit' });
  client.close();
});

test('an aborted upload rejects with the reason', async () => {
  await using server = await startFakeServer();
  const blob = blobOf(randomBytes(5_000_000));
  server.on('POST /projects/main/blobs/missing', json({ missing: [blob.hash] }));
  const client = createClient({ url: server.url, token: 't', project: 'main' });
  const controller = new AbortController();
  const upload = uploadBlobs(client, [blob], {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('Ctrl-C')),
  });
  await assert.rejects(upload, { message: 'Ctrl-C' });
  client.close();
});

test('artifacts come as the bytes that the server has, and half of them are an error', async () => {
  await using server = await startFakeServer();
  const content = randomBytes(200_000);
  server.on(
    'GET /projects/main/runs/r/artifacts',
    (response) => void response.writeHead(200, { 'content-length': content.length }).end(content),
    (response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 1000), () => response.destroy());
    },
  );
  const client = createClient({ url: server.url, token: 't', project: 'main' });
  const whole = await openArtifacts(client, 'r', { node: 1 });
  assert.equal(whole.bytes, content.length);
  assert.deepEqual(await bytesOf(whole.body), content);
  assert.equal(server.seen[0]?.query.get('node'), '1');
  const half = await openArtifacts(client, 'r');
  await assert.rejects(bytesOf(half.body), { code: 'unavailable' });
  client.close();
});
