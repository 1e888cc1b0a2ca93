import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '@berth/core';
import { BackendError } from './backend-error.ts';
import { redactorFor, secretsOf } from './redaction.ts';

test('a secret that contains another one leaves nothing of itself behind', () => {
  const { text } = redactorFor({ a: 'abcd', b: ['abcd-and-rest'] });
  assert.equal(text('abcd-and-rest, abcd'), '[secret], [secret]');
});

test('a key of several lines is recognised line by line', () => {
  const key = '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END KEY-----';
  const { text } = redactorFor(new Secret(key));
  assert.equal(text('parse error near MIIEvQIBADANBgkqhkiG9w0BAQ'), 'parse error near [secret]');
  assert.equal(text(JSON.stringify({ key })), '{"key":"[secret]"}');
});

test('words too short to be secrets stay', () => {
  assert.equal(redactorFor('eu', '').text('region eu'), 'region eu');
});

test('an error keeps code, scope, retry time and the place where it was made', () => {
  const error = new BackendError('quota', 'of hunter2', {
    scope: 'account',
    retryAfterMs: 7,
    cause: { note: 'hunter2' },
  });
  const copy = redactorFor('hunter2').error(error);
  assert.deepEqual([copy.code, copy.scope, copy.retryAfterMs, copy.message], ['quota', 'account', 7, 'of [secret]']);
  assert.match(copy.stack ?? '', /of \[secret\][\s\S]*redaction\.test/);
  assert.equal(copy.cause, "{ note: '[secret]' }");
});

test('where a schema marks its secrets, nothing else is one; where it marks none, everything is', () => {
  const marked = { user: 'jane', key: new Secret('hunter2') };
  assert.deepEqual(secretsOf({ user: 'jane', key: 'hunter2' }, marked), [marked.key]);
  assert.deepEqual(secretsOf('written', { user: 'jane' }), ['written', { user: 'jane' }]);
});
