import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiKey } from '@berth/backend/api-key';
import { type Harvest, harvest, judged, mapped } from '@berth/catalog/testing/harvest';
import { type Answer, replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { collectInstanceTypes } from './collect.ts';
import { countryOf } from './countries.ts';
import lambda from './index.ts';

const KEY = ApiKey.parse({ api_key: 'key-1' });
const ROUTE = 'GET /api/v1/instance-types';
const CALIFORNIA = { name: 'us-west-1', description: 'California, USA' };
const OSAKA = { name: 'asia-northeast-1', description: 'Osaka, Japan' };

interface TypeOf {
  readonly name: string;
  readonly gpu: string;
  readonly cents: unknown;
  readonly specs: { vcpus: number; memory_gib: number; storage_gib: number; gpus: number };
  readonly regions: readonly (typeof CALIFORNIA)[];
}

const H100X8: TypeOf = {
  name: 'gpu_8x_h100_sxm5',
  gpu: 'H100 (80 GB SXM5)',
  cents: 2392,
  specs: { vcpus: 208, memory_gib: 1800, storage_gib: 22528, gpus: 8 },
  regions: [CALIFORNIA, OSAKA],
};

function types(...all: readonly TypeOf[]) {
  const entries = all.map(({ name, gpu, cents, specs, regions }) => {
    const described = `${specs.gpus}x ${gpu}`;
    const instance_type = {
      name,
      description: described,
      gpu_description: gpu,
      price_cents_per_hour: cents,
      specs,
    };
    return [name, { instance_type, regions_with_capacity_available: regions }] as const;
  });
  return { json: { data: Object.fromEntries(entries) } };
}

async function collect(
  ...answers: readonly [Answer, ...Answer[]]
): Promise<Harvest & { readonly keys: readonly unknown[] }> {
  await using server = await replayServer();
  server.on(ROUTE, ...answers);
  const origins = server.instead('https://cloud.lambda.ai');
  const gathered = await harvest(collectInstanceTypes, { origins, credentials: KEY, timeoutMs: 200 });
  return { ...gathered, keys: server.requests.map(({ headers }) => headers.authorization) };
}

test('a type is offered in the regions that have capacity for it, and in no others', async () => {
  const { offers, keys, skipped } = await collect(types(H100X8));
  assert.deepEqual(keys, ['Bearer key-1']);
  assert.deepEqual(skipped, []);
  const all = mapped(offers, 'lambda').map(({ id, country, pricePerHour, cpus, availability }) => {
    return { id, country, pricePerHour, cpus, availability };
  });
  const same = { pricePerHour: 23.92, cpus: 208, availability: 'available' };
  assert.deepEqual(all, [
    { id: 'lambda/us-west-1/-/gpu_8x_h100_sxm5/on-demand/H100:80GB:8', country: 'US', ...same },
    { id: 'lambda/asia-northeast-1/-/gpu_8x_h100_sxm5/on-demand/H100:80GB:8', country: 'JP', ...same },
  ]);
});

test('GiB stay GiB: memory and disk are not 7.4 % larger than they are', async () => {
  const [offer] = (await collect(types(H100X8))).offers;
  assert.equal(offer?.memoryMiB, 1800 * 1024);
  assert.equal(offer?.diskMiB, 22528 * 1024);
});

test('a type without capacity is no offer in every region, and it is said', async () => {
  const { offers, skipped } = await collect(types({ ...H100X8, regions: [] }));
  assert.deepEqual(offers, []);
  assert.deepEqual(skipped, ['gpu_8x_h100_sxm5: no region has capacity now, and which ones sell it is not told']);
});

test('sixteen devices are sixteen, whatever the description says', async () => {
  const specs = { ...H100X8.specs, gpus: 16 };
  const [offer] = mapped((await collect(types({ ...H100X8, specs }))).offers, 'lambda');
  assert.equal(offer?.accelerator?.count, 16);
});

test('every device of the list is one that the registry knows', async () => {
  const labels: readonly (readonly [label: string, id: string])[] = [
    ['A10 (24 GB PCIe)', 'A10:24GB:1'],
    ['A100 (40 GB SXM4)', 'A100:40GB:1'],
    ['A100 (80 GB SXM4)', 'A100:80GB:1'],
    ['A6000 (48 GB)', 'A6000:48GB:1'],
    ['B200 (180 GB SXM6)', 'B200:180GB:1'],
    ['GH200 (96 GB)', 'GH200:96GB:1'],
    ['H100 (80 GB PCIe)', 'H100:80GB:1'],
    ['RTX 6000 (24 GB)', 'RTX6000:24GB:1'],
    ['Tesla V100 (16 GB)', 'V100:16GB:1'],
  ];
  const one = { vcpus: 26, memory_gib: 200, storage_gib: 512, gpus: 1 };
  const all = labels.map(([gpu], i) => ({ name: `t${i}`, gpu, cents: 100, specs: one, regions: [CALIFORNIA] }));
  const ids = mapped((await collect(types(...all))).offers, 'lambda').map(({ id }) => id.split('/').at(-1));
  assert.deepEqual(
    ids,
    labels.map(([, id]) => id),
  );
});

test('a Grace Hopper has an ARM processor, a machine without devices an x86 one', async () => {
  const grace = { ...H100X8, name: 'gpu_1x_gh200', gpu: 'GH200 (96 GB)', specs: { ...H100X8.specs, gpus: 1 } };
  const plain = { ...H100X8, name: 'cpu_4x_general', gpu: 'N/A', specs: { ...H100X8.specs, gpus: 0 } };
  const offers = mapped((await collect(types(grace, plain))).offers, 'lambda');
  assert.deepEqual(
    offers.map(({ instanceType, cpuArch, accelerator }) => [instanceType, cpuArch, accelerator?.name ?? null]),
    [
      ['gpu_1x_gh200', 'arm', 'GH200'],
      ['gpu_1x_gh200', 'arm', 'GH200'],
      ['cpu_4x_general', 'x86', null],
      ['cpu_4x_general', 'x86', null],
    ],
  );
});

test('a field that changed is named', async () => {
  const changed = types({ ...H100X8, cents: '2392' });
  await assert.rejects(collect(changed), /data\.gpu_8x_h100_sxm5\.instance_type\.price_cents_per_hour/);
});

test('too many requests are repeated, a wrong key is not', async () => {
  assert.equal((await collect(tooMany('1'), types(H100X8))).keys.length, 2);
  await assert.rejects(collect({ status: 401, json: { error: { code: 'global/invalid-api-key' } } }), {
    code: 'auth',
  });
});

test('a list without types, and a web page, are errors', async () => {
  await assert.rejects(collect({ json: { data: {} } }), { code: 'no-offers' });
  await assert.rejects(collect(webPage()), /answered with a web page/);
});

test('a region is in the country that its description ends with', () => {
  const descriptions = ['Washington DC, USA', 'Germany', 'Melbourne, Australia', 'Somewhere', ''];
  assert.deepEqual(descriptions.map(countryOf), ['US', 'DE', 'AU', null, null]);
});

test('an answer that never comes is a time-out, and is not waited for past the deadline', async () => {
  await assert.rejects(collect({ headAfterMs: Infinity }), { code: 'transient', message: /did not answer within/ });
  await using server = await replayServer();
  server.on(ROUTE, { headAfterMs: Infinity });
  const options = { origins: server.instead('https://cloud.lambda.ai'), credentials: KEY };
  const signal = AbortSignal.timeout(50);
  await assert.rejects(harvest(collectInstanceTypes, { ...options, signal }), { name: 'TimeoutError' });
});

test('its rules keep out none of its offers', async () => {
  const { catalog } = lambda;
  assert.ok(catalog.kind === 'online' && catalog.collect === collectInstanceTypes);
  const { offers } = await collect(types(H100X8));
  assert.deepEqual(judged(offers, 'lambda', catalog.rules), { keptOut: [], blocked: null });
});
