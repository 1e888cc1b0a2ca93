import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { MAX_BODY_BYTES } from '@berth/core/api-routes';
import { createHandlers } from '../handlers/index.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

/** With headers that `fetch` does not let anybody set. */
async function rawAsk(
  api: TestApi,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request(api.url + path, { headers, setHost: false }, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: await text(response) });
    })
      .on('error', reject)
      .end();
  });
}

/** Bytes as they are, and everything that comes back until the server closes. */
async function rawBytes(api: TestApi, bytes: string): Promise<string> {
  const socket = connect({ port: Number(new URL(api.url).port), host: '127.0.0.1' });
  socket.write(bytes);
  return text(socket);
}

test('a loopback server answers to loopback names only, so that no rebound name reaches it', async (t) => {
  const api = await startTestApi(t);
  const { port } = new URL(api.url);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST', '[::1]:9999', '127.0.0.2:80'])
    assert.equal((await rawAsk(api, '/api/v1/info', { host })).status, 200, host);
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1.evil.example',
    '10.0.0.1',
    'localhost.evil',
    '',
  ]) {
    const answer = await rawAsk(api, '/api/v1/info', { host });
    assert.equal(answer.status, 403, host);
    assert.match(answer.body, /loopback names/);
  }
  assert.match(await rawBytes(api, 'GET /api/v1/info HTTP/1.0\r\n\r\n'), /403 Forbidden/);
});

test('a page of another site is refused, whatever it asks for', async (t) => {
  const api = await startTestApi(t);
  const { host } = new URL(api.url);
  assert.equal((await rawAsk(api, '/api/v1/info', { host, origin: `http://${host}` })).status, 200);
  for (const origin of [
    'http://evil.example',
    `http://evil.example:${new URL(api.url).port}`,
    'null',
    `http://127.0.0.1:1`,
  ]) {
    const answer = await rawAsk(api, '/api/v1/info', { host, origin });
    assert.equal(answer.status, 403, origin);
    assert.match(answer.body, /another site/);
  }
  const preflight = await api.ask('OPTIONS /projects', { headers: { origin: 'http://evil.example' } });
  assert.equal(preflight.headers.get('access-control-allow-origin'), null);
  assert.ok(preflight.status >= 400);
});

test('a server that listens for others takes any name, and still no foreign page', async (t) => {
  const api = await startTestApi(t, { loopback: false });
  assert.equal((await rawAsk(api, '/api/v1/info', { host: 'berth.example' })).status, 200);
  assert.equal(
    (await rawAsk(api, '/api/v1/info', { host: 'berth.example', origin: 'https://berth.example' })).status,
    200,
  );
  assert.equal(
    (await rawAsk(api, '/api/v1/info', { host: 'berth.example', origin: 'https://evil.example' })).status,
    403,
  );
});

