import assert from 'node:assert/strict';
import { createVerify } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { accessTokens } from './access-token.ts';
import { httpTo, KEY, PUBLIC_KEY, ROUTES } from './google.fixture.ts';
import { GcpCredentialsSchema } from './service-account.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const signal = AbortSignal.timeout(10_000);
const { key } = GcpCredentialsSchema.parse({ key: KEY });
const granted = { json: { access_token: 'ya29.one', expires_in: 3599, token_type: 'Bearer' } };

function decoded(part: string | undefined): unknown {
  return JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
}

test('the token endpoint is asked with an assertion that the account signed', async () => {
  await using server = await replayServer();
  server.on(ROUTES.token, granted);
  const token = await accessTokens(key, httpTo(server), () => NOW).current(signal);
  assert.equal(token.reveal(), 'ya29.one');
  const form = new URLSearchParams(server.requests[0]?.body);
  assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer');
  const [header, claims, signature] = (form.get('assertion') ?? '').split('.');
  assert.deepEqual(decoded(header), { alg: 'RS256', typ: 'JWT', kid: 'key-1' });
  assert.deepEqual(decoded(claims), {
    iss: KEY.client_email,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    aud: 'https://oauth2.googleapis.com/token',
    iat: NOW / 1000,
    exp: NOW / 1000 + 3600,
  });
  assert.ok(
    createVerify('RSA-SHA256')
      .update(`${header}.${claims}`)
      .verify(PUBLIC_KEY, signature ?? '', 'base64url'),
  );
});

test('a token is used until a minute before its end, then renewed', async () => {
  await using server = await replayServer();
  server.on(ROUTES.token, granted, { json: { access_token: 'ya29.two', expires_in: 3599 } });
  let now = NOW;
  const tokens = accessTokens(key, httpTo(server), () => now);
  await tokens.current(signal);
  now += 3538_000;
  assert.equal((await tokens.current(signal)).reveal(), 'ya29.one');
  now += 2_000;
  assert.equal((await tokens.current(signal)).reveal(), 'ya29.two');
});

test('an endpoint that is too busy is asked again', async () => {
  await using server = await replayServer();
  server.on(ROUTES.token, tooMany('1'), { status: 503 }, granted);
  assert.equal((await accessTokens(key, httpTo(server), () => NOW).current(signal)).reveal(), 'ya29.one');
});

test('a refusal, a web page and another shape are errors that show neither key, assertion nor token', async () => {
  for (const [answer, message] of [
    [{ status: 400, json: { error: 'invalid_grant' } }, /answered 400.*invalid_grant/],
    [webPage(), /no JSON/],
    [{ json: { accessToken: 'ya29.hidden' } }, /`access_token`/],
  ] as const) {
    await using server = await replayServer();
    server.on(ROUTES.token, answer);
    await assert.rejects(accessTokens(key, httpTo(server), () => NOW).current(signal), (error: Error) => {
      assert.match(error.message, message);
      const told = inspect(error, { depth: null });
      assert.doesNotMatch(told, /ya29|PRIVATE KEY|assertion=|eyJ/);
      return true;
    });
  }
});

test('a private key that is none is told without repeating it', async () => {
  await using server = await replayServer();
  const broken = GcpCredentialsSchema.parse({ key: { ...KEY, private_key: '-----BEGIN PRIVATE KEY-----\nAAAA' } });
  await assert.rejects(accessTokens(broken.key, httpTo(server), () => NOW).current(signal), (error: Error) => {
    assert.match(error.message, /private key of catalog@berth-test/);
    assert.doesNotMatch(inspect(error, { depth: null }), /AAAA/);
    return true;
  });
});

test('the key may be given as the text of its file, and its secret does not print', () => {
  const parsed = GcpCredentialsSchema.parse({ key: JSON.stringify(KEY) });
  assert.equal(parsed.key.private_key.reveal(), KEY.private_key);
  assert.doesNotMatch(inspect(parsed, { depth: null }), /PRIVATE/);
  const { error } = GcpCredentialsSchema.safeParse({ key: '{"private_key": "AAAA' });
  assert.match(error?.message ?? '', /is no JSON/);
  assert.doesNotMatch(inspect(error, { depth: null }), /AAAA/);
});

test('an assertion goes to no host without a certificate', () => {
  assert.equal(
    GcpCredentialsSchema.safeParse({ key: { ...KEY, token_uri: 'http://example.com/token' } }).success,
    false,
  );
});
