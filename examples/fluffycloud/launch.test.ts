import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newSshKeyPair } from './ssh-key-pair.ts';
import type { FluffyCloud } from './start.ts';
import { startFluffyCloud } from './start.ts';
import { Client, launchBody } from './testing/client.ts';

let cloud: FluffyCloud;
let client: Client;
before(async () => {
  cloud = await startFluffyCloud({ machines: 'paper', rate: 1_000, bootMs: 10, stopMs: 5, listLagMs: 0 });
  client = new Client(cloud.url, cloud.createKey());
});
after(() => cloud.close());

const refused = (more: Readonly<Record<string, unknown>>): Promise<string> =>
  client.refusal('POST', '/v1/instances', launchBody(more));

describe('a launch', () => {
  test('answers at once with an id, and the machine runs a moment later, with address and host key', async () => {
    const tags = { owner: 'me', 'a/b.c_d-e': 'ü: x' };
    const launched = await client.launch({ tags, ssh_public_keys: [newSshKeyPair().public], spot: true });
    assert.match(launched.id, /^fi-[0-9a-f]{12}$/);
    assert.deepEqual([launched.status, launched.ip, launched.ssh_host_key], ['booting', null, null]);
    assert.equal(launched.price_per_hour_cents, 0.4);
    const running = await client.until(launched.id, 'running');
    assert.match(running.ssh_host_key ?? '', /^ssh-ed25519 AAAA\S+$/);
    assert.notEqual(running.ip, null);
    assert.deepEqual(running.tags, tags);
  });

  test('is refused for what is wrong with it, by a code of its own', async () => {
    for (const name of ['', 'Upper', '-x', 'x-', 'a_b', 'x'.repeat(61)])
      assert.equal(await refused({ name }), '400 invalid-name', name);
    const seventeen = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, '']));
    for (const tags of [seventeen, { ['k'.repeat(41)]: '' }, { k: 'v'.repeat(121) }, { 'a b': '' }, { k: 'a\nb' }]) {
      assert.equal(await refused({ tags }), '400 invalid-tags', JSON.stringify(tags));
    }
    for (const key of [
      '',
      'ssh-ed25519 nonsense',
      `command="x" ${newSshKeyPair().public}`,
      `${newSshKeyPair().public}\nssh-rsa x`,
    ]) {
      assert.equal(await refused({ ssh_public_keys: [key] }), '400 invalid-ssh-key', key);
    }
    assert.equal(await refused({ region: 'mars-1' }), '400 unknown-region');
    assert.equal(await refused({ instance_type: 'puff.tiny' }), '400 unknown-instance-type');
    assert.equal(await refused({ instance_type: 'gpu.h100.1', region: 'west-2' }), '400 unknown-instance-type');
    assert.equal(await refused({ instance_type: 'mem.xlarge', spot: true }), '400 unknown-instance-type');
    assert.equal(await refused({ user_data: 'echo' }), '400 invalid-request');
    assert.equal(await refused({ user_data: `#!${'x'.repeat(32 * 1024)}` }), '400 invalid-request');
    assert.equal(await refused({ flavour: 'vanilla' }), '400 invalid-request');
    assert.equal(await client.refusal('POST', '/v1/instances', '{"name":'), '400 invalid-request');
    assert.equal(await refused({ user_data: `#!${'x'.repeat(128 * 1024)}` }), '413 body-too-large');
  });

  test('names the field that it does not like', async () => {
    const reply = await client.call('POST', '/v1/instances', launchBody({ spot: 'yes' }));
    assert.deepEqual((reply.body as { readonly error: { readonly details: unknown } }).error.details, {
      field: 'spot',
    });
  });

  test('of limits: the longest name, the most tags, the longest tag are taken', async () => {
    const tags = Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`${index}`.padEnd(40, 'k'), 'v'.repeat(120)]),
    );
    const launched = await client.launch({ name: 'n'.repeat(60), tags });
    assert.deepEqual((await client.get(launched.id)).tags, tags);
  });
});

