import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Harvest, harvest, judged, normalized } from '@berth/catalog/testing/harvest';
import { type Answer, replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { collectCloudRift } from './collect.ts';
import cloudrift from './index.ts';

const ROUTE = 'POST /api/v1/instance-types/list';
const GIB = 1024 ** 3;

function variant(changes: Readonly<Record<string, unknown>> = {}) {
  return {
    name: 'rtx49-10c-kn.1',
    cost_per_hour: 39,
    cpu_count: 10,
    logical_cpu_count: 20,
    gpu_count: 1,
    dram: 50 * GIB,
    disk: 500 * GIB,
    vram: 24 * GIB,
    nodes_per_dc: { 'us-east-nc-nr-1': 4, 'ap-east-tw-kn-2': 2 },
    available_nodes_per_dc: { 'us-east-nc-nr-1': 1, 'ap-east-tw-kn-2': 0 },
    ...changes,
  };
}

function answer(brand: string, ...variants: readonly unknown[]) {
  return { json: { version: '2025-03-21', data: { instance_types: [{ brand_short: brand, variants }] } } };
}

async function collect(...answers: readonly [Answer, ...Answer[]]): Promise<Harvest & { readonly asked: number }> {
  await using server = await replayServer();
  server.on(ROUTE, ...answers);
  const origins = server.instead('https://api.cloudrift.ai');
  const gathered = await harvest(collectCloudRift, { origins, credentials: null, timeoutMs: 200 });
  for (const { body } of server.requests) {
    assert.deepEqual(JSON.parse(body), {
      version: '2025-03-21',
      data: { selector: { ByServiceAndLocation: { services: ['vm'] } } },
    });
  }
  return { ...gathered, asked: server.requests.length };
}

test('cents become dollars, bytes become MiB, and every place is an offer of its own', async () => {
  const { offers, skipped } = await collect(answer('RTX 4090', variant()));
  const [first, second, ...others] = normalized(offers, 'cloudrift');
  assert.deepEqual([others.length, skipped.length], [0, 0]);
  assert.equal(first?.id, 'cloudrift/us-east-nc-nr-1/-/rtx49-10c-kn.1/on-demand/RTX4090:24GB:1');
  assert.equal(second?.id, 'cloudrift/ap-east-tw-kn-2/-/rtx49-10c-kn.1/on-demand/RTX4090:24GB:1');
  assert.deepEqual(
    [first?.pricePerHour, first?.cpus, first?.memoryMiB, first?.diskMiB, first?.country],
    [0.39, 10, 51_200, 512_000, 'US'],
  );
});

test('a place without a free node is not available, and one without any node is no offer that looks real', async () => {
  const places = async (changes: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(
      (await collect(answer('RTX 4090', variant(changes)))).offers.map((offer) => [offer.region, offer.availability]),
    );
  assert.deepEqual(await places({}), { 'us-east-nc-nr-1': 'available', 'ap-east-tw-kn-2': 'not-available' });
  // Free nodes are not told: what is there may be taken.
  assert.deepEqual(await places({ nodes_per_dc: { a: 3, b: 0 }, available_nodes_per_dc: null }), {
    a: 'unknown',
    b: 'not-available',
  });
  assert.deepEqual(await places({ nodes_per_dc: undefined, available_nodes_per_dc: { a: 2, b: 0 } }), {
    a: 'available',
    b: 'not-available',
  });
});

test('any number of devices and any brand stay in', async () => {
  const devices = async (brand: string, count: number, vramGib: number) => {
    const { offers } = await collect(answer(brand, variant({ gpu_count: count, vram: vramGib * GIB })));
    return normalized(offers, 'cloudrift')[0]?.accelerator;
  };
  const of = (device: Awaited<ReturnType<typeof devices>>) => [device?.name, device?.count, device?.known];
  assert.deepEqual(of(await devices('RTX PRO 6000', 7, 96)), ['RTXPRO6000', 7, true]);
  assert.deepEqual(of(await devices('MI350X', 8, 288)), ['MI350X', 8, true]);
  assert.deepEqual(of(await devices('RTX 9999', 3, 128)), ['RTX 9999', 3, false]);
  assert.equal(await devices('EPYC', 0, 0), null);
  // Told of one or of all: no RTX 4090 has 48.
  assert.equal((await devices('RTX 4090', 2, 24))?.memoryMiB, 24 * 1024);
  assert.equal((await devices('RTX 4090', 2, 48))?.memoryMiB, 24 * 1024);
});

test('a variant without price or place is left out, and said so', async () => {
  const { offers, skipped } = await collect(
    answer(
      'RTX 4090',
      variant(),
      variant({ name: 'free', cost_per_hour: 0 }),
      variant({ name: 'nowhere', nodes_per_dc: {}, available_nodes_per_dc: {} }),
    ),
  );
  assert.equal(offers.length, 2);
  assert.deepEqual(skipped, ['free: its price is 0', 'nowhere: no location is named for it']);
});

test('an empty list is an error, not an empty cloud', async () => {
  await assert.rejects(collect({ json: { data: { instance_types: [] } } }), /CloudRift listed no offers/);
  await assert.rejects(collect(answer('RTX 4090')), /no offers/);
});

test('a field that changed is named', async () => {
  const changed = answer('RTX 4090', variant(), variant({ cost_per_hour: '39' }));
  await assert.rejects(collect(changed), /`data\.instance_types\.0\.variants\.1\.cost_per_hour`/);
  await assert.rejects(collect({ json: { data: { types: [] } } }), /`data\.instance_types`/);
});

test('a 429, a refusal and a time-out are tried again, since the request only reads', async () => {
  const good = answer('RTX 4090', variant());
  const { asked, pauses } = await collect(tooMany('7'), { status: 503 }, { headAfterMs: Infinity }, good);
  assert.deepEqual([asked, pauses[0]], [4, 7_000]);
  await assert.rejects(collect({ headAfterMs: Infinity }), { code: 'transient', message: /did not answer within/ });
});

test('a web page and a cut answer are errors', async () => {
  await assert.rejects(collect(webPage()), /a web page that is no JSON/);
  await assert.rejects(collect({ body: '{"data": {"instance', cut: 'after-body' }), { code: 'transient' });
});

test('a list with what CloudRift is known for is published, and one without is not', async () => {
  const { catalog } = cloudrift;
  assert.ok(catalog.kind === 'offline' && catalog.collect === collectCloudRift);
  const type = (brand_short: string, vram: number) => ({
    brand_short,
    variants: [variant({ name: brand_short, vram: vram * GIB })],
  });
  const list = (...instance_types: readonly unknown[]) => ({ json: { data: { instance_types } } });
  const whole = await collect(list(type('RTX 4090', 24), type('RTX 5090', 32)));
  assert.deepEqual(judged(whole.offers, 'cloudrift', catalog.rules), { keptOut: [], blocked: null });
  const half = await collect(list(type('RTX 4090', 24)));
  assert.match(judged(half.offers, 'cloudrift', catalog.rules).blocked ?? '', /RTX5090/);
});
