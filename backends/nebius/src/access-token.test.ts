import assert from 'node:assert/strict';
import { createVerify } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { accessToken } from './access-token.ts';
import { AccessTokenSchema, ServiceAccountSchema } from './credentials.ts';
import { ACCOUNT, EXCHANGE, httpTo, PUBLIC_KEY } from './nebius.fixture.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const signal = AbortSignal.timeout(10_000);
const granted = { json: { access_token: 'v1.one', token_type: 'Bearer', expires_in: 43200 } };

test('a key that the account signed with is exchanged for a token', async () => {
  await using server = await replayServer();
  server.on(EXCHANGE, tooMany('1'), granted);
  const token = await accessToken(ACCOUNT, httpTo(server), () => NOW, signal);
  assert.equal(token.reveal(), 'v1.one');
  const form = new URLSearchParams(server.requests[1]?.body);
  assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:token-exchange');
  const [header, claims, signature] = (form.get('subject_token') ?? '').split('.');
  const decoded = [header, claims].map((part) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString()));
  assert.deepEqual(decoded, [
    { alg: 'RS256', typ: 'JWT', kid: 'publickey-1' },
    { iss: 'serviceaccount-1', sub: 'serviceaccount-1', iat: NOW / 1000, exp: NOW / 1000 + 300 },
  ]);
  assert.ok(
    createVerify('RSA-SHA256')
      .update(`${header}.${claims}`)
      .verify(PUBLIC_KEY, signature ?? '', 'base64url'),
  );
});

test('a token that was given is used as it is', async () => {
  await using server = await replayServer();
  const credentials = AccessTokenSchema.parse({ access_token: 'v1.given' });
  assert.equal((await accessToken(credentials, httpTo(server), () => NOW, signal)).reveal(), 'v1.given');
  assert.equal(server.requests.length, 0);
});

test('no error shows key, assertion or token', async () => {
  for (const answer of [{ status: 401, body: 'invalid' }, webPage(), { json: { token: 'v1.hidden' } }]) {
    await using server = await replayServer();
    server.on(EXCHANGE, answer);
    await assert.rejects(
      accessToken(ACCOUNT, httpTo(server), () => NOW, signal),
      (error: Error) => {
        assert.doesNotMatch(inspect(error, { depth: null }), /v1\.|PRIVATE KEY|eyJ/);
        return true;
      },
    );
  }
  await using server = await replayServer();
  const broken = ServiceAccountSchema.parse({
    service_account_id: 'serviceaccount-1',
    public_key_id: 'publickey-1',
    private_key: 'AAAA',
  });
  await assert.rejects(
    accessToken(broken, httpTo(server), () => NOW, signal),
    /key of serviceaccount-1 cannot be read/,
  );
});