test('what is wrong with a request is told as an error of ours, never as a page', async (t) => {
  const api = await startTestApi(t);
  const owner = await api.user('owner');
  await api.project('main', owner);
  const token = await api.token(owner);
  const json = (body: string) => ({ token, body, headers: { 'content-type': 'application/json' } });
  const cases: [string, Parameters<TestApi['ask']>[1], number, string, RegExp][] = [
    ['GET /nothing', { token }, 404, 'not-found', /no GET .*nothing/],
    ['PUT /projects', { token }, 404, 'not-found', /PUT/],
    ['POST /projects', json('{"name": '), 400, 'invalid-request', /not JSON/],
    ['POST /projects', json(''), 400, 'invalid-request', /`name` is missing/],
    ['POST /projects', json('{"name":"Upper"}'), 400, 'invalid-request', /name: `Upper` cannot be a name/],
    ['POST /projects', json('{"name":"x","more":1}'), 400, 'invalid-request', /more/],
    ['POST /projects', json('[]'), 400, 'invalid-request', /body/],
    ['POST /projects', json('{"__proto__":{"name":"x"}}'), 400, 'invalid-request', /__proto__/],
    ['POST /projects', json(`${'['.repeat(200)}${']'.repeat(200)}`), 400, 'invalid-request', /deep/],
    ['POST /projects', json(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), 400, 'invalid-request', /deep/],
    ['POST /projects', { token, body: 'name=x' }, 400, 'invalid-request', /application\/json/],
    ['POST /projects', { token, body: { name: 'x'.repeat(MAX_BODY_BYTES) } }, 413, 'too-large', /larger/],
    ['GET /projects/main/runs?limit=0', { token }, 400, 'invalid-request', /`limit` must be at least 1/],
    ['GET /projects/main/runs?nope=1', { token }, 400, 'invalid-request', /nope/],
    [
      'GET /projects/main/runs?limit=1&limit=2',
      { token },
      400,
      'invalid-request',
      /`limit` must be a number, not a list/,
    ],
    ['GET /projects/%E0%A4%A', { token }, 400, 'invalid-request', /cannot be read/],
    [`GET /projects/${'x'.repeat(2000)}`, { token }, 400, 'invalid-request', /too long/],
    [`GET /${'x'.repeat(2000)}`, { token }, 404, 'not-found', /…/],
    ['GET /projects/..%2f..%2fetc', { token }, 404, 'not-found', /no project/],
  ];
  for (const [route, options, status, code, message] of cases) {
    const answer = await api.ask(route, options);
    assert.equal(answer.status, status, `${route} ${answer.text.slice(0, 300)}`);
    assert.equal(answer.json.error.code, code, answer.text);
    assert.match(answer.json.error.message, message);
    assert.equal(answer.headers.get('cache-control') ?? 'no-store', 'no-store');
  }
  assert.equal((await api.store.read.projects.find()).length, 1, 'nothing was created');
  const { issues } = (await api.ask('POST /projects', { token, body: { name: 5, x: 1 } })).json.error;
  assert.deepEqual(
    issues.map((issue: { path: string }) => issue.path),
    ['body.name', 'body.x'],
  );
});

test('a body over its limit is not read to its end, and its sender still reads why', async (t) => {
  const api = await startTestApi(t);
  const owner = await api.user('owner');
  await api.project('main', owner);
  const token = await api.token(owner);
  const started = performance.now();
  const answer = await api.ask(`PUT /projects/main/blobs/${'a'.repeat(64)}`, {
    token,
    body: new Uint8Array(8_000_000),
  });
  assert.equal(answer.status, 413, answer.text);
  assert.equal(answer.json.error.details.max_bytes, 1024 * 1024);
  const anonymous = await api.ask(`PUT /projects/main/blobs/${'a'.repeat(64)}`, { body: new Uint8Array(8_000_000) });
  assert.equal(anonymous.status, 401);
  assert.ok(performance.now() - started < 5000);
});

test('what nobody foresaw shows an id that is in the log, and nothing of its cause', async (t) => {
  const api = await startTestApi(t, {
    handlers: (parts) => ({
      ...createHandlers(parts),
      'server.info': async () => {
        throw Object.assign(new Error('password is hunter2 in /srv/berth/secret.ts'), { statusCode: 200 });
      },
    }),
  });
  const answer = await api.ask('GET /info');
  assert.equal(answer.status, 500);
  assert.equal(answer.json.error.code, 'internal');
  assert.doesNotMatch(answer.text, /hunter2|secret\.ts|\bat \S+:/);
  const id = answer.json.error.details.error_id;
  assert.match(answer.json.error.message, new RegExp(id));
  const line = api.logged.find(({ fields }) => fields?.error_id === id);
  const logged = line?.fields?.error;
  assert.ok(logged instanceof Error && /hunter2/.test(logged.message));
});

