import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GrpcAnswer, grpcServer, grpcTo } from './nebius.fixture.ts';
import { field, Message } from './protobuf.ts';

const METHOD = 'test.v1.Service/Call';
const signal = AbortSignal.timeout(20_000);

/** Answers in order, the last one again and again. */
async function asked(answers: readonly GrpcAnswer[], timeoutMs?: number) {
  await using server = await grpcServer({
    [METHOD]: ({ before }) => answers[Math.min(before, answers.length - 1)] ?? 'never',
  });
  using grpc = grpcTo(server, timeoutMs);
  const call = { host: 'test.api.nebius.cloud', method: METHOD, request: field(1, 'hello'), token: 'v1.secret' };
  try {
    return { answer: new Message(await grpc.call(call, signal)).text(1), requests: server.requests };
  } catch (error) {
    return { error, requests: server.requests };
  }
}

function reason(found: Awaited<ReturnType<typeof asked>>): string {
  assert.ok('error' in found);
  assert.ok(found.error instanceof Error && 'code' in found.error);
  assert.doesNotMatch(found.error.message, /secret/);
  return `${found.error.code}: ${found.error.message}`;
}

test('a message goes there and one comes back', async () => {
  const found = await asked([field(1, 'world')]);
  assert.equal('answer' in found && found.answer, 'world');
  assert.equal(found.requests[0]?.message.text(1), 'hello');
  assert.equal(found.requests[0]?.authorization, 'Bearer v1.secret');
});

test('what failed by doing nothing is asked again: too fast, unavailable, a cut connection, a proxy', async () => {
  for (const first of [{ status: 8 }, { status: 14 }, 'cut', { http: 503 }] as const) {
    const found = await asked([first, field(1, 'world')]);
    assert.equal('answer' in found && found.answer, 'world', JSON.stringify(first));
    assert.equal(found.requests.length, 2);
  }
});

test('a refusal is an error with its words, at once', async () => {
  const denied = await asked([{ status: 7, message: 'no access to tenant ünïcode' }]);
  assert.equal(
    reason(denied),
    'auth: test.api.nebius.cloud/test.v1.Service/Call answered with status 7: no access to tenant ünïcode',
  );
  assert.equal(denied.requests.length, 1);
});

test('an answer that never comes ends by its time-out, and is asked for again', async () => {
  const found = await asked(['never'], 40);
  assert.match(reason(found), /^transient: .*did not answer within 0\.04 s/);
  assert.equal(found.requests.length, 4);
});

test('a web page and a body that is no message are errors', async () => {
  assert.match(reason(await asked([{ http: 404 }])), /answered 404/);
  assert.match(reason(await asked([{ body: '<html>hello</html>' }])), /^unknown: .*no message/);
});

test('the caller who has lost interest gets its own reason', async () => {
  await using server = await grpcServer({ [METHOD]: () => 'never' });
  using grpc = grpcTo(server);
  const gone = new AbortController();
  const call = { host: 'x', method: METHOD, request: new Uint8Array(), token: 't' };
  const answer = grpc.call(call, gone.signal);
  setTimeout(() => gone.abort(new Error('enough')), 20);
  await assert.rejects(answer, /enough/);
});

test('a host that takes no connection is an error, after some attempts', async () => {
  const server = await grpcServer({});
  await server[Symbol.asyncDispose]();
  using grpc = grpcTo(server);
  const call = { host: 'x', method: METHOD, request: new Uint8Array(), token: 't' };
  await assert.rejects(grpc.call(call, signal), { code: 'transient' });
});
