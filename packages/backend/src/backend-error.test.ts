import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpError } from '@berth/http';
import { asBackendError, BackendError } from './backend-error.ts';

const NO_ANSWER = { status: null, retryAfterMs: null };

test('a failed request keeps its code, message and cause', () => {
  for (const code of ['auth', 'config', 'not-found', 'rate-limited', 'transient', 'unknown'] as const) {
    const error = new HttpError(code, 'GET api.example.com/x answered 500', NO_ANSWER);
    const seen = asBackendError(error);
    assert.deepEqual([seen.code, seen.message, seen.cause], [code, error.message, error]);
  }
});

test('being too fast concerns the account, and the time to wait is kept', () => {
  const seen = asBackendError(new HttpError('rate-limited', 'slow down', { status: 429, retryAfterMs: 90_000 }));
  assert.deepEqual([seen.scope, seen.retryAfterMs], ['account', 90_000]);
});

test("an HttpError of another package's copy is known by its name", () => {
  const copy = Object.assign(new Error('no rights'), { name: 'HttpError', code: 'auth', retryAfterMs: null });
  assert.deepEqual([asBackendError(copy).code, asBackendError(copy).scope], ['auth', 'account']);
  const other = Object.assign(new Error('odd'), { name: 'HttpError', code: 'TEAPOT', retryAfterMs: null });
  assert.equal(asBackendError(other).code, 'unknown');
});

test('a BackendError stays what it is, and anything else leaves the outcome open', () => {
  const error = new BackendError('quota', 'no more GPUs', { scope: 'region' });
  assert.equal(asBackendError(error), error);
  assert.equal(asBackendError('odd').code, 'unknown');
});
