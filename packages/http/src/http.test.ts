import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { z } from 'zod';
import { createHttp, type Http, HttpError, type HttpOptions, type HttpRequest } from './http.ts';
import { allOf } from './testing/all-of.ts';
import { type ReplayServer, replayServer, tooMany, webPage } from './testing/replay-server.ts';

const API = 'https://api.example.com';
const never = new AbortController().signal;
const schema = z.object({ plans: z.array(z.object({ id: z.string(), price: z.number() })) });

let server: ReplayServer;
let waits: number[];

beforeEach(async () => {
  server = await replayServer();
  waits = [];
});
afterEach(() => server[Symbol.asyncDispose]());

function client(options: Partial<HttpOptions> = {}): Http {
  return createHttp({
    now: () => Date.UTC(2026, 0, 5),
    sleep: async (ms) => void waits.push(ms),
    random: () => 0,
    origins: server.instead(API),
    ...options,
  });
}

async function failureOf(request: Partial<HttpRequest>, http = client()): Promise<HttpError> {
  const error: unknown = await http.text({ url: `${API}/x`, ...request }, never).then(
    () => assert.fail('it should have failed'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HttpError, String(error));
  return error;
}

describe('an answer', () => {
  test('comes from the other origin with path and query as they were', async () => {
    server.on('GET /v2/plans', { json: { plans: [{ id: 'a', price: 1 }] } });
    const request = { url: `${API}/v2/plans?type=all`, query: { page: 2, gpu: true, cursor: undefined }, schema };
    assert.deepEqual(await client().json(request, never), { plans: [{ id: 'a', price: 1 }] });
    assert.equal(server.requests[0]?.query.toString(), 'type=all&page=2&gpu=true');
  });

  test('comes from the other origin also for a path that looks like a host', async () => {
    // Like any server that reads a path with `URL`, this one sees no more of it than that.
    server.on('GET /x', { body: 'here' });
    assert.equal((await client().text({ url: `${API}//127.0.0.2/x` }, never)).text, 'here');
  });

  test('is asked for by name, and a name of the caller replaces ours', async () => {
    server.on('GET /x', {});
    await client().text({ url: `${API}/x` }, never);
    await client().text({ url: `${API}/x`, headers: { 'User-Agent': 'test' } }, never);
    assert.match(String(server.requests[0]?.headers['user-agent']), /^berth /);
    assert.equal(server.requests[1]?.headers['user-agent'], 'test');
  });

  test('is asked for with JSON where the body is an object, and as it is where it is text', async () => {
    server.on('POST /x', {});
    await client().text({ method: 'POST', url: `${API}/x`, body: { query: '{ a }' } }, never);
    await client().text({ method: 'POST', url: `${API}/x`, body: 'a=b' }, never);
    assert.deepEqual(
      server.requests.map(({ body, headers }) => [body, headers['content-type']]),
      [
        ['{"query":"{ a }"}', 'application/json'],
        ['a=b', 'text/plain;charset=UTF-8'],
      ],
    );
  });

  test('that has not changed is told by `open`, and is none for others', async () => {
    server.on('GET /x', { status: 304 });
    assert.equal((await client().open({ url: `${API}/x` }, never)).status, 304);
    assert.match((await failureOf({})).message, /answered 304/);
  });

  test('of lines comes line by line', async () => {
    server.on('GET /list.csv', { body: ['a,b\r\n1,', '2\r\n', '3,4'] });
    const lines = await allOf(client().lines({ url: `${API}/list.csv` }, never));
    assert.deepEqual(lines, ['a,b', '1,2', '3,4']);
  });
});

describe('retries', () => {
  test('a 429 is waited out as long as it asks for, also after a POST', async () => {
    server.on('POST /x', tooMany('3'), tooMany('Mon, 05 Jan 2026 00:00:09 GMT'), { body: 'ok' });
    const told: string[] = [];
    const http = client({ onRetry: (reason, ms) => told.push(`${reason} ${ms}`) });
    assert.equal((await http.text({ method: 'POST', url: `${API}/x` }, never)).text, 'ok');
    assert.deepEqual(waits, [3_000, 9_000]);
    assert.equal(told[0], 'POST api.example.com/x answered 429: slow down 3000');
  });

  test('a 429 that asks for more than a minute is told at once', async () => {
    server.on('GET /x', tooMany('3600'));
    const error = await failureOf({});
    assert.deepEqual([error.code, error.retryAfterMs, server.requests.length], ['rate-limited', 3_600_000, 1]);
  });

  test('a GET is sent again after 5xx, a cut connection and a cut body, with growing pauses', async () => {
    server.on('GET /x', { status: 503 }, { cut: 'before-head' }, { body: 'half', cut: 'after-body' }, { body: 'ok' });
    assert.equal((await client().text({ url: `${API}/x` }, never)).text, 'ok');
    assert.deepEqual(waits, [250, 500, 1_000]);
  });

  test('they end after four attempts, with what was said last', async () => {
    server.on('GET /x', { status: 502, body: 'bad gateway' });
    const error = await failureOf({});
    assert.deepEqual([error.code, error.status, server.requests.length], ['transient', 502, 4]);
    assert.equal(error.message, 'GET api.example.com/x answered 502: bad gateway');
  });

  test('a POST whose outcome is not known is not sent again, and says that it is not known', async () => {
    server.on('POST /x', { status: 503 });
    server.on('POST /cut', { cut: 'before-head' });
    for (const url of [`${API}/x`, `${API}/cut`]) {
      assert.equal((await failureOf({ method: 'POST', url })).code, 'unknown');
    }
    assert.equal(server.requests.length, 2);
  });

  test('a POST that only reads is sent again', async () => {
    server.on('POST /graphql', { status: 500 }, { body: 'ok' });
    const request = { method: 'POST', url: `${API}/graphql`, body: {}, repeatable: true } as const;
    assert.equal((await client().text(request, never)).text, 'ok');
  });

  test('where nobody listens nothing was done: every request is sent again', async () => {
    const http = client({ origins: { [API]: 'http://127.0.0.1:9' }, fetch: () => refused() });
    const error = await failureOf({ method: 'POST' }, http);
    assert.deepEqual([error.code, waits.length], ['transient', 3]);
    assert.equal(error.message, 'POST api.example.com/x failed: connect ECONNREFUSED 127.0.0.1:9');
  });

  test('what was refused is not asked again', async () => {
    const codes = [];
    for (const status of [400, 401, 403, 404, 409, 410]) {
      server.on('GET /x', { status });
      codes.push((await failureOf({})).code);
    }
    assert.deepEqual(codes, ['config', 'auth', 'auth', 'not-found', 'config', 'not-found']);
    assert.equal(server.requests.length, 6);
  });

  test('a wait is ended by the caller', async () => {
    server.on('GET /x', { status: 500 });
    const stop = new AbortController();
    const sleep = async (): Promise<void> => stop.abort(new Error('enough'));
    await assert.rejects(client({ sleep }).text({ url: `${API}/x` }, stop.signal), /enough/);
    assert.equal(server.requests.length, 1);
  });
});

function refused(): Promise<never> {
  const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' });
  return Promise.reject(new TypeError('fetch failed', { cause }));
}

describe('time and size', () => {
  test('a head that does not come is a time-out, tried again, and named as one', async () => {
    server.on('GET /x', { headAfterMs: Infinity });
    const error = await failureOf({ timeoutMs: 50 });
    assert.deepEqual([error.code, server.requests.length], ['transient', 4]);
    assert.equal(error.message, 'GET api.example.com/x did not answer within 0.05 s');
  });

  test('a body that stops coming is a time-out, also that of a refusal', async () => {
    server.on('GET /x', { body: 'half', pauseMs: Infinity });
    assert.match((await failureOf({ timeoutMs: 50 })).message, /did not answer within/);
    server.on('GET /x', { status: 400, body: 'half', pauseMs: Infinity });
    assert.equal((await failureOf({ timeoutMs: 50 })).message, 'GET api.example.com/x answered 400');
    const opened = client().open({ url: `${API}/x`, timeoutMs: 50 }, never);
    await assert.rejects(opened, { name: 'HttpError', status: 400 });
  });

  test('lines may take long in all, but not between two chunks', async () => {
    server.on('GET /slow', { body: ['a\n', 'b\n', 'c\n', 'd\n'], pauseMs: 60 });
    const lines = allOf(client().lines({ url: `${API}/slow`, timeoutMs: 150 }, never));
    assert.deepEqual(await lines, ['a', 'b', 'c', 'd']);
    server.on('GET /stuck', { body: 'a\n', pauseMs: Infinity });
    const stuck = allOf(client().lines({ url: `${API}/stuck`, timeoutMs: 50 }, never));
    await assert.rejects(stuck, /sent nothing for 0.05 s in the middle of its answer/);
  });

  test('lines that break off are an error, never a shorter list', async () => {
    server.on('GET /cut', { body: 'a\nb\n', cut: 'after-body' });
    const lines = allOf(client().lines({ url: `${API}/cut` }, never));
    await assert.rejects(lines, { name: 'HttpError', code: 'transient' });
  });

  test('an answer that is too large is given up, also when it was packed', async () => {
    const { gzipSync } = await import('node:zlib');
    const body = gzipSync(Buffer.alloc(4 * 1024 * 1024));
    server.on('GET /x', { body, headers: { 'content-encoding': 'gzip' } });
    const error = await failureOf({ maxBytes: 1024 * 1024 });
    assert.deepEqual([error.code, server.requests.length], ['unknown', 1]);
    assert.match(error.message, /more than 1 MiB/);
  });

  test('an abort closes the connection, and its reason is what the caller gave', async () => {
    server.on('GET /head', { headAfterMs: Infinity });
    server.on('GET /body', { body: 'half', pauseMs: Infinity });
    for (const path of ['/head', '/body']) {
      const stop = new AbortController();
      const enough = new Error('enough');
      const asking = client().text({ url: `${API}${path}` }, stop.signal);
      while (server.asked(`GET ${path}`).length === 0) await new Promise(setImmediate);
      stop.abort(enough);
      await assert.rejects(asking, (error) => error === enough);
    }
    const end = performance.now() + 2_000;
    while (server.openConnections() > 0 && performance.now() < end) await new Promise((done) => setTimeout(done, 5));
    assert.equal(server.openConnections(), 0);
  });
});

describe('messages', () => {
  test('name method, host and path, and no key, wherever it was sent and even if it is repeated', async () => {
    const key = 'sk-1234567890';
    server.on('POST /x', { status: 403, body: `key ${key} (Bearer ${key}) may not read zone us-east-1` });
    const secrets: Partial<HttpRequest>[] = [
      { query: { api_key: key, region: 'us-east-1' } },
      { url: `${API}/x?api_key=${key}` },
      { headers: { authorization: `Bearer ${key}` } },
      { headers: { 'X-Api-Token': key } },
      { body: { client_secret: key } },
      { body: `grant_type=x&client_secret=${key}` },
    ];
    for (const secret of secrets) {
      const { message } = await failureOf({ method: 'POST', ...secret });
      assert.ok(!message.includes(key), message);
      assert.match(message, /^POST api\.example\.com\/x answered 403: .* zone us-east-1$/);
    }
  });

  test('of a request that cannot be sent repeat no key, are no network trouble, and come at once', async () => {
    const secret = 'sk-0123456789';
    const wrong: Partial<HttpRequest>[] = [
      { headers: { authorization: `Bearer ${secret}\r\nx-admin: 1` } },
      { headers: { authorization: `Bearer ${secret}\u2192` } },
      { headers: { 'x y': secret } },
      { url: `https://user:${secret}@api.example.com/x` },
      { url: `no address?key=${secret}` },
      { url: `file:///etc/passwd?${secret}` },
      { url: `data:text/plain,${secret}` },
    ];
    for (const request of wrong) {
      const error = await failureOf(request);
      assert.equal(error.code, 'config');
      assert.ok(!inspect(error).includes(secret), inspect(error));
    }
    assert.equal(server.requests.length, 0);
    assert.deepEqual(waits, []);
  });

  test('hold nothing that moves a cursor, whatever the other side says', async () => {
    server.on('GET /x', { status: 400, body: 'no \u001b[2J\u001b]0;title\u0007 such\u202e plan\u2028' });
    const { message } = await failureOf({});
    assert.doesNotMatch(message, /[\p{Cc}\p{Cf}\u2028]/u);
    assert.match(message, /such.*plan/);
  });

  test('a redirect is refused at once, and where it points to gets nothing', async () => {
    server.on('GET /x', { status: 302, headers: { location: `${server.origin}/other?key=abc` } });
    const error = await failureOf({ headers: { authorization: 'Bearer abcdefgh' } });
    assert.equal(error.code, 'config');
    assert.match(error.message, /answered 302: it points to 127\.0\.0\.1:\d+, and redirects are not followed$/);
    assert.equal(server.requests.length, 1);
  });

  test('a web page is no answer, whatever its status', async () => {
    server.on('GET /x', webPage());
    const page = client().json({ url: `${API}/x`, schema }, never);
    await assert.rejects(page, { code: 'unknown', message: /answered with a web page that is no JSON/ });
    server.on('GET /x', { ...webPage(), status: 404 });
    assert.equal((await failureOf({})).message, 'GET api.example.com/x answered 404');
  });

  test('nothing, and half an answer, are no answers either', async () => {
    server.on('GET /x', { body: '' });
    await assert.rejects(
      client().json({ url: `${API}/x`, schema }, never),
      /answered with an empty body that is no JSON/,
    );
    server.on('GET /x', { body: '{"plans": [' });
    await assert.rejects(client().json({ url: `${API}/x`, schema }, never), /answered with something that is no JSON/);
  });

  test('a field that changed is named with its place', async () => {
    server.on('GET /x', {
      json: {
        plans: [
          { id: 'a', price: 1 },
          { id: 'b', price: '2' },
        ],
      },
    });
    await assert.rejects(client().json({ url: `${API}/x`, schema }, never), {
      code: 'unknown',
      message: /in another shape than documented: `plans\.1\.price`: .*expected number/,
    });
    server.on('GET /x', { json: { data: [] } });
    await assert.rejects(client().json({ url: `${API}/x`, schema }, never), /`plans`: /);
  });

  test('a key that no header can carry is not repeated when JSON is asked for either', async () => {
    const headers = { authorization: 'Bearer sec\nret-key-12345' };
    const request = { url: `${API}/x`, headers, schema: z.unknown() };
    const error = await client()
      .json(request, never)
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof HttpError);
    assert.doesNotMatch(inspect(error), /ret-key/);
  });
});

describe('a refusal in JSON', () => {
  test('can be read by its own code, without our keys, and is not printed whole', async () => {
    const error = { code: 'out-of-stock', message: 'none for key-of-ours' };
    server.on('GET /x', { status: 409, json: { error, more: 'x'.repeat(1000) } });
    const failure = await failureOf({ headers: { authorization: 'Bearer key-of-ours' } });
    const Refused = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
    assert.deepEqual(failure.said(Refused), { error: { code: 'out-of-stock', message: 'none for [secret]' } });
    assert.equal(failure.said(z.object({ other: z.string() })), null);
    assert.ok(inspect(failure).includes('x'.repeat(200)) && !inspect(failure).includes('x'.repeat(400)));
  });

  test('that is none is nothing', async () => {
    server.on('GET /x', { ...webPage(), status: 404 });
    assert.equal((await failureOf({})).said(z.object({})), null);
  });
});
