import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FluffyCloud } from './start.ts';
import { startFluffyCloud } from './start.ts';
import { Client } from './testing/client.ts';

let cloud: FluffyCloud;
let client: Client;
before(async () => {
  cloud = await startFluffyCloud({
    machines: 'paper',
    rate: 1_000,
    quotaVcpus: 1_000,
    bootMs: 10,
    stopMs: 150,
    listLagMs: 0,
    terminatedListedMs: 700,
    pageSize: 3,
  });
  client = new Client(cloud.url, cloud.createKey());
});
after(() => cloud.close());

const order = (verb: 'POST' | 'DELETE', path: string): Promise<string> => client.refusal(verb, `/v1/instances/${path}`);

describe('lists', () => {
  test('come in pages that together are everything, once', async () => {
    const launched = [];
    for (let index = 0; index < 8; index += 1) launched.push((await client.launch({ tags: { group: 'pages' } })).id);
    const first = await client.call('GET', '/v1/instances?tag=group:pages');
    assert.equal((first.body as { readonly instances: readonly unknown[] }).instances.length, 3);
    assert.deepEqual(
      (await client.list('tag=group:pages')).map(({ id }) => id),
      launched,
    );
    assert.deepEqual(
      (await client.list('tag=group:pages&limit=8')).map(({ id }) => id),
      launched,
    );
  });

  test('stay whole while machines come and go between two pages', async () => {
    const [a, b, c, d] = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => client.launch({ name, tags: { group: 'moving' } })),
    );
    const page = (await client.call('GET', '/v1/instances?tag=group:moving&limit=2')).body as {
      readonly instances: readonly { readonly id: string }[];
      readonly next_cursor: string;
    };
    assert.ok(a && b && c && d);
    await order('DELETE', a.id);
    await client.until(a.id, 'terminated');
    await sleep(750);
    const rest = await client.list(`tag=group:moving&limit=2&cursor=${page.next_cursor}`);
    assert.deepEqual(
      [...page.instances, ...rest].map(({ id }) => id),
      [a.id, b.id, c.id, d.id],
    );
  });

  test('are filtered exactly: a tag that begins alike is another one', async () => {
    const mine = await client.launch({ name: 'twin', tags: { owner: 'ab' } });
    const neighbour = await client.launch({ name: 'twin-2', tags: { owner: 'abc', colon: 'x:y' } });
    assert.deepEqual(
      (await client.list('tag=owner:ab')).map(({ id }) => id),
      [mine.id],
    );
    assert.deepEqual(
      (await client.list('name=twin')).map(({ id }) => id),
      [mine.id],
    );
    assert.deepEqual(
      (await client.list('tag=colon:x:y&tag=owner')).map(({ id }) => id),
      [neighbour.id],
    );
    assert.deepEqual(await client.list('tag=owner:ab&region=south-1'), []);
  });

  test('refuse a filter, a limit or a cursor that means nothing', async () => {
    assert.equal(await client.refusal('GET', '/v1/instances?tags=x'), '400 invalid-request');
    assert.equal(await client.refusal('GET', '/v1/instances?limit=21'), '400 invalid-request');
    assert.equal(await client.refusal('GET', '/v1/instances?cursor=x'), '400 invalid-cursor');
  });

  test('learn late of a new machine, while its id is good at once', async () => {
    cloud.faults({ kind: 'list-lag', ms: 700 });
    const { id } = await client.launch({ name: 'late' });
    assert.deepEqual(await client.list('name=late'), []);
    assert.equal((await client.get(id)).id, id);
    await sleep(750);
    assert.equal((await client.list('name=late')).length, 1);
    cloud.faults({ kind: 'list-lag', ms: 0 });
  });

  test('take as long to boot as is wanted, and to end too', async () => {
    cloud.faults({ kind: 'times', boot_ms: 600, stop_ms: 600 });
    const { id } = await client.launch({ name: 'slow' });
    await sleep(300);
    assert.equal((await client.get(id)).status, 'booting');
    await sleep(600);
    assert.equal((await client.get(id)).status, 'running');
    await client.call('DELETE', `/v1/instances/${id}`);
    await sleep(300);
    assert.equal((await client.get(id)).status, 'terminating');
    cloud.faults({ kind: 'times', boot_ms: 10, stop_ms: 150 });
  });
});

