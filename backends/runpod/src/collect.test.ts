import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Harvest, harvest, judged, normalized } from '@berth/catalog/testing/harvest';
import { type Answer, type ReplayRequest, replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { collectRunPod } from './collect.ts';
import { type FakeCloud, fakeGraphql, lookupsIn } from './fake-graphql.fixture.ts';
import runpod from './index.ts';

const H100 = {
  id: 'NVIDIA H100 80GB HBM3',
  displayName: 'H100 SXM',
  manufacturer: 'Nvidia',
  memoryInGb: 80,
  maxGpuCount: 2,
  securePrice: 2.69,
  communityPrice: 2.25,
};
const RTX4090 = {
  ...H100,
  id: 'NVIDIA GeForce RTX 4090',
  displayName: 'RTX 4090',
  memoryInGb: 24,
  securePrice: 0.69,
  communityPrice: 0.34,
};
const CLOUD: FakeCloud = {
  countryCodes: ['SE', null],
  dataCenters: [
    { id: 'US-KS-2', listed: true },
    { id: 'EU-RO-1', listed: true },
    { id: 'EU-XX-1', listed: false },
  ],
  gpuTypes: [H100, RTX4090],
  stock: () => null,
};

/** Twenty data centres with one size: each place's CPUs are its number, so that a shifted answer shows. */
const MANY = Array.from({ length: 20 }, (_, index) => ({ id: `US-DC-${index + 1}`, listed: true }));
const numbered: FakeCloud = {
  ...CLOUD,
  countryCodes: [],
  dataCenters: MANY,
  gpuTypes: [{ ...H100, maxGpuCount: 1 }],
  stock: (_, { dataCenterId }) => {
    const number = Number(String(dataCenterId).split('-')[2]);
    return { stockStatus: 'High', minVcpu: number, minMemory: number * 10 };
  },
};

async function collect(
  ...answers: readonly [Answer, ...Answer[]]
): Promise<Harvest & { readonly asked: readonly ReplayRequest[] }> {
  await using server = await replayServer();
  server.on('POST /graphql', ...answers);
  const origins = server.instead('https://api.runpod.io');
  const gathered = await harvest(collectRunPod, { origins, credentials: null, timeoutMs: 1000 });
  return { ...gathered, asked: [...server.requests] };
}

test('a pod costs its devices, by the price of its cloud, where there is stock', async () => {
  const { offers } = await collect(
    fakeGraphql({
      ...CLOUD,
      stock: (id, { dataCenterId, countryCode, gpuCount, secureCloud }) => {
        const count = Number(gpuCount);
        if (id === H100.id && dataCenterId === 'EU-RO-1' && secureCloud === true) {
          return { stockStatus: count === 1 ? 'High' : 'Out of Stock', minVcpu: 16 * count, minMemory: 188 * count };
        }
        return id === RTX4090.id && countryCode === 'SE' && secureCloud === false && count === 2
          ? { stockStatus: 'Low', minVcpu: 12, minMemory: 60 }
          : null;
      },
    }),
  );
  const all = normalized(offers, 'runpod').map((offer) => [
    offer.id,
    offer.pricePerHour,
    offer.cpus,
    offer.memoryMiB / 1024,
    offer.country,
    offer.availability,
  ]);
  assert.deepEqual(all, [
    ['runpod/EU-RO-1/-/NVIDIA H100 80GB HBM3/on-demand/H100:80GB:1', 2.69, 16, 188, 'RO', 'available'],
    ['runpod/EU-RO-1/-/NVIDIA H100 80GB HBM3/on-demand/H100:80GB:2', 5.38, 32, 376, 'RO', 'not-available'],
    ['runpod/SE/-/NVIDIA GeForce RTX 4090/on-demand/RTX4090:24GB:2/runpod-community', 0.68, 12, 60, 'SE', 'available'],
  ]);
});

test('a failed request never shifts prices to another region', async () => {
  const refuses = ({ dataCenterId }: Readonly<Record<string, unknown>>) =>
    dataCenterId === 'US-DC-7' ? 'Something went wrong.' : null;
  const { offers, skipped } = await collect(fakeGraphql({ ...numbered, refuses }));
  assert.deepEqual(
    offers.map(({ region, cpus, memoryMiB }) => [region, cpus, memoryMiB / 1024]),
    MANY.map(({ id }, index) => [id, index + 1, (index + 1) * 10]).filter(([id]) => id !== 'US-DC-7'),
  );
  assert.deepEqual(skipped, ["1 GPUs in US-DC-7: RunPod's API: Something went wrong."]);
});

test('a list with more than a tenth missing is not whole', async () => {
  const refuses = ({ dataCenterId }: Readonly<Record<string, unknown>>) =>
    /-[789]$/.test(String(dataCenterId)) ? 'Something went wrong.' : null;
  const collecting = collect(fakeGraphql({ ...numbered, refuses }));
  await assert.rejects(collecting, /not whole: 3 of 20 lookups failed, the last with: .*Something went wrong/);
});

test('a place that an answer leaves out is an error, not a place without stock', async () => {
  const fake = fakeGraphql(numbered);
  const without = async (request: ReplayRequest) => {
    const reply = typeof fake === 'function' ? await fake(request) : fake;
    const text = JSON.stringify(reply.json).replace(/"at3":\{[^}]*\},/, '');
    return { json: JSON.parse(text) as unknown };
  };
  await assert.rejects(collect(without), /`data\.rows\.0\.at3`/);
});

