import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { CallFault } from './fake.ts';
import { FaultProxy } from './fault-proxy.ts';

/** A cloud that counts what it did, behind a proxy. */
async function setup(t: TestContext) {
  const done: string[] = [];
  const server = createServer((request, answer) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      done.push(`${request.method} ${request.url} ${body}`.trim());
      answer.writeHead(201, { 'x-cloud': 'fluffy' }).end('{"id":"m-1","more":"than enough to be cut in two"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  const proxy = await FaultProxy.before(`http://127.0.0.1:${port}`);
  t.after(async () => {
    await proxy.close();
    server.closeAllConnections();
    server.close();
  });
  const post = (init: RequestInit = {}): Promise<Response> =>
    fetch(`${proxy.url}/machines?x=1`, { method: 'POST', body: '{"name":"a"}', ...init });
  return { proxy, done, post };
}

const always = (): boolean => true;

test('without a fault a request passes unchanged, and is remembered', async (t) => {
  const { proxy, done, post } = await setup(t);
  const answer = await post();
  assert.deepEqual([answer.status, answer.headers.get('x-cloud')], [201, 'fluffy']);
  assert.match(await answer.text(), /^\{"id":"m-1".*two"\}$/);
  assert.deepEqual(done, ['POST /machines?x=1 {"name":"a"}']);
  const [seen] = proxy.seen;
  assert.deepEqual([seen?.method, seen?.path, seen?.status, seen?.fault], ['POST', '/machines?x=1', 201, null]);
});

const DONE: readonly (readonly [CallFault, number])[] = [
  [{ kind: 'reset' }, 0],
  [{ kind: 'lost-answer' }, 1],
  [{ kind: 'rate-limited', retryAfterMs: 1_500 }, 0],
  [{ kind: 'unavailable' }, 0],
  [{ kind: 'server-error' }, 0],
  [{ kind: 'slow', ms: 20 }, 1],
  [{ kind: 'duplicate' }, 2],
  [{ kind: 'truncated' }, 1],
  [{ kind: 'garbage' }, 1],
];

for (const [fault, times] of DONE) {
  test(`${fault.kind}: the cloud does it ${times} times, and the next request passes`, async (t) => {
    const { proxy, done, post } = await setup(t);
    proxy.arm(fault, always);
    const came = await post()
      .then(async (answer) => ({
        status: answer.status,
        after: answer.headers.get('retry-after'),
        text: await answer.text(),
      }))
      .catch((error: unknown) => error);
    assert.equal(done.length, times);
    const status = came instanceof Error ? 'no answer' : (came as { readonly status: number }).status;
    const expected: Partial<Record<CallFault['kind'], unknown>> = {
      'rate-limited': 429,
      unavailable: 503,
      'server-error': 500,
      slow: 201,
      duplicate: 201,
      garbage: 200,
    };
    assert.equal(status, expected[fault.kind] ?? 'no answer');
    if (fault.kind === 'rate-limited') assert.equal((came as { readonly after: string }).after, '2');
    if (fault.kind === 'garbage') assert.throws(() => JSON.parse((came as { readonly text: string }).text));
    assert.equal(proxy.armed, 0);
    assert.equal((await post()).status, 201);
  });
}

test('hang: nothing is done, and that the client let go is seen', async (t) => {
  const { proxy, done, post } = await setup(t);
  proxy.arm({ kind: 'hang' }, always);
  await assert.rejects(post({ signal: AbortSignal.timeout(50) }));
  while (proxy.seen[0]?.endedAt === null) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(done, []);
});

test('a fault waits for the request that it is meant for', async (t) => {
  const { proxy, done, post } = await setup(t);
  proxy.arm({ kind: 'unavailable' }, ({ method }) => method === 'DELETE');
  assert.equal((await post()).status, 201);
  assert.equal((await post({ method: 'DELETE' })).status, 503);
  assert.equal(done.length, 1);
});
