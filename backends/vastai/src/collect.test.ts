import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Harvest, harvest, judged, normalized } from '@berth/catalog/testing/harvest';
import { type Answer, type ReplayRequest, replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import type { Ask } from './ask.ts';
import { collectVastAi } from './collect.ts';
import vastai from './index.ts';

const ROUTE = 'POST /api/v0/bundles/';

/** An eighth of a host with eight of them. */
const ASK = {
  id: 5_006_600,
  machine_id: 2555,
  gpu_name: 'RTX 4090',
  num_gpus: 1,
  gpu_ram: 24_564,
  gpu_arch: 'nvidia',
  compute_cap: 890,
  cpu_arch: 'amd64',
  cpu_cores: 128,
  cpu_cores_effective: 16,
  cpu_ram: 515_660,
  disk_space: 412.5,
  storage_cost: 0.15,
  dph_base: 0.4,
  min_bid: 0.2,
  geolocation: 'Texas, US',
  hosting_type: 1,
  verification: 'verified',
  cuda_max_good: 12.8,
  direct_port_count: 40,
  reliability2: 0.998,
} satisfies Ask;

const ask = (changes: Readonly<Record<string, unknown>> = {}) => ({ ...ASK, ...changes });

interface Body {
  readonly machine_id: { readonly gte?: number; readonly gt?: number };
  readonly limit: number;
}

/** As the API searches: filter, order, and never more than `most` at once, whatever is asked for. */
function market(asks: readonly { readonly id: number; readonly machine_id: number }[], most = 1000): Answer {
  return ({ body }: ReplayRequest) => {
    const { machine_id: bound, limit } = JSON.parse(body) as Body;
    const fits = asks.filter(({ machine_id }) => machine_id >= (bound.gte ?? 0) && machine_id > (bound.gt ?? -1));
    const sorted = fits.toSorted((one, other) => one.machine_id - other.machine_id || one.id - other.id);
    return { json: { offers: sorted.slice(0, Math.min(limit, most)) } };
  };
}

async function collect(...answers: readonly [Answer, ...Answer[]]): Promise<Harvest & { readonly bodies: unknown[] }> {
  await using server = await replayServer();
  server.on(ROUTE, ...answers);
  const origins = server.instead('https://console.vast.ai');
  const gathered = await harvest(collectVastAi, { origins, credentials: null, timeoutMs: 500 });
  return { ...gathered, bodies: server.requests.map(({ body }) => JSON.parse(body) as unknown) };
}

test('a slice costs its base price and its disk, and has its share of the host', async () => {
  const { offers } = await collect(market([ASK]));
  const [onDemand, spot, ...others] = normalized(offers, 'vastai');
  assert.equal(others.length, 0);
  assert.equal(onDemand?.id, 'vastai/us-texas/-/5006600/on-demand/RTX4090:24GB:1');
  // 100 GB at $0.15 for a month of 720 hours.
  assert.equal(onDemand?.pricePerHour.toFixed(6), (0.4 + 15 / 720).toFixed(6));
  assert.deepEqual([onDemand?.cpus, onDemand?.memoryMiB, onDemand?.diskMiB], [16, 64_457, 95_367]);
  assert.deepEqual([onDemand?.country, onDemand?.availability, onDemand?.flags], ['US', 'available', []]);
  assert.equal(onDemand?.providerData?.['compute_cap'], 890);
  assert.equal(spot?.id, 'vastai/us-texas/-/5006600/spot/RTX4090:24GB:1');
  assert.equal(spot?.pricePerHour.toFixed(6), (0.2 + 15 / 720).toFixed(6));
  assert.equal(spot?.providerData?.['min_bid'], 0.2);
});

test('pages are read until nothing is left, however few of them come at once', async () => {
  // Machines with one to seven slices each, so that pages end in the middle of machines.
  const asks = Array.from({ length: 200 }, (_, id) => ask({ id, machine_id: Math.floor(Math.sqrt(id) * 3) }));
  for (const most of [1000, 64, 10]) {
    const { offers } = await collect(market(asks, most));
    const ids = offers
      .filter(({ capacityType }) => capacityType === 'spot')
      .map(({ instanceType }) => Number(instanceType));
    assert.equal(ids.length, 200, `${most} at once`);
    assert.equal(new Set(ids).size, 200, `${most} at once: none comes twice`);
  }
});

test('limit and order are sent, and no bound on whole hosts that would hide slices that fit', async () => {
  const { bodies } = await collect(market([ASK]));
  assert.deepEqual(
    bodies,
    [{ gte: 0 }, { gte: 2555 }, { gt: 2555 }].map((machine_id) => ({
      type: 'on-demand',
      rentable: { eq: true },
      rented: { eq: false },
      machine_id,
      order: [
        ['machine_id', 'asc'],
        ['id', 'asc'],
      ],
      limit: 1000,
    })),
  );
});

test('an answer that is not in order is refused: it would lose machines between pages', async () => {
  const json = { offers: [ask({ id: 1, machine_id: 9 }), ask({ id: 2, machine_id: 3 })] };
  await assert.rejects(collect({ json }), /not in the order that was asked for/);
});

test('every name of a device comes in, also those that the registry does not know', async () => {
  const names = ['B200', 'RTX PRO 6000 WS', 'RTX 4080S', 'RTX 4070S Ti', 'L40S', 'CMP 50HX'];
  const { offers } = await collect(
    market(names.map((gpu_name, id) => ask({ id, gpu_name, gpu_ram: null, min_bid: null }))),
  );
  assert.deepEqual(
    normalized(offers, 'vastai').map(({ accelerator }) => `${accelerator?.name}${accelerator?.known ? '' : '?'}`),
    ['B200', 'RTXPRO6000', 'RTX4080SUPER', 'RTX4070TiSUPER', 'L40S', 'CMP 50HX?'],
  );
});

test("AMD's devices are AMD's", async () => {
  const amd = { gpu_arch: 'amd', min_bid: null };
  const asks = [
    ask({ ...amd, id: 1, gpu_name: 'MI300X', gpu_ram: 196_592 }),
    ask({ ...amd, id: 2, gpu_name: 'Radeon ZZ' }),
  ];
  const devices = normalized((await collect(market(asks))).offers, 'vastai').map(({ accelerator }) => accelerator);
  assert.deepEqual(
    devices.map((device) => [device?.name, device?.vendor, device?.memoryMiB]),
    [
      ['MI300X', 'amd', 196_608],
      ['Radeon ZZ', 'amd', 24_564],
    ],
  );
});

test('a host without a place is in the region `unknown`', async () => {
  const { offers } = await collect(market([ask({ geolocation: null })]));
  assert.deepEqual([offers[0]?.region, offers[0]?.country], ['unknown', null]);
});

test('hosts of the community and unverified ones are marked', async () => {
  const asks = [ask({ id: 1, hosting_type: 0 }), ask({ id: 2, hosting_type: null, verification: 'unverified' })];
  const { offers } = await collect(market(asks));
  assert.deepEqual(
    offers.filter(({ capacityType }) => capacityType === 'spot').map(({ flags }) => flags),
    [['vastai-community'], ['vastai-community', 'vastai-unverified']],
  );
});

test('a slice that cannot be read is said; too many of them are an error', async () => {
  const good = Array.from({ length: 19 }, (_, id) => ask({ id }));
  const { skipped } = await collect(market([...good, ask({ id: 99, cpu_cores: null })]));
  assert.deepEqual(skipped, ['offer 99 of machine 2555: its CPUs or memory are not told']);
  const broken = [ask({ id: 97, dph_base: 0 }), ask({ id: 98, gpu_name: null }), ask({ id: 99, disk_space: 0.4 })];
  await assert.rejects(collect(market([...good, ...broken])), /not whole: 3 of 22 offers cannot be read/);
});

test('one page that fails for good fails the list; a 429 and a time-out are waited out', async () => {
  await assert.rejects(collect(market([ASK]), { status: 500 }), { code: 'transient', status: 500 });
  const { offers, pauses } = await collect(tooMany('3'), { headAfterMs: Infinity }, market([ASK]));
  assert.deepEqual([offers.length, pauses[0]], [2, 3_000]);
});

test('a field that changed is named; a web page and an empty market are errors', async () => {
  await assert.rejects(collect({ json: { offers: [ASK, ask({ dph_base: '0.4' })] } }), /`offers\.1\.dph_base`/);
  await assert.rejects(collect({ json: { asks: [] } }), /`offers`/);
  await assert.rejects(collect(webPage()), /a web page that is no JSON/);
  await assert.rejects(collect({ json: { offers: [] } }), /Vast\.ai listed no offers/);
});

test('its rules keep out none of what hosts ask for, only bids that stand for no price', async () => {
  const { catalog } = vastai;
  assert.ok(catalog.kind === 'online' && catalog.collect === collectVastAi);
  const asks = Array.from({ length: 30 }, (_, index) =>
    ask({ id: index + 1, machine_id: index + 1, gpu_name: index % 2 === 0 ? 'RTX 4090' : 'RTX 3090' }),
  );
  // A host may want more for an hour that can end than for one that cannot.
  const dearBid = ask({ id: 40, machine_id: 40, min_bid: 0.9 });
  const { offers } = await collect(market([...asks, dearBid]));
  assert.deepEqual(judged(offers, 'vastai', catalog.rules), { keptOut: [], blocked: null });

  const floor = ask({ id: 50, machine_id: 50, gpu_name: 'B200', gpu_ram: 183_359, min_bid: 0.001, storage_cost: 0.01 });
  const { keptOut } = judged((await collect(market([floor]))).offers, 'vastai', catalog.rules);
  assert.deepEqual(
    keptOut.map((entry) => entry.split(': ')[0]),
    ['vastai/us-texas/-/50/spot/B200:180GB:1'],
  );
});