test('hundreds of places are asked about in few requests', async () => {
  const cloud = { ...numbered, gpuTypes: [{ ...H100, maxGpuCount: 8 }] };
  const { offers, asked } = await collect(fakeGraphql(cloud));
  assert.equal(offers.length, 160);
  // The overview, 160 prices by 24, the clusters.
  assert.equal(asked.length, 1 + 7 + 1);
  assert.equal(Math.max(...asked.map((request) => lookupsIn(request).length)), 24);
});

test('B300, T4, GB200 and names that nobody has seen keep their own name', async () => {
  const named = (id: string, displayName: string | null) => ({
    ...H100,
    id,
    displayName,
    memoryInGb: null,
    maxGpuCount: 1,
  });
  const gpuTypes = [
    named('NVIDIA B300 SXM6 AC', 'B300'),
    named('Tesla T4', 'T4'),
    named('NVIDIA GB200', null),
    named('NVIDIA RTX PRO 6000 Blackwell Workstation Edition', 'RTX PRO 6000 WK'),
    { ...named('AMD Instinct MI300X OAM', 'MI300X'), manufacturer: 'AMD' },
    named('Zeta Z1', 'Z1'),
  ];
  const stock = (_: string, { dataCenterId }: Readonly<Record<string, unknown>>) =>
    dataCenterId === 'EU-RO-1' ? { stockStatus: 'High', minVcpu: 8, minMemory: 64 } : null;
  const { offers } = await collect(fakeGraphql({ ...CLOUD, gpuTypes, stock }));
  assert.deepEqual(
    normalized(offers, 'runpod').map(({ accelerator }) => [accelerator?.name, accelerator?.vendor, accelerator?.known]),
    [
      ['B300', 'nvidia', true],
      ['T4', 'nvidia', true],
      ['GB200', 'nvidia', true],
      ['RTXPRO6000', 'nvidia', true],
      ['MI300X', 'amd', true],
      ['Zeta Z1', 'nvidia', false],
    ],
  );
  assert.deepEqual(
    offers.map(({ instanceType }) => instanceType),
    gpuTypes.map(({ id }) => id),
  );
});

test('CPUs that are not told, and a price that is none, leave out one offer and say so', async () => {
  const gpuTypes = [
    { ...H100, maxGpuCount: 1 },
    { ...RTX4090, maxGpuCount: 1, securePrice: null },
  ];
  const stock = (id: string, { dataCenterId }: Readonly<Record<string, unknown>>) => {
    const minVcpu = id === H100.id && dataCenterId === 'US-KS-2' ? null : 8;
    return dataCenterId === undefined ? null : { stockStatus: 'High', minVcpu, minMemory: 64 };
  };
  const { offers, skipped } = await collect(fakeGraphql({ ...CLOUD, gpuTypes, stock }));
  assert.deepEqual(
    offers.map(({ instanceType, region }) => [instanceType, region]),
    [[H100.id, 'EU-RO-1']],
  );
  assert.deepEqual(skipped, [
    `1 × ${H100.id} in US-KS-2: its CPUs or memory are not told`,
    `1 × ${RTX4090.id} in US-KS-2: it has no price in the secure cloud`,
    `1 × ${RTX4090.id} in EU-RO-1: it has no price in the secure cloud`,
  ]);
});

test('clusters are whole machines with a mark and the numbers of pods that they may have', async () => {
  const lowestPrice = { stockStatus: null, minVcpu: 160, minMemory: 1504 };
  const cluster = {
    ...H100,
    maxGpuCount: 8,
    clusterPrice: 3.58,
    nodeGroupDatacenters: [{ id: 'US-KS-2' }],
    lowestPrice,
  };
  const untold = { ...cluster, id: 'NVIDIA B200', lowestPrice: { ...lowestPrice, minVcpu: null } };
  const { offers, skipped } = await collect(fakeGraphql({ ...numbered, clusters: [cluster, untold] }));
  const [offer, ...others] = normalized(offers, 'runpod').filter(({ flags }) => flags.includes('runpod-cluster'));
  assert.equal(others.length, 0);
  assert.equal(offer?.id, 'runpod/US-KS-2/-/NVIDIA H100 80GB HBM3/on-demand/H100:80GB:8/runpod-cluster');
  assert.deepEqual([offer?.pricePerHour, offer?.cpus, offer?.availability], [28.64, 160, 'unknown']);
  assert.deepEqual(offer?.providerData, { pod_counts: [2, 3, 4, 5, 6, 7, 8] });
  assert.deepEqual(skipped, ['clusters of NVIDIA B200: their price, size, CPUs or memory are not told']);
});

