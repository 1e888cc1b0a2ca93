import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realHttp } from './real-http.ts';
import { replayServer, tooMany } from './testing/replay-server.ts';

test('a refused request is sent again after a real pause', async () => {
  await using server = await replayServer();
  server.on('GET /x', { status: 503 }, { body: 'ok' });
  const began = performance.now();
  const { text } = await realHttp().text({ url: `${server.origin}/x` }, new AbortController().signal);
  assert.equal(text, 'ok');
  assert.ok(performance.now() - began >= 200);
});

test('a pause ends with the abort, by the reason of whoever aborted', async () => {
  await using server = await replayServer();
  server.on('GET /x', tooMany('30'));
  const stop = new AbortController();
  const enough = new Error('enough');
  const http = realHttp({ onRetry: () => setImmediate(() => stop.abort(enough)) });
  await assert.rejects(http.text({ url: `${server.origin}/x` }, stop.signal), (error) => error === enough);
});
