import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiKey } from '@berth/backend/api-key';
import { type Harvest, harvest, judged, mapped } from '@berth/catalog/testing/harvest';
import { type Answer, replayServer } from '@berth/http/testing/replay-server';
import { collectLocations } from './collect.ts';
import { countryCode } from './countries.ts';
import tensordock from './index.ts';

const KEY = ApiKey.parse({ api_key: 'key-1' });
const ROUTE = 'GET /api/v2/locations';

function gpu(changes: Record<string, unknown> = {}) {
  return {
    v0Name: 'h100-sxm5-80gb',
    displayName: 'NVIDIA H100 SXM5 80GB',
    max_count: 2,
    price_per_hr: 2.2,
    resources: { max_vcpus: 64, max_ram_gb: 600, max_storage_gb: 1000 },
    pricing: { per_vcpu_hr: 0.003, per_gb_ram_hr: 0.002, per_gb_storage_hr: 0.00005 },
    network_features: { dedicated_ip_available: true },
    ...changes,
  };
}

function locations(...gpus: readonly unknown[]) {
  const place = { id: 'loc-1', city: 'Austin', stateprovince: 'Texas', country: 'United States', tier: 3 };
  return { json: { data: { locations: [{ ...place, gpus }] } } };
}

async function collect(
  ...answers: readonly [Answer, ...Answer[]]
): Promise<Harvest & { readonly keys: readonly unknown[] }> {
  await using server = await replayServer();
  server.on(ROUTE, ...answers);
  const origins = server.instead('https://dashboard.tensordock.com');
  const gathered = await harvest(collectLocations, { origins, credentials: KEY, timeoutMs: 200 });
  return { ...gathered, keys: server.requests.map(({ headers }) => headers.authorization) };
}

test('a location offers every number of its devices with a balanced share of the host', async () => {
  const { offers, keys } = await collect(locations(gpu()));
  assert.deepEqual(keys, ['Bearer key-1']);
  const all = mapped(offers, 'tensordock').map(({ id, country, pricePerHour, cpus, memoryMiB, diskMiB }) => {
    return { id, country, pricePerHour, cpus, memoryGib: memoryMiB / 1024, diskGib: (diskMiB ?? 0) / 1024 };
  });
  const place = 'tensordock/united-states-texas-austin/loc-1/h100-sxm5-80gb';
  assert.deepEqual(all, [
    // 2.2 + 28 × 0.003 + 160 × 0.002 + 160 × 0.00005
    {
      id: `${place}-1x-28-160/on-demand/H100:80GB:1`,
      country: 'US',
      pricePerHour: 2.612,
      cpus: 28,
      memoryGib: 160,
      diskGib: 160,
    },
    {
      id: `${place}-2x-54-320/on-demand/H100:80GB:2`,
      country: 'US',
      pricePerHour: 5.218,
      cpus: 54,
      memoryGib: 320,
      diskGib: 320,
    },
  ]);
});

test('a device whose host has no memory left is no offer, and it is said', async () => {
  const { offers, skipped } = await collect(
    locations(gpu({ max_count: 1, resources: { max_vcpus: 64, max_ram_gb: 1, max_storage_gb: 1000 } })),
  );
  assert.deepEqual(offers, []);
  assert.deepEqual(skipped, ['Austin: 1 × NVIDIA H100 SXM5 80GB: 0 GiB of memory for 1 GPUs are too little']);
});

test('a device without a price is not sold for its CPUs and memory alone', async () => {
  const { offers, skipped } = await collect(locations(gpu({ price_per_hr: 0 })));
  assert.deepEqual(offers, []);
  assert.deepEqual(skipped, ['Austin: NVIDIA H100 SXM5 80GB: its price is 0']);
});

test('a device that is sold out is no offer', async () => {
  assert.deepEqual((await collect(locations(gpu({ max_count: 0 })))).offers, []);
});

test('devices are read by the names that TensorDock shows', async () => {
  const names = ['NVIDIA GeForce RTX 4090 PCIe 24GB', 'NVIDIA RTX 6000 Ada PCIe 48GB', 'NVIDIA A100 PCIe 80GB'];
  const gpus = names.map((displayName) => gpu({ displayName, v0Name: displayName, max_count: 1 }));
  const { offers } = await collect(locations(...gpus));
  assert.deepEqual(
    mapped(offers, 'tensordock').map(({ accelerator }) => [accelerator?.name, accelerator?.formFactor]),
    [
      ['RTX4090', 'PCIe'],
      ['RTX6000Ada', 'PCIe'],
      ['A100', 'PCIe'],
    ],
  );
});

test('an answer without locations is an error, not an empty cloud', async () => {
  await assert.rejects(collect({ json: { data: { locations: [] } } }), { code: 'no-offers' });
});

test('a field that changed is named', async () => {
  await assert.rejects(collect(locations(gpu({ price_per_hr: 'two' }))), /gpus\.0\.price_per_hr/);
});

test('too many requests are repeated, a wrong key is not', async () => {
  const busy = { status: 429, headers: { 'retry-after': '1' } };
  assert.equal((await collect(busy, locations(gpu()))).keys.length, 2);
  await assert.rejects(collect({ status: 401, json: { error: 'key' } }, locations(gpu())), { code: 'auth' });
});

test('a web page instead of offers is an error', async () => {
  await assert.rejects(collect({ body: '<!doctype html><title>Sorry</title>' }), /answered with a web page/);
});

test('countries are known by their English names', () => {
  const names = ['United States', 'germany', 'United Kingdom', 'South Korea', 'Atlantis', ''];
  assert.deepEqual(names.map(countryCode), ['US', 'DE', 'GB', 'KR', null, null]);
});

test('an answer that never comes is a time-out, and is not waited for past the deadline', async () => {
  await assert.rejects(collect({ headAfterMs: Infinity }), { code: 'transient', message: /did not answer within/ });
  await using server = await replayServer();
  server.on(ROUTE, { headAfterMs: Infinity });
  const options = { origins: server.instead('https://dashboard.tensordock.com'), credentials: KEY };
  const signal = AbortSignal.timeout(50);
  await assert.rejects(harvest(collectLocations, { ...options, signal }), { name: 'TimeoutError' });
});

test('its rules keep out none of its offers, whose zones are ids', async () => {
  const { catalog } = tensordock;
  assert.ok(catalog.kind === 'online' && catalog.collect === collectLocations);
  const { offers } = await collect(locations(gpu()));
  assert.deepEqual(judged(offers, 'tensordock', catalog.rules), { keptOut: [], blocked: null });
});
