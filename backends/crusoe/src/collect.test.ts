import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Harvest, harvest, judged, mapped } from '@berth/catalog/testing/harvest';
import { type Answer, replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { AccessKey } from './access-key.ts';
import { collectCapacities } from './collect.ts';
import crusoe from './index.ts';
import { placeOf } from './locations.ts';

const TYPES = 'GET /v1/projects/p-1/compute/vms/types';
const CAPACITIES = 'GET /v1/capacities';
const KEY = AccessKey.parse({ access_key: 'AK1', secret_key: 'yMnKy8zNzs_Q0dLT1NXW19jZ2tvc3d7f', project_id: 'p-1' });

const H100 = {
  product_name: 'h100-80gb-sxm-ib.8x',
  description: '8x Nvidia H100',
  cpu_cores: 176,
  cpu_type: 'intel',
  memory_gb: 960,
  memory_type: 'RAM',
  disk_gb: 7680,
  disk_type: 'SSD',
  num_gpu: 8,
  gpu_type: 'H100-SXM-80GB',
};
const CPU = { ...H100, product_name: 'c1a.4x', cpu_cores: 4, memory_gb: 16, disk_gb: 0, num_gpu: 0, gpu_type: '' };
const GB200 = {
  ...H100,
  product_name: 'gb200-186gb-nvl-ib.4x',
  cpu_type: 'arm64',
  num_gpu: 4,
  gpu_type: 'GB200-186GB',
};

function capacity(type: string, location: string, quantity: number) {
  return { type, location, quantity, num_slices: 8, quota_type: 'PROJECT_QUOTA_TYPE_X' };
}

function items(...all: readonly unknown[]) {
  return { json: { items: all } };
}

interface Collected extends Harvest {
  readonly signed: readonly (readonly [path: string, timestamp: unknown, authorization: unknown])[];
}

type Answers = readonly [Answer, ...Answer[]];

async function collect(types: Answers, capacities: Answers): Promise<Collected> {
  await using server = await replayServer();
  server.on(TYPES, ...types).on(CAPACITIES, ...capacities);
  const origins = server.instead('https://api.cloud.crusoe.ai');
  const gathered = await harvest(collectCapacities, { origins, credentials: KEY, timeoutMs: 200 });
  const signed = server.requests.map(
    ({ path, headers }) => [path, headers['x-crusoe-timestamp'], headers.authorization] as const,
  );
  return { ...gathered, signed };
}

test('a type is offered in the locations that tell of capacity for it, with the list price of its devices', async () => {
  const { offers, skipped } = await collect(
    [items(H100, CPU)],
    [items(capacity('h100-80gb-sxm-ib.8x', 'eu-iceland1-a', 3), capacity('c1a.4x', 'us-east1-a', 9))],
  );
  assert.deepEqual(skipped, []);
  const all = mapped(offers, 'crusoe').map(
    ({ id, country, pricePerHour, memoryMiB, diskMiB, interconnect, availability }) => {
      return { id, country, pricePerHour, memoryMiB, diskMiB, interconnect, availability };
    },
  );
  assert.deepEqual(all, [
    {
      id: 'crusoe/eu-iceland1/eu-iceland1-a/h100-80gb-sxm-ib.8x/on-demand/H100:80GB:8',
      country: 'IS',
      pricePerHour: 31.2,
      memoryMiB: 960 * 1024,
      diskMiB: 7680 * 1024,
      interconnect: 'InfiniBand',
      availability: 'available',
    },
    {
      id: 'crusoe/us-east1/us-east1-a/c1a.4x/on-demand',
      country: 'US',
      pricePerHour: 0.16,
      memoryMiB: 16 * 1024,
      diskMiB: null,
      interconnect: null,
      availability: 'available',
    },
  ]);
  assert.deepEqual(offers[0]?.providerData, { disk_gb: 7680, price_as_of: '2026-09-20' });
});

test('a location that has none left is told of, and not available', async () => {
  const none = capacity('c1a.4x', 'us-east1-a', 0);
  const { offers } = await collect([items(CPU)], [items(none)]);
  assert.deepEqual(
    offers.map(({ availability }) => availability),
    ['not-available'],
  );
});

test('what several kinds of hosts have of one type is one offer', async () => {
  const quantities = [0, 2, 0].map((quantity) => capacity('c1a.4x', 'us-east1-a', quantity));
  const { offers } = await collect([items(CPU)], [items(...quantities)]);
  assert.deepEqual(
    offers.map(({ availability }) => availability),
    ['available'],
  );
});

test('a price that is not listed is never guessed: the type is skipped with the reason', async () => {
  const mi355x = { ...H100, product_name: 'mi355x-288gb-roce.8x', gpu_type: 'MI355X-288GB' };
  const { offers, skipped } = await collect(
    [items(GB200, mi355x)],
    [items(capacity(GB200.product_name, 'us-east1-a', 1), capacity(mi355x.product_name, 'us-east1-a', 1))],
  );
  assert.deepEqual(offers, []);
  assert.deepEqual(skipped, [
    'gb200-186gb-nvl-ib.4x: the price list of 2026-09-20 has no price for GB200-186GB',
    'mi355x-288gb-roce.8x: the price list of 2026-09-20 has no price for MI355X-288GB',
  ]);
});

test('types without capacity and capacity without type are skipped with the reason', async () => {
  const { offers, skipped } = await collect(
    [items(H100)],
    [items(capacity('a40.1x', 'us-east1-a', 1), { location: 'us-east', quantity: 8 })],
  );
  assert.deepEqual(offers, []);
  assert.deepEqual(skipped, [
    'capacity in us-east: it names no type',
    'h100-80gb-sxm-ib.8x: no location tells of capacity for it',
    'a40.1x: a location tells of capacity for it, and it is no VM type of this project',
  ]);
});

test('an ARM processor is told as one', async () => {
  const arm = { ...CPU, cpu_type: 'arm64' };
  const { offers } = await collect([items(arm)], [items(capacity('c1a.4x', 'us-east1-a', 1))]);
  assert.equal(mapped(offers, 'crusoe')[0]?.cpuArch, 'arm');
});

test('every request is signed for its own path and time', async () => {
  const { signed } = await collect([items(CPU)], [items(capacity('c1a.4x', 'us-east1-a', 1))]);
  assert.deepEqual(
    signed.map(([path, timestamp]) => [path, timestamp]),
    [
      ['/v1/projects/p-1/compute/vms/types', '2026-01-05T08:09:10+00:00'],
      ['/v1/capacities', '2026-01-05T08:09:10+00:00'],
    ],
  );
  const signatures = signed.map(([, , authorization]) => String(authorization));
  for (const signature of signatures) assert.match(signature, /^Bearer 1\.0:AK1:[\w-]{43}$/);
  assert.equal(new Set(signatures).size, 2);
});

test('a field that changed is named', async () => {
  const free = [items(capacity('c1a.4x', 'us-east1-a', 1))] as const;
  await assert.rejects(collect([items({ ...CPU, memory_gb: '16' })], free), /items\.0\.memory_gb/);
  await assert.rejects(collect([items(CPU)], [items({ type: 'c1a.4x', location: 'x' })]), /items\.0\.quantity/);
});

test('too many requests are repeated, a wrong signature is not, and lost capacities fail the list', async () => {
  const free = items(capacity('c1a.4x', 'us-east1-a', 1));
  assert.equal((await collect([tooMany('1'), items(CPU)], [free])).signed.length, 3);
  await assert.rejects(collect([{ status: 401, json: { code: 'bad_credential' } }], [free]), { code: 'auth' });
  await assert.rejects(collect([items(CPU)], [{ status: 503, body: 'no' }]), { code: 'transient' });
});

test('empty lists, and a web page, are errors', async () => {
  await assert.rejects(collect([items()], [items()]), { code: 'no-offers', message: /no VM types/ });
  await assert.rejects(collect([items(CPU)], [items()]), { code: 'no-offers', message: /no capacity/ });
  await assert.rejects(collect([webPage()], [items()]), /answered with a web page/);
});

test('a location is a zone of its region', () => {
  assert.deepEqual(placeOf('us-northcentral1-a'), {
    region: 'us-northcentral1',
    zone: 'us-northcentral1-a',
    country: 'US',
  });
  assert.deepEqual(placeOf('us-east1'), { region: 'us-east1', zone: null, country: 'US' });
  assert.deepEqual(placeOf('moon-base'), { region: 'moon-base', zone: null, country: null });
});

test('an answer that never comes is a time-out, and is not waited for past the deadline', async () => {
  await assert.rejects(collect([{ headAfterMs: Infinity }], [items()]), {
    code: 'transient',
    message: /did not answer within/,
  });
  await using server = await replayServer();
  server.on(TYPES, { headAfterMs: Infinity });
  const options = { origins: server.instead('https://api.cloud.crusoe.ai'), credentials: KEY };
  const signal = AbortSignal.timeout(50);
  await assert.rejects(harvest(collectCapacities, { ...options, signal }), { name: 'TimeoutError' });
});

test('its rules keep out none of its offers', async () => {
  const { catalog } = crusoe;
  assert.ok(catalog.kind === 'online' && catalog.collect === collectCapacities);
  const free = items(capacity(H100.product_name, 'us-east1-a', 2), capacity(CPU.product_name, 'eu-iceland1-a', 0));
  const { offers } = await collect([items(H100, CPU)], [free]);
  assert.deepEqual(judged(offers, 'crusoe', catalog.rules), { keptOut: [], blocked: null });
});