describe('a life', () => {
  test('stop and start keep id, name, tags and host key', async () => {
    const launched = await client.launch({ name: 'sleeper', tags: { a: 'b' } });
    const before = await client.until(launched.id, 'running');
    assert.equal(await order('POST', `${launched.id}/stop`), '202');
    assert.equal(await order('POST', `${launched.id}/stop`), '200');
    assert.equal(await order('POST', `${launched.id}/start`), '409 wrong-state');
    const stopped = await client.until(launched.id, 'stopped');
    assert.deepEqual([stopped.ip, stopped.ssh_host_key, stopped.status_reason], [null, null, 'user']);
    assert.equal(await order('POST', `${launched.id}/stop`), '200');
    assert.equal(await order('POST', `${launched.id}/start`), '202');
    assert.equal(await order('POST', `${launched.id}/start`), '200');
    const after = await client.until(launched.id, 'running');
    assert.equal(await order('POST', `${launched.id}/start`), '200');
    assert.deepEqual({ ...after, ip: null }, { ...before, ip: null });
  });

  test('a terminated machine is listed for a while, costs nothing, and then never was', async () => {
    const { id } = await client.launch({ name: 'mayfly' });
    await client.until(id, 'running');
    assert.equal(await order('DELETE', id), '202');
    assert.equal((await client.get(id)).status, 'terminating');
    assert.equal(await order('DELETE', id), '202');
    assert.equal(await order('POST', `${id}/start`), '409 wrong-state');
    await client.until(id, 'terminated');
    assert.equal(await order('DELETE', id), '200');
    assert.equal((await client.list('name=mayfly'))[0]?.status, 'terminated');
    const truth = (await cloud.machines({ all: true })).find((machine) => machine.instance_id === id);
    assert.deepEqual([truth?.machine, truth?.billed], ['absent', 'none']);
    await sleep(750);
    assert.equal(await order('DELETE', id), '404 not-found');
    assert.deepEqual(await client.list('name=mayfly'), []);
  });

  test('terminates from wherever it is: while it boots, while it stops, when it is stopped', async () => {
    const [booting, stopping, stopped] = await Promise.all([client.launch(), client.launch(), client.launch()]);
    await order('DELETE', booting.id);
    await order('POST', `${stopping.id}/stop`);
    await order('DELETE', stopping.id);
    await order('POST', `${stopped.id}/stop`);
    await client.until(stopped.id, 'stopped');
    await order('DELETE', stopped.id);
    for (const { id } of [booting, stopping, stopped]) await client.until(id, 'terminated');
    assert.equal((await cloud.machines()).filter(({ instance_id }) => instance_id === booting.id).length, 0);
  });

  test('tags are replaced as a whole', async () => {
    const { id } = await client.launch({ tags: { a: '1', b: '2' } });
    assert.equal(await client.refusal('PUT', `/v1/instances/${id}/tags`, { tags: { c: '3' } }), '200');
    await client.until(id, 'running');
    assert.deepEqual((await client.get(id)).tags, { c: '3' });
    assert.equal(await client.refusal('PUT', `/v1/instances/${id}/tags`, { tags: { '': 'x' } }), '400 invalid-tags');
  });

  test('an id that nobody has is not found, a path that nobody serves is no route', async () => {
    assert.equal(await order('DELETE', 'fi-000000000000'), '404 not-found');
    assert.equal(await client.refusal('GET', '/v1/instances/fi-000000000000'), '404 not-found');
    assert.equal(await client.refusal('PATCH', '/v1/instances/x'), '404 no-such-route');
    assert.equal(await client.refusal('GET', '/v1/instances/x/y/z'), '404 no-such-route');
  });
});

test('instance types come in pages, in one order', async () => {
  const names: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = (await client.call('GET', `/v1/instance-types${cursor === null ? '' : `?cursor=${cursor}`}`)).body as {
      readonly instance_types: readonly { readonly name: string }[];
      readonly next_cursor: string | null;
    };
    names.push(...page.instance_types.map(({ name }) => name));
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  assert.equal(names.length, 12);
  assert.equal(new Set(names).size, 12);
});