describe('a client_token', () => {
  test('makes one machine, however often and however fast it is used', async () => {
    const before = (await cloud.machines()).length;
    const launches = await Promise.all(Array.from({ length: 10 }, () => client.launch({ client_token: 'token-1' })));
    assert.equal(new Set(launches.map(({ id }) => id)).size, 1);
    assert.equal((await cloud.machines()).length, before + 1);
  });

  test('means the same body: its order and its defaults do not matter, its values do', async () => {
    const first = await client.launch({ client_token: 'token-2', tags: { a: '1', b: '2' } });
    const again = await client.call('POST', '/v1/instances', {
      client_token: 'token-2',
      spot: false,
      tags: { b: '2', a: '1' },
      region: 'north-1',
      instance_type: 'puff.small',
      name: 'puff-1',
    });
    assert.equal((again.body as { readonly id: string }).id, first.id);
    assert.equal(again.status, 200);
    assert.equal(await refused({ client_token: 'token-2', tags: { a: '1' } }), '409 token-conflict');
  });

  test('is used up with its machine', async () => {
    const { id } = await client.launch({ client_token: 'token-3' });
    await client.call('DELETE', `/v1/instances/${id}`);
    assert.equal(await refused({ client_token: 'token-3' }), '409 token-used');
    await client.until(id, 'terminated');
    assert.equal(await refused({ client_token: 'token-3' }), '409 token-used');
  });

  test('is free again after a day', async () => {
    const short = await startFluffyCloud({ machines: 'paper', bootMs: 0, stopMs: 0, tokenMemoryMs: 50 });
    try {
      const own = new Client(short.url, short.createKey());
      const first = await own.launch({ client_token: 't' });
      await own.call('DELETE', `/v1/instances/${first.id}`);
      await own.until(first.id, 'terminated');
      await new Promise((resolve) => setTimeout(resolve, 80));
      assert.notEqual((await own.launch({ client_token: 't' })).id, first.id);
    } finally {
      await short.close();
    }
  });

  test('of a launch that was refused is still unused', async () => {
    cloud.faults({ kind: 'stock', region: 'south-1', instance_type: 'puff.small', left: 0 });
    assert.equal(await refused({ client_token: 'token-4', region: 'south-1' }), '409 out-of-stock');
    cloud.faults({ kind: 'stock', region: 'south-1', instance_type: 'puff.small', left: null });
    await client.launch({ client_token: 'token-4', region: 'south-1' });
  });
});

describe('quota and stock', () => {
  test('vCPUs of a region are limited, and what is terminated counts no more', async () => {
    cloud.faults({ kind: 'quota', region: 'west-2', vcpus: 5 });
    const big = await client.launch({ region: 'west-2', instance_type: 'puff.large' });
    assert.equal(await refused({ region: 'west-2', instance_type: 'puff.medium' }), '403 quota-exceeded');
    await client.launch({ region: 'west-2', instance_type: 'puff.small' });
    await client.call('DELETE', `/v1/instances/${big.id}`);
    await client.until(big.id, 'terminated');
    await client.launch({ region: 'west-2', instance_type: 'puff.medium' });
    const { quotas } = (await client.call('GET', '/v1/account')).body as { readonly quotas: readonly unknown[] };
    assert.deepEqual(quotas[2], { region: 'west-2', vcpus: { limit: 5, used: 3 } });
  });

  test('a stock runs dry, for spot and on demand by itself, and the list of types says so', async () => {
    const type = { region: 'south-1', instance_type: 'mem.large' };
    cloud.faults({ kind: 'stock', ...type, spot: true, left: 1 });
    await client.launch({ ...type, spot: true });
    assert.equal(await refused({ ...type, spot: true }), '409 out-of-stock');
    await client.launch(type);
    const { instance_types } = (await client.call('GET', '/v1/instance-types?limit=20')).body as {
      readonly instance_types: readonly { readonly name: string; readonly regions: Record<string, unknown> }[];
    };
    assert.deepEqual(instance_types.find(({ name }) => name === 'mem.large')?.regions['south-1'], {
      in_stock: { on_demand: true, spot: false },
    });
  });

  test('the number of machines is limited', async () => {
    const tiny = await startFluffyCloud({ machines: 'paper', maxMachines: 2 });
    try {
      const own = new Client(tiny.url, tiny.createKey());
      await own.launch();
      await own.launch();
      assert.equal(await own.refusal('POST', '/v1/instances', launchBody()), '403 quota-exceeded');
    } finally {
      await tiny.close();
    }
  });
});

test('a price that changes is for new machines', async () => {
  const old = await client.launch({ instance_type: 'puff.medium' });
  cloud.faults({ kind: 'price', instance_type: 'puff.medium', on_demand_cents: 5, spot_cents: null });
  assert.equal((await client.launch({ instance_type: 'puff.medium' })).price_per_hour_cents, 5);
  assert.equal((await client.get(old.id)).price_per_hour_cents, 4);
  assert.equal(await refused({ instance_type: 'puff.medium', spot: true }), '400 unknown-instance-type');
});
