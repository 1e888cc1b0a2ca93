import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FluffyCloud } from './start.ts';
import { startFluffyCloud } from './start.ts';
import { Client, launchBody } from './testing/client.ts';

let cloud: FluffyCloud;
let client: Client;
before(async () => {
  cloud = await startFluffyCloud({ machines: 'paper', rate: 1_000, bootMs: 10, stopMs: 5, listLagMs: 0 });
  client = new Client(cloud.url, cloud.createKey());
});
afterEach(() => cloud.disarm());
after(() => cloud.close());

const machineCount = async (): Promise<number> => (await cloud.machines()).length;

test('reset: the connection breaks and nothing was done; so many times and no more', async () => {
  const before = await machineCount();
  cloud.faults({ kind: 'reset', operation: 'launch', times: 2 });
  await assert.rejects(client.launch(), /fetch failed/);
  await assert.rejects(client.launch(), /fetch failed/);
  assert.equal(await machineCount(), before);
  await client.launch();
});

test('drop-answer: the connection breaks and it was done; the token finds the machine', async () => {
  const before = await machineCount();
  cloud.faults({ kind: 'drop-answer', operation: 'launch' });
  await assert.rejects(client.launch({ client_token: 'lost' }), /fetch failed/);
  assert.equal(await machineCount(), before + 1);
  await client.launch({ client_token: 'lost' });
  assert.equal(await machineCount(), before + 1);
});

test('error: before or after the deed', async () => {
  const before = await machineCount();
  cloud.faults(
    { kind: 'error', operation: 'launch', status: 503 },
    { kind: 'error', operation: 'launch', after: true },
  );
  assert.equal(await client.refusal('POST', '/v1/instances', launchBody()), '503 unavailable');
  assert.equal(await machineCount(), before);
  assert.equal(await client.refusal('POST', '/v1/instances', launchBody()), '500 internal');
  assert.equal(await machineCount(), before + 1);
});

test('rate-limit: 429 with the time to wait', async () => {
  cloud.faults({ kind: 'rate-limit', operation: 'list', retry_after_s: 7 });
  const reply = await client.call('GET', '/v1/instances');
  assert.deepEqual([reply.status, reply.headers.get('retry-after')], [429, '7']);
});

test('hang: no answer ever; slow: a late one; garbage: one that is no JSON', async () => {
  cloud.faults({ kind: 'hang', operation: 'account' });
  await assert.rejects(client.call('GET', '/v1/account', undefined, AbortSignal.timeout(100)), {
    name: 'TimeoutError',
  });
  cloud.faults({ kind: 'slow', operation: 'account', delay_ms: 120 });
  const startedAt = performance.now();
  assert.equal(await client.refusal('GET', '/v1/account'), '200');
  assert.ok(performance.now() - startedAt >= 119);
  cloud.faults({ kind: 'garbage', operation: 'account' });
  await assert.rejects(client.call('GET', '/v1/account'), SyntaxError);
});

test('ignore: a delete is accepted, and the machine goes on and is billed', async () => {
  const { id } = await client.launch();
  await client.until(id, 'running');
  cloud.faults({ kind: 'ignore', operation: 'terminate' });
  assert.equal(await client.refusal('GET', '/v1/account'), '200'); // of another operation: not used up
  const reply = await client.call('DELETE', `/v1/instances/${id}`);
  assert.deepEqual([reply.status, (reply.body as { readonly status: string }).status], [202, 'terminating']);
  await sleep(30);
  assert.equal((await client.get(id)).status, 'running');
  await client.call('DELETE', `/v1/instances/${id}`);
  await client.until(id, 'terminated');
});

test('stale: a list shows the account as it was', async () => {
  const { id } = await client.launch({ name: 'stale' });
  await client.until(id, 'running');
  await sleep(700);
  await client.call('DELETE', `/v1/instances/${id}`);
  await client.until(id, 'terminated');
  cloud.faults({ kind: 'stale', operation: 'list', age_ms: 600 });
  assert.equal((await client.list('name=stale'))[0]?.status, 'running');
  assert.equal((await client.list('name=stale'))[0]?.status, 'terminated');
});

test('never-boots and boot-fails', async () => {
  cloud.faults({ kind: 'never-boots', operation: 'launch' }, { kind: 'boot-fails', operation: 'launch' });
  const never = await client.launch();
  const fails = await client.launch({ client_token: 'fails' });
  assert.equal((await client.until(fails.id, 'terminated')).status_reason, 'boot-failed');
  assert.equal((await client.get(never.id)).status, 'booting');
  await client.call('DELETE', `/v1/instances/${never.id}`);
  await client.until(never.id, 'terminated');
});

test('kill: a spot machine is gone at once, and says why', async () => {
  const { id } = await client.launch({ spot: true });
  await client.until(id, 'running');
  cloud.faults({ kind: 'kill', instance_id: id });
  assert.equal((await client.until(id, 'terminated')).status_reason, 'spot-reclaimed');
});

test('over HTTP as in the process, with a report of what is armed and what came', async () => {
  const admin = new Client(cloud.url, cloud.adminToken);
  assert.equal(await admin.refusal('POST', '/admin/faults', { kind: 'explode' }), '400 invalid-request');
  assert.equal((await admin.call('POST', '/admin/faults', { kind: 'reset', operation: 'list', times: 3 })).status, 201);
  assert.equal((await admin.call('POST', '/admin/faults', { kind: 'quota', vcpus: 64 })).status, 200);
  await assert.rejects(client.list());
  const report = cloud.faultReport();
  assert.deepEqual(
    report.armed.map(({ fault, left }) => [fault.kind, left]),
    [['reset', 2]],
  );
  assert.ok((report.calls.list ?? 0) > 0);
  await admin.call('DELETE', '/admin/faults');
  await client.list();
});
