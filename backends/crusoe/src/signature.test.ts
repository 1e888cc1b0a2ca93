import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '@berth/core/secret';
import { AccessKey } from './access-key.ts';
import { signedHeaders } from './signature.ts';

/** The bytes 200 … 231. The signatures below were made with `openssl dgst -mac HMAC` and Python's hmac. */
const SECRET = 'yMnKy8zNzs_Q0dLT1NXW19jZ2tvc3d7f4OHi4-Tl5uc';
const KEY = { access_key: 'AK1', secret_key: new Secret(SECRET) };
const NOW = Date.UTC(2026, 0, 5, 8, 9, 10, 999);

test('a request is signed as others sign it', () => {
  assert.deepEqual(signedHeaders({ method: 'GET', path: '/v1/capacities' }, KEY, NOW), {
    'x-crusoe-timestamp': '2026-01-05T08:09:10+00:00',
    authorization: 'Bearer 1.0:AK1:XHW2NUsOMdorU3FhZoNj20Czy-DSOfRE5xTPxKSn_UQ',
  });
  const types = signedHeaders({ method: 'GET', path: '/v1/projects/p-1/compute/vms/types' }, KEY, NOW);
  assert.equal(types.authorization, 'Bearer 1.0:AK1:FH0TSMWhJiITmz66r1XmIt6UbqqfbkZalepBEymCJYI');
});

test('a query is signed in the order of its names', () => {
  const query = { product_name: 'a100.8x', location: 'us-east1-a' };
  const { authorization } = signedHeaders({ method: 'GET', path: '/v1/capacities', query }, KEY, NOW);
  assert.equal(authorization, 'Bearer 1.0:AK1:oNMCBRqS82KddJkVwRKV3kFmOSd94T7KzzzIeB7ac74');
});

test('padding of the key changes nothing', () => {
  const padded = { ...KEY, secret_key: new Secret(`${SECRET}=`) };
  const request = { method: 'GET', path: '/v1/capacities' } as const;
  assert.deepEqual(signedHeaders(request, padded, NOW), signedHeaders(request, KEY, NOW));
});

test('a key that is no URL-safe base64 is refused before it signs anything', () => {
  const given = { access_key: 'AK1', secret_key: 'not/base64+url', project_id: 'p-1' };
  assert.equal(AccessKey.safeParse(given).success, false);
  assert.equal(AccessKey.safeParse({ ...given, secret_key: SECRET, project_id: '../x' }).success, false);
  assert.equal(AccessKey.safeParse({ ...given, secret_key: SECRET }).success, true);
});
