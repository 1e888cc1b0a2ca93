import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BerthError } from '@berth/core/errors';
import type { Waiter } from './back-off.ts';
import { createClient } from './client.ts';
import { hangUp, json, refuse, startFakeServer } from './fake-server.ts';

/** Never really waits, and remembers for how long it should have. */
function impatient(): Waiter & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => 0,
    random: () => 0.5,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      waits.push(ms);
    },
  };
}

const PROJECT = { id: 'p', name: 'main', owner: 'admin', created_at: 0, members: [] };

test('a call carries token, project, query and body to the route', async () => {
  await using server = await startFakeServer();
  using client = closing(createClient({ url: `${server.url}/`, token: 't0ken', project: 'main' }));
  server.on('GET /projects/main/runs', json({ runs: [], next: null }));
  server.on('POST /projects/other/runs/my run/stop', json({}));

  assert.deepEqual(await client.call('run.list', { query: { limit: 5, live: 'true', after: undefined } }), {
    runs: [],
    next: null,
  });
  await client.call('run.stop', { params: { project: 'other', run: 'my run' }, body: { abort: true } });

  const [list, stop] = server.seen;
  assert.equal(list?.headers.authorization, 'Bearer t0ken');
  assert.equal(list?.query.toString(), 'limit=5&live=true');
  assert.deepEqual(JSON.parse(String(stop?.body)), { abort: true });
});

test('a name made of dots cannot leave its place in the path', async () => {
  await using server = await startFakeServer();
  using client = closing(createClient({ url: server.url, token: null, project: 'main' }));
  await assert.rejects(client.call('run.get', { params: { run: '..' } }), { code: 'invalid-request' });
  assert.equal(server.seen.length, 0);
});

test("the server's refusal arrives as the error that it was, with hint and issues", async () => {
  await using server = await startFakeServer();
  using client = closing(createClient({ url: server.url, token: null }));
  server.on(
    'GET /projects',
    json({ error: { code: 'forbidden', message: 'not yours', hint: 'ask', issues: [] } }, 403),
  );
  await assert.rejects(client.call('project.list'), (error) => {
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, 'forbidden');
    assert.equal(error.message, 'not yours');
    assert.equal(error.hint, 'ask');
    return true;
  });
});

test('a GET is tried again after a broken connection and after a 503', async () => {
  await using server = await startFakeServer();
  const waiter = impatient();
  using client = closing(createClient({ url: server.url, token: null, waiter }));
  server.on('GET /projects', hangUp, refuse(503, 'unavailable', 'busy'), json([PROJECT]));
  assert.deepEqual(await client.call('project.list'), [PROJECT]);
  assert.equal(waiter.waits.length, 2);
});

test('a GET gives up after four attempts', async () => {
  await using server = await startFakeServer();
  using client = closing(createClient({ url: server.url, token: null, waiter: impatient() }));
  server.on('GET /projects', hangUp);
  await assert.rejects(client.call('project.list'), { code: 'unavailable' });
  assert.equal(server.seen.length, 4);
});

test('a POST is never repeated: the server may have acted on it', async () => {
  await using server = await startFakeServer();
  using client = closing(createClient({ url: server.url, token: null, waiter: impatient() }));
  server.on('POST /projects', hangUp);
  await assert.rejects(client.call('project.create', { body: { name: 'x' } }), { code: 'unavailable' });
  assert.equal(server.seen.length, 1);
});

test('a server that asks to wait is given the time that it names', async () => {
  await using server = await startFakeServer();
  const waiter = impatient();
  using client = closing(createClient({ url: server.url, token: null, waiter }));
  const busy = (response: import('node:http').ServerResponse) => {
    response.writeHead(429, { 'retry-after': '3', 'content-type': 'application/json' });
    response.end('{"error":{"code":"rate-limited","message":"slowly"}}');
  };
  server.on('GET /projects', busy, json([]));
  await client.call('project.list');
  assert.deepEqual(waiter.waits, [3000]);
});

test('nobody listening is said at once, with the address and what to do', async () => {
  const { url } = await closedPort();
  const waiter = impatient();
  using client = closing(createClient({ url, token: null, waiter }));
  await assert.rejects(client.call('project.list'), (error) => {
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, 'unavailable');
    assert.equal(error.details.failure, 'refused');
    assert.match(error.message, new RegExp(url));
    assert.match(error.hint ?? '', /berth server start/);
    return true;
  });
  assert.deepEqual(waiter.waits, []);
});

test('an answer that never comes ends at the deadline', async () => {
  await using server = await startFakeServer();
  using client = closing(createClient({ url: server.url, token: null }));
  server.on('GET /projects', () => {});
  await assert.rejects(client.call('project.list', { deadlineMs: 150 }), { code: 'unavailable', message: /0\.15 s/ });
});

test('an aborted call rejects with the reason of the signal', async () => {
  await using server = await startFakeServer();
  using client = closing(createClient({ url: server.url, token: null }));
  const controller = new AbortController();
  const reason = new Error('the user pressed Ctrl-C');
  server.on('GET /projects', () => controller.abort(reason));
  await assert.rejects(client.call('project.list', { signal: controller.signal }), reason);
});

test('a web page instead of an answer is recognised as a wrong address', async () => {
  await using server = await startFakeServer();
  using client = closing(createClient({ url: server.url, token: null }));
  server.on('GET /projects', (response) => void response.end('<html>hello'));
  await assert.rejects(client.call('project.list'), { code: 'unavailable', hint: /address of a Berth server/ });
  server.on('GET /projects', (response) => void response.writeHead(404).end('<html>no'));
  await assert.rejects(client.call('project.list'), { code: 'not-found', hint: /address of a Berth server/ });
});

test('when the request does not fit, a server of another API version is named as the cause', async () => {
  await using server = await startFakeServer();
  using client = closing(createClient({ url: server.url, token: null }));
  server.on('POST /projects', refuse(400, 'invalid-request', 'body.colour: unknown key'));
  server.on('GET /info', json({ version: '9.0.0', api: 9, installation: 'i', pid: 1, started_at: 0 }));
  await assert.rejects(client.call('project.create', { body: { name: 'x' } }), {
    code: 'invalid-request',
    hint: /server is Berth 9\.0\.0/,
  });
});

async function closedPort(): Promise<{ url: string }> {
  await using server = await startFakeServer();
  return { url: server.url };
}

function closing<T extends { close(): void }>(client: T): T & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}
