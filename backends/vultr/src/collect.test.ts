import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Harvest, harvest, judged, normalized } from '@berth/catalog/testing/harvest';
import { type Answer, type ReplayRequest, replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { collectVultr } from './collect.ts';
import vultr from './index.ts';

const PLAN = {
  id: 'vc2-1c-1gb',
  vcpu_count: 1,
  ram: 1024,
  disk: 25,
  disk_count: 1,
  bandwidth: 1024,
  monthly_cost: 5,
  hourly_cost: 0.007,
  monthly_cost_preemptible: 5,
  hourly_cost_preemptible: 0.007,
  type: 'vc2',
  locations: ['ewr'],
  deploy_ondemand: true,
  deploy_preemptible: false,
  location_cost: [],
};
const A100 = {
  ...PLAN,
  id: 'vcg-a100-6c-60g-40vram',
  vcpu_count: 6,
  ram: 61_440,
  disk: 700,
  hourly_cost: 1.199,
  type: 'vcg',
  gpu_vram_gb: 40,
  gpu_type: 'NVIDIA_A100',
  gpu_count: '1/2',
};
const METAL = {
  id: 'vbm-112c-2048gb-8-h100-gpu',
  physical_cpus: 2,
  cpu_count: 112,
  cpu_threads: 224,
  cpu_model: 'Platinum 8480+',
  ram: 2_097_152,
  disk: 960,
  disk_count: 2,
  hourly_cost: 23.92,
  hourly_cost_preemptible: 18.4,
  type: 'NVMe',
  locations: ['sea'],
};
const REGIONS = [
  { id: 'ewr', city: 'New Jersey', country: 'US', continent: 'North America', options: [] },
  { id: 'sea', city: 'Seattle', country: 'US', continent: 'North America', options: [] },
  { id: 'ams', city: 'Amsterdam', country: 'NL', continent: 'Europe', options: [] },
];

/** Pages of one list: a cursor is the number of its page. */
function pages(key: string, ...lists: readonly (readonly unknown[])[]): Answer {
  return ({ query }: ReplayRequest) => {
    const page = Number(query.get('cursor') ?? 0);
    const next = page + 1 < lists.length ? String(page + 1) : '';
    const total = lists.flat().length;
    return { json: { [key]: lists[page], meta: { total, links: { next, prev: '' } } } };
  };
}

interface Lists {
  readonly plans?: Answer | readonly [Answer, ...Answer[]];
  readonly metal?: Answer;
}

async function collect({
  plans = pages('plans', [PLAN]),
  metal = pages('plans_metal', []),
}: Lists): Promise<Harvest & { readonly asked: readonly string[] }> {
  await using server = await replayServer();
  const answers: readonly [Answer, ...Answer[]] = Array.isArray(plans)
    ? (plans as [Answer, ...Answer[]])
    : [plans as Answer];
  server.on('GET /v2/plans', ...answers).on('GET /v2/plans-metal', metal);
  server.on('GET /v2/regions', pages('regions', REGIONS));
  const origins = server.instead('https://api.vultr.com');
  const gathered = await harvest(collectVultr, { origins, credentials: null, timeoutMs: 200 });
  return { ...gathered, asked: server.requests.map(({ path, query }) => `${path}?${query}`) };
}

test('virtual machines and bare metal come out with exact price, size, devices and country', async () => {
  const { offers } = await collect({ plans: pages('plans', [PLAN, A100]), metal: pages('plans_metal', [METAL]) });
  const all = normalized(offers, 'vultr').map((offer) => [
    offer.id,
    offer.pricePerHour,
    offer.cpus,
    offer.memoryMiB / 1024,
    offer.diskMiB,
    offer.country,
  ]);
  const metal = 'vultr/sea/-/vbm-112c-2048gb-8-h100-gpu';
  assert.deepEqual(all, [
    ['vultr/ewr/-/vc2-1c-1gb/on-demand', 0.007, 1, 1, 25_600, 'US'],
    ['vultr/ewr/-/vcg-a100-6c-60g-40vram/on-demand/A100:80GB:1of2', 1.199, 6, 60, 716_800, 'US'],
    [`${metal}/on-demand/H100:80GB:8`, 23.92, 224, 2048, 1_831_054, 'US'],
    [`${metal}/spot/H100:80GB:8`, 18.4, 224, 2048, 1_831_054, 'US'],
  ]);
});

test('pages are read to the end, each with the cursor of the one before', async () => {
  const plan = (id: string) => ({ ...PLAN, id });
  const { offers, asked } = await collect({ plans: pages('plans', [plan('a'), plan('b')], [plan('c')], [plan('d')]) });
  assert.deepEqual(
    offers.map(({ instanceType }) => instanceType),
    ['a', 'b', 'c', 'd'],
  );
  assert.deepEqual(
    asked.filter((request) => request.startsWith('/v2/plans?')),
    ['', '&cursor=1', '&cursor=2'].map((cursor) => `/v2/plans?type=all&per_page=500${cursor}`),
  );
});

test('a list that is shorter than its total, or does not end, is no list', async () => {
  const page = (total: number, next: string) => ({
    json: { plans: [PLAN], meta: { total, links: { next, prev: '' } } },
  });
  await assert.rejects(collect({ plans: page(3, '') }), /list of plans is not whole: 1 of 3 came/);
  await assert.rejects(collect({ plans: page(3, 'again') }), /its pages do not end/);
});

test('one page that fails for good fails the list', async () => {
  const good = { json: { plans: [PLAN], meta: { total: 2, links: { next: 'two', prev: '' } } } };
  await assert.rejects(collect({ plans: [good, { status: 500 }] }), { code: 'transient', status: 500 });
});

test('preemptible prices are spot offers only where such machines can be had', async () => {
  const kinds = async (changes: Readonly<Record<string, unknown>>) =>
    (await collect({ metal: pages('plans_metal', [{ ...METAL, ...changes }]) })).offers
      .filter(({ instanceType }) => instanceType === METAL.id)
      .map(({ capacityType, pricePerHour }) => `${capacityType} ${pricePerHour}`);
  assert.deepEqual(await kinds({}), ['on-demand 23.92', 'spot 18.4']);
  assert.deepEqual(await kinds({ deploy_preemptible: false }), ['on-demand 23.92']);
  assert.deepEqual(await kinds({ deploy_ondemand: false, deploy_preemptible: true }), ['spot 18.4']);
  assert.deepEqual(await kinds({ hourly_cost_preemptible: 23.92 }), ['on-demand 23.92']);
});

test("a region's own price goes before the plan's", async () => {
  const location_cost = { ams: { hourly_cost: 0.009, hourly_cost_preemptible: 0.008, monthly_cost: 6 } };
  const { offers } = await collect({ plans: pages('plans', [{ ...PLAN, locations: ['ewr', 'ams'], location_cost }]) });
  assert.deepEqual(
    offers.map(({ region, pricePerHour, country }) => [region, pricePerHour, country]),
    [
      ['ewr', 0.007, 'US'],
      ['ams', 0.009, 'NL'],
    ],
  );
});

test('what is free or nowhere is left out, and said so', async () => {
  const free = { ...PLAN, id: 'vc2-1c-0.5gb-free', hourly_cost: 0, hourly_cost_preemptible: 0 };
  const nowhere = { ...PLAN, id: 'vcg-mi325x-252c-2872g-1536vram', locations: [''] };
  const { skipped } = await collect({ plans: pages('plans', [PLAN, free, nowhere]) });
  assert.deepEqual(skipped, [
    `${free.id}: it has no price at which it can be had`,
    `${nowhere.id}: no region has it at present`,
  ]);
});

test('a 429 and a time-out are waited out', async () => {
  const { offers, pauses } = await collect({
    plans: [tooMany('2'), { headAfterMs: Infinity }, pages('plans', [PLAN])],
  });
  assert.deepEqual([offers.length, pauses[0]], [1, 2_000]);
});

test('a field that changed is named; a web page and an empty list are errors', async () => {
  const changed = pages('plans', [PLAN, { ...PLAN, hourly_cost: '0.007' }]);
  await assert.rejects(collect({ plans: changed }), /`plans\.1\.hourly_cost`/);
  await assert.rejects(collect({ metal: { json: { plans: [], meta: {} } } }), /`plans_metal`/);
  await assert.rejects(collect({ plans: webPage() }), /a web page that is no JSON/);
  await assert.rejects(collect({ plans: pages('plans', []) }), /Vultr listed no offers/);
});

test('a list with what Vultr is known for is published, shares of a device included', async () => {
  const { catalog } = vultr;
  assert.ok(catalog.kind === 'offline' && catalog.collect === collectVultr);
  const locations = ['ewr', 'ord', 'lax', 'ams', 'fra', 'lhr'];
  const gpu = (id: string, gpu_type: string, gpu_vram_gb: number, gpu_count: string | number, hourly_cost: number) => {
    return { ...A100, id, gpu_type, gpu_vram_gb, gpu_count, hourly_cost };
  };
  const plans = [
    { ...PLAN, locations },
    { ...PLAN, id: 'vc2-2c-4gb', ram: 4096, hourly_cost: 0.03 },
    A100,
    gpu('vcg-a16-2c-8g-2vram', 'NVIDIA_A16', 2, '1/8', 0.059),
    gpu('vcg-a40-1c-5g-2vram', 'NVIDIA_A40', 2, '1/24', 0.075),
    gpu('vcg-a100-1c-6g-4vram', 'NVIDIA_A100', 4, '1/20', 0.123),
    gpu('vcg-l40s-16c-180g-48vram', 'NVIDIA_L40S', 48, 1, 1.671),
  ];
  const { offers } = await collect({ plans: pages('plans', plans), metal: pages('plans_metal', [METAL]) });
  assert.deepEqual(judged(offers, 'vultr', catalog.rules), { keptOut: [], blocked: null });
  const poor = judged((await collect({})).offers, 'vultr', catalog.rules);
  assert.match(poor.blocked ?? '', /accelerators .* A16.*; regions .* ord.*; instance types .* vc2-2c-4gb/);
});