test('what is not HTTP, or has too much of it, is refused in one answer', async (t) => {
  const api = await startTestApi(t);
  assert.match(
    await rawBytes(api, 'SSH-2.0-OpenSSH_9.2\r\n\r\n'),
    /^HTTP\/1.1 400 .*\{"error":\{"code":"invalid-request"/s,
  );
  const huge = `GET /api/v1/info HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`;
  assert.match(await rawBytes(api, huge), /^HTTP\/1.1 431 /);
});

test('the scheme of the Authorization header is all that is taken: no query, no cookie', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('ada'));
  assert.equal((await api.ask(`GET /users/me?token=${token}`)).status, 401);
  assert.equal((await api.ask('GET /users/me', { headers: { cookie: `token=${token}` } })).status, 401);
  assert.equal((await api.ask('GET /users/me', { headers: { authorization: token } })).status, 401);
  assert.equal((await api.ask('GET /users/me', { headers: { authorization: `Basic ${token}` } })).status, 401);
  assert.equal((await api.ask('GET /users/me', { headers: { authorization: `bearer ${token}` } })).status, 200);
});

test('regression: what is wrong with a body is told in our own words, as of a configuration file', async (t) => {
  const api = await startTestApi(t);
  const root = await api.user('root', 'admin');
  await api.project('main', root);
  const token = await api.token(root);
  const cases: [string, unknown, string, string][] = [
    ['POST /users', { name: 5 }, 'body.name', '`name` must be text, not `5`'],
    ['POST /users', { name: 'ada', emial: 'a@b' }, 'body.emial', 'unknown key `emial`'],
    [
      'POST /users',
      { name: 'ada', global_role: 'Admin' },
      'body.global_role',
      '`global_role` must be `admin` or `user`, not `Admin`',
    ],
    ['PATCH /users/root', { active: 'yes' }, 'body.active', '`active` must be `true` or `false`, not `yes`'],
    ['POST /projects/main/blobs/missing', { hashes: [1] }, 'body.hashes[0]', '`hashes[0]` must be text, not `1`'],
    ['POST /users', [], 'body', "the request's body must be a map, not a list"],
    ['GET /projects/main/runs?limit=many', undefined, 'query.limit', '`limit` must be a number, not `many`'],
    ['GET /projects/main/runs?limit=5000', undefined, 'query.limit', '`limit` must be at most 1000'],
    ['GET /projects/main/runs?limt=5', undefined, 'query.limt', 'unknown key `limt`'],
  ];
  for (const [route, body, path, message] of cases) {
    const { status, json } = await api.ask(route, { token, ...(body === undefined ? {} : { body }) });
    assert.equal(status, 400, route);
    assert.deepEqual([json.error.issues[0].path, json.error.issues[0].message], [path, message]);
    assert.match(json.error.message, /^The request's (body|query) does not fit: /);
    assert.doesNotMatch(JSON.stringify(json), /Invalid|expected|received/);
  }
  const near = await api.ask('GET /projects/main/runs?limt=5', { token });
  assert.equal(near.json.error.issues[0].hint, 'did you mean `limit`?');
  assert.equal(near.json.error.hint, undefined, 'once is enough');
});

test('regression: a body of very many mistakes is refused in few words, and overflows nothing', async (t) => {
  const api = await startTestApi(t);
  const owner = await api.user('owner');
  await api.project('main', owner);
  const token = await api.token(owner);
  const plan = (configuration: unknown) =>
    api.ask('POST /projects/main/runs/plan', { token, body: { configuration, code: null, files: [] } });
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, null]));

  const unknown = await plan({ type: 'task', commands: ['true'], ...many(90_000) });
  assert.equal(unknown.status, 422);
  assert.equal(unknown.json.error.issues.length, 100);
  assert.match(unknown.json.error.message, /\(the first 100 of 90000 mistakes are listed\)$/);
  const list = await plan({ type: 'task', commands: Array.from({ length: 90_000 }, () => 1) });
  assert.deepEqual(
    list.json.error.issues.map(({ message }: { message: string }) => message),
    ['`commands` can have at most 10000 entries'],
  );
  const values = await plan({ type: 'task', commands: Array.from({ length: 200_000 }, () => 1) });
  assert.equal(values.status, 413);
  assert.match(values.json.error.message, /more than 100000 values/);
  const ours = await api.ask('POST /projects', { token, body: { name: 'x', ...many(90_000) } });
  assert.equal(ours.status, 400);
  assert.equal(ours.json.error.issues.length, 101);
  assert.equal(ours.json.error.issues.at(-1).message, 'and 89900 more');
});
