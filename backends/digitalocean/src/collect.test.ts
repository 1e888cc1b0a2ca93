import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiKey } from '@berth/backend/api-key';
import { type Harvest, harvest, judged, mapped, normalized } from '@berth/catalog/testing/harvest';
import { type Answer, type ReplayRequest, replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { collectSizes } from './collect.ts';
import digitalocean from './index.ts';
import { countryOf } from './regions.ts';

const KEY = ApiKey.parse({ api_key: 'token-1' });
const ROUTE = 'GET /v2/sizes';

const SMALL = {
  slug: 's-1vcpu-1gb',
  memory: 1024,
  vcpus: 1,
  disk: 25,
  transfer: 1,
  price_monthly: 6,
  price_hourly: 0.00893,
  regions: ['nyc3'],
  available: true,
  description: 'Basic',
  disk_info: [{ type: 'local', size: { amount: 25, unit: 'gib' } }],
};

/** As DigitalOcean's client for Go has it, with the list price of October 2026. */
const H100X8 = {
  ...SMALL,
  slug: 'gpu-h100x8-640gb',
  memory: 1966080,
  vcpus: 160,
  disk: 2046,
  price_monthly: 26248.32,
  price_hourly: 35.28,
  regions: ['tor1'],
  description: 'H100 GPU - 8X',
  gpu_info: { count: 8, vram: { amount: 640, unit: 'gib' }, model: 'nvidia_h100' },
};

function gpus(slug: string, model: string, count: number, vram: number) {
  return { ...H100X8, slug, gpu_info: { count, model, vram: { amount: vram, unit: 'gib' } } };
}

async function collect(
  ...answers: readonly [Answer, ...Answer[]]
): Promise<Harvest & { readonly requests: readonly ReplayRequest[] }> {
  await using server = await replayServer();
  server.on(ROUTE, ...answers);
  const origins = server.instead('https://api.digitalocean.com');
  const gathered = await harvest(collectSizes, { origins, credentials: KEY, timeoutMs: 200 });
  return { ...gathered, requests: server.requests };
}

function list(...sizes: readonly unknown[]) {
  return { json: { sizes, links: {}, meta: { total: sizes.length } } };
}

/** One page of several; the last one names no next. */
function page(sizes: readonly unknown[], total: number, next?: string) {
  return { json: { sizes, links: { pages: next === undefined ? {} : { next, last: next } }, meta: { total } } };
}

test('a size is offered in each of its regions, with the units that the API means', async () => {
  const { offers, requests } = await collect(list(SMALL, { ...H100X8, regions: ['tor1', 'nyc2'] }));
  assert.deepEqual(
    requests.map(({ headers }) => headers.authorization),
    ['Bearer token-1'],
  );
  const all = mapped(offers, 'digitalocean').map(({ id, country, pricePerHour, cpus, memoryMiB, diskMiB }) => {
    return { id, country, pricePerHour, cpus, memoryMiB, diskMiB };
  });
  const h100 = { pricePerHour: 35.28, cpus: 160, memoryMiB: 1920 * 1024, diskMiB: 2046 * 1024 };
  assert.deepEqual(all, [
    {
      id: 'digitalocean/nyc3/-/s-1vcpu-1gb/on-demand',
      country: 'US',
      pricePerHour: 0.00893,
      cpus: 1,
      memoryMiB: 1024,
      diskMiB: 25 * 1024,
    },
    { id: 'digitalocean/tor1/-/gpu-h100x8-640gb/on-demand/H100:80GB:8', country: 'CA', ...h100 },
    { id: 'digitalocean/nyc2/-/gpu-h100x8-640gb/on-demand/H100:80GB:8', country: 'US', ...h100 },
  ]);
});

test('640 GiB of eight H100 are 80 for each, not 640', async () => {
  const { offers } = await collect(list(H100X8));
  assert.deepEqual(offers[0]?.accelerator, { label: 'nvidia_h100', count: 8, memoryMiB: 80 * 1024 });
});

test('a memory that is told of one device is not divided once more', async () => {
  const { offers } = await collect(list(gpus('gpu-h100x8-640gb', 'nvidia_h100', 8, 80)));
  assert.equal(offers[0]?.accelerator?.memoryMiB, 80 * 1024);
});

test('where both readings are sizes of the device, the total is what is documented', async () => {
  const { offers } = await collect(list(gpus('gpu-a100x2-80gb', 'nvidia_a100', 2, 80)));
  assert.equal(offers[0]?.accelerator?.memoryMiB, 40 * 1024);
});

test('AMD Droplets and all the others have their devices', async () => {
  const sizes = [
    gpus('gpu-mi300x1-192gb', 'amd_mi300x', 1, 192),
    gpus('gpu-mi300x8-1536gb', 'amd_mi300x', 8, 1536),
    gpus('gpu-mi325x8-2048gb', 'amd_mi325x', 8, 2048),
    gpus('gpu-mi350x8-2304gb-spot', 'amd_mi350x', 8, 2304),
    gpus('gpu-h200x8-1128gb', 'nvidia_h200', 8, 1128),
    gpus('gpu-l40sx1-48gb', 'nvidia_l40s', 1, 48),
    gpus('gpu-4000adax1-20gb', 'nvidia_rtx4000_ada', 1, 20),
    gpus('gpu-6000adax1-48gb', 'nvidia_rtx6000_ada', 1, 48),
    // Sold as 288 GB, of which the registry knows 270 to be there.
    gpus('gpu-b300x8-2304gb-spot', 'nvidia_b300', 8, 2304),
  ];
  const ids = mapped((await collect(list(...sizes))).offers, 'digitalocean').map(({ id }) =>
    id.split('/').slice(4).join(' '),
  );
  assert.deepEqual(ids, [
    'on-demand MI300X:192GB:1',
    'on-demand MI300X:192GB:8',
    'on-demand MI325X:256GB:8',
    'spot MI350X:288GB:8',
    'on-demand H200:141GB:8',
    'on-demand L40S:48GB:1',
    'on-demand RTX4000Ada:20GB:1',
    'on-demand RTX6000Ada:48GB:1',
    'spot B300:270GB:8',
  ]);
});

test('a device that the registry does not hold is kept under its own name', async () => {
  const { offers } = await collect(list(gpus('gpu-x', 'nvidia_r200', 8, 2304)));
  const [offer] = normalized(offers, 'digitalocean');
  assert.equal(offer?.accelerator?.known, false);
  assert.equal(offer?.accelerator?.name, 'nvidia_r200');
  assert.equal(offer?.accelerator?.memoryMiB, 288 * 1024);
});

test('a size without regions is no offer, and it is said', async () => {
  const { offers, skipped } = await collect(list({ ...H100X8, regions: [] }));
  assert.deepEqual(offers, []);
  assert.deepEqual(skipped, ['gpu-h100x8-640gb: this account can create it in no region']);
});

test('a size that cannot be created now is listed, and not available', async () => {
  const { offers } = await collect(list(SMALL, { ...H100X8, available: false }));
  assert.deepEqual(
    offers.map(({ availability }) => availability),
    ['available', 'not-available'],
  );
});

test('pages are read to the end', async () => {
  const api = 'https://api.digitalocean.com/v2/sizes';
  const { offers, requests } = await collect(
    page([SMALL], 3, `${api}?page=2&per_page=200`),
    page([{ ...SMALL, slug: 's-2' }], 3, `${api}?page=3&per_page=200`),
    page([{ ...SMALL, slug: 's-3' }], 3),
  );
  assert.deepEqual(
    offers.map(({ instanceType }) => instanceType),
    ['s-1vcpu-1gb', 's-2', 's-3'],
  );
  assert.deepEqual(
    requests.map(({ query }) => query.toString()),
    ['page=1&per_page=200', 'page=2&per_page=200', 'page=3&per_page=200'],
  );
});

test('a list that ends early, or goes in a circle, is an error', async () => {
  await assert.rejects(collect(page([SMALL], 2)), { code: 'unavailable', message: /hold 1 of 2/ });
  const again = page([SMALL], 9, 'https://api.digitalocean.com/v2/sizes?page=1');
  await assert.rejects(collect(again), { code: 'unavailable', message: /does not go on after page 1/ });
});

test('one failed page fails the list', async () => {
  const first = page([SMALL], 2, 'https://api.digitalocean.com/v2/sizes?page=2');
  await assert.rejects(collect(first, { status: 500, body: 'no' }), { code: 'transient' });
});

test('the token goes to no other host, wherever the next page is said to be', async () => {
  const elsewhere = page([SMALL], 2, 'https://elsewhere.example/v2/sizes?page=2');
  const { requests } = await collect(elsewhere, page([{ ...SMALL, slug: 's-2' }], 2));
  assert.equal(requests.length, 2);
});

test('a field that changed is named', async () => {
  await assert.rejects(collect(list({ ...SMALL, price_hourly: '0.01' })), /sizes\.0\.price_hourly/);
  const gb = { ...H100X8, gpu_info: { ...H100X8.gpu_info, vram: { amount: 640, unit: 'gb' } } };
  await assert.rejects(collect(list(gb)), /sizes\.0\.gpu_info\.vram\.unit/);
});

test('too many requests are repeated, a wrong token is not', async () => {
  assert.equal((await collect(tooMany('1'), list(SMALL))).requests.length, 2);
  await assert.rejects(collect({ status: 401, json: { id: 'Unauthorized' } }), { code: 'auth' });
});

test('an empty list, and a web page, are errors', async () => {
  await assert.rejects(collect(list()), { code: 'no-offers' });
  await assert.rejects(collect(webPage()), /answered with a web page/);
});

test('a region is in the country of its city', () => {
  assert.deepEqual(['nyc3', 'ams3', 'tor1', 'mem1'].map(countryOf), ['US', 'NL', 'CA', null]);
});

test('an answer that never comes is a time-out, and is not waited for past the deadline', async () => {
  await assert.rejects(collect({ headAfterMs: Infinity }), { code: 'transient', message: /did not answer within/ });
  await using server = await replayServer();
  server.on(ROUTE, { headAfterMs: Infinity });
  const options = { origins: server.instead('https://api.digitalocean.com'), credentials: KEY };
  const signal = AbortSignal.timeout(50);
  await assert.rejects(harvest(collectSizes, { ...options, signal }), { name: 'TimeoutError' });
});

test('a list with what DigitalOcean is known for passes its rules, and one without does not', async () => {
  const { catalog } = digitalocean;
  assert.ok(catalog.kind === 'online' && catalog.collect === collectSizes);
  const regions = ['nyc3', 'sfo3', 'ams3', 'fra1', 'sgp1'];
  const sizes = [{ ...SMALL, regions }, { ...SMALL, slug: 's-2vcpu-4gb', memory: 4096 }, H100X8];
  const spot = { ...gpus('gpu-b300x8-2304gb-spot', 'nvidia_b300', 8, 2304), price_hourly: 20 };
  const whole = await collect(list(...sizes, spot));
  assert.deepEqual(judged(whole.offers, 'digitalocean', catalog.rules), { keptOut: [], blocked: null });
  const poor = judged((await collect(list(SMALL))).offers, 'digitalocean', catalog.rules);
  assert.match(poor.blocked ?? '', /instance types .* s-2vcpu-4gb; regions .* sfo3/);
});
