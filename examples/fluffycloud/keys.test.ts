import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { FluffyCloud } from './start.ts';
import { startFluffyCloud } from './start.ts';
import { Client, launchBody } from './testing/client.ts';

let cloud: FluffyCloud;
before(async () => {
  cloud = await startFluffyCloud({ machines: 'paper', rate: 1_000 });
});
after(() => cloud.close());

const account = (key: string): Promise<string> => new Client(cloud.url, key).refusal('GET', '/v1/account');

test('a key opens the account and nothing else does', async () => {
  assert.equal(await account(cloud.createKey()), '200');
  assert.equal(await account('fluffy_0000'), '401 key-invalid');
  assert.equal((await fetch(`${cloud.url}/v1/account`)).status, 401);
  assert.equal(await account(cloud.adminToken), '401 key-invalid');
});

test('a key that is past its time, or taken back for a while, is told apart from a wrong one', async () => {
  assert.equal(await account(cloud.createKey({ expiresInMs: -1 })), '401 key-expired');
  const key = cloud.createKey();
  cloud.faults({ kind: 'revoke-keys', for_ms: 800 });
  assert.equal(await account(key), '401 key-revoked');
  await new Promise((resolve) => setTimeout(resolve, 900));
  assert.equal(await account(key), '200');
});

test('a read-only key looks and does not change', async () => {
  const reader = new Client(cloud.url, cloud.createKey({ readOnly: true }));
  assert.equal(await reader.refusal('GET', '/v1/instances'), '200');
  assert.equal(await reader.refusal('POST', '/v1/instances', launchBody()), '403 key-read-only');
  assert.equal(await reader.refusal('DELETE', '/v1/instances/fi-1'), '403 key-read-only');
  assert.deepEqual(await cloud.machines(), []);
});

test('the admin makes keys, and a key of the account is not an admin', async () => {
  const made = await new Client(cloud.url, cloud.adminToken).call('POST', '/admin/keys', {
    name: 'k',
    expires_in_s: 60,
  });
  assert.equal(made.status, 201);
  assert.equal(await account((made.body as { readonly key: string }).key), '200');
  assert.equal(await new Client(cloud.url, cloud.createKey()).refusal('GET', '/admin/machines'), '401 key-invalid');
});

test('no key can be read from the data directory', async () => {
  const key = cloud.createKey({ name: 'secret' });
  const { readFileSync, readdirSync } = await import('node:fs');
  for (const file of readdirSync(cloud.dataDir)) {
    assert.ok(!readFileSync(`${cloud.dataDir}/${file}`).includes(key.slice('fluffy_'.length)), file);
  }
});

test('who is too fast gets 429 and a time, each key for itself', async () => {
  const slow = await startFluffyCloud({ machines: 'paper', rate: 2 });
  try {
    const client = new Client(slow.url, slow.createKey());
    const replies = await Promise.all(Array.from({ length: 30 }, () => client.call('GET', '/v1/account')));
    const refused = replies.filter(({ status }) => status === 429);
    assert.ok(refused.length >= 20 && refused.length <= 26, `${refused.length} of 30`);
    assert.equal(refused[0]?.headers.get('retry-after'), '1');
    assert.equal(await new Client(slow.url, slow.createKey()).refusal('GET', '/v1/account'), '200');
  } finally {
    await slow.close();
  }
});