test('CPU flavours come in sizes that double, each at its share of the price', async () => {
  const flavor = { id: 'cpu3c', minVcpu: 2, maxVcpu: 12, ramMultiplier: 2, diskLimitPerVcpu: 10 };
  const cloud = { ...numbered, cpuFlavors: [flavor, { ...flavor, id: 'cpu9z', minVcpu: null }] };
  const stock: FakeCloud['stock'] = (id, input) =>
    id.startsWith('cpu')
      ? { stockStatus: input['dataCenterId'] === 'US-DC-1' ? 'Medium' : null, securePrice: 0.06 }
      : numbered.stock(id, input);
  const { offers, skipped } = await collect(fakeGraphql({ ...cloud, stock }));
  const sizes = normalized(offers, 'runpod').filter(({ flags }) => flags.includes('runpod-cpu'));
  assert.deepEqual(
    sizes.map(({ id, pricePerHour, memoryMiB, diskMiB }) => [id, pricePerHour.toFixed(2), memoryMiB, diskMiB]),
    [
      ['runpod/US-DC-1/-/cpu3c-2-4/on-demand/runpod-cpu', '0.06', 4_096, 20_480],
      ['runpod/US-DC-1/-/cpu3c-4-8/on-demand/runpod-cpu', '0.12', 8_192, 40_960],
      ['runpod/US-DC-1/-/cpu3c-8-16/on-demand/runpod-cpu', '0.24', 16_384, 81_920],
      ['runpod/US-DC-1/-/cpu3c-12-24/on-demand/runpod-cpu', '0.36', 24_576, 122_880],
    ],
  );
  assert.deepEqual(skipped, ['cpu9z in US-DC-1: its sizes are not told']);
});

test('a 429, a refusal and a time-out are waited out, since every request only reads', async () => {
  const { offers, pauses } = await collect(
    tooMany('5'),
    { status: 502 },
    { headAfterMs: Infinity },
    fakeGraphql(numbered),
  );
  assert.deepEqual([offers.length, pauses[0]], [20, 5_000]);
});

test('a cloud that is down is given up soon, not asked for every place', async () => {
  const fake = fakeGraphql(numbered);
  const down = (request: ReplayRequest) =>
    request.before === 0 && typeof fake === 'function' ? fake(request) : { status: 503 };
  await using server = await replayServer();
  server.on('POST /graphql', down);
  const origins = server.instead('https://api.runpod.io');
  await assert.rejects(harvest(collectRunPod, { origins, credentials: null }), /lookups failed, the last with: .*503/);
  assert.ok(server.requests.length < 60, `${server.requests.length} requests`);
});

test('a field that changed is named; a web page, no rights and no stock at all are errors', async () => {
  const changed = fakeGraphql({ ...CLOUD, gpuTypes: [H100, { ...RTX4090, securePrice: '0.69' }] });
  await assert.rejects(collect(changed), /`data\.gpuTypes\.1\.securePrice`/);
  const renamed = fakeGraphql({
    ...numbered,
    stock: () => ({ stockStatus: 'High', minVcpu: 'many' as unknown as number }),
  });
  await assert.rejects(collect(renamed), /`data\.rows\.0\.at0\.minVcpu`/);
  await assert.rejects(collect(webPage()), /a web page that is no JSON/);
  await assert.rejects(collect({ status: 403 }), { code: 'auth' });
  await assert.rejects(
    collect({ json: { errors: [{ message: 'Cannot query field "gpuTypes"' }] } }),
    /Cannot query field/,
  );
  await assert.rejects(collect(fakeGraphql(CLOUD)), /RunPod listed no offers with GPUs/);
});

test('a list with what RunPod is known for is published, and one without is not', async () => {
  const { catalog } = runpod;
  assert.ok(catalog.kind === 'offline' && catalog.collect === collectRunPod);
  const types: readonly (readonly [displayName: string, memoryInGb: number])[] = [
    ['RTX 3090', 24],
    ['RTX 4090', 24],
    ['A40', 48],
    ['A100 SXM', 80],
    ['H100 NVL', 94],
    ['H100 PCIe', 80],
    ['B200', 180],
  ];
  const cloud = {
    ...CLOUD,
    dataCenters: ['US-KS-2', 'EU-RO-1', 'CA-MTL-1'].map((id) => ({ id, listed: true })),
    gpuTypes: types.map(([displayName, memoryInGb]) => ({ ...H100, id: displayName, displayName, memoryInGb })),
    stock: () => ({ stockStatus: 'High', minVcpu: 8, minMemory: 64 }),
  };
  const { offers } = await collect(fakeGraphql(cloud));
  assert.deepEqual(judged(offers, 'runpod', catalog.rules), { keptOut: [], blocked: null });
  // More than half of the stock is gone by the next hour: that is RunPod, and no broken list.
  const busy = offers.filter((_, index) => index % 5 < 2);
  assert.equal(judged(busy, 'runpod', catalog.rules, offers).blocked, null);
  const one = await collect(fakeGraphql({ ...cloud, dataCenters: [{ id: 'US-KS-2', listed: true }] }));
  assert.match(judged(one.offers, 'runpod', catalog.rules).blocked ?? '', /CA-MTL-1/);
});
