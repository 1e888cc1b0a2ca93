import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { normalizeOffer } from '@berth/catalog/normalize';
import { replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { COMPUTE_SKUS, collected, playGoogle, ROUTES } from './google.fixture.ts';

await using google = playGoogle(await replayServer());
const { offers, skipped } = await collected(google);

function offersOf(instanceType: string, zone = 'us-central1-a'): readonly CollectedOffer[] {
  return offers.filter((offer) => offer.instanceType === instanceType && offer.zone === zone);
}

/** Terms and price per hour, to a millionth. */
function prices(instanceType: string, zone?: string): Record<string, number> {
  return Object.fromEntries(
    offersOf(instanceType, zone).map(({ capacityType, flags, accelerator, pricePerHour }) => {
      const gpu = accelerator == null ? [] : [`${accelerator.count}x${accelerator.label}`];
      return [[capacityType, ...gpu, ...(flags ?? [])].join(' '), Number(pricePerHour.toFixed(6))];
    }),
  );
}

function close(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);
}

test('pages are read to their end, of both price lists and of the machine types', () => {
  assert.equal(google.asked(ROUTES.computeSkus).length, 2);
  assert.equal(google.asked(ROUTES.machineTypes).length, 2);
  assert.equal(google.asked(ROUTES.computeSkus)[1]?.query.get('pageToken'), 'more');
  // TPU v5e is sold by Compute Engine, on its second page; v2 by Cloud TPU.
  assert.ok(offersOf('v5litepod-1').length > 0);
  assert.ok(offersOf('v2-8').length > 0);
});

test('one token serves all requests, and none of them shows it in its address', () => {
  assert.equal(google.asked(ROUTES.token).length, 1);
  for (const { headers, query, path } of google.requests.filter(({ method }) => method === 'GET')) {
    assert.equal(headers.authorization, 'Bearer ya29.secret');
    assert.doesNotMatch(`${path}?${query}`, /ya29/);
  }
});

test('machines of a shared core cost the share that they are given', () => {
  close(prices('e2-micro')['on-demand'], 0.25 * 0.02181159 + 1 * 0.00292353);
  close(prices('e2-small')['on-demand'], 0.5 * 0.02181159 + 2 * 0.00292353);
  close(prices('e2-medium')['on-demand'], 1 * 0.02181159 + 4 * 0.00292353);
  close(prices('e2-standard-4')['on-demand'], 4 * 0.02181159 + 16 * 0.00292353);
  assert.deepEqual(prices('f1-micro'), { 'on-demand': 0.0076 });
  assert.deepEqual(
    offersOf('e2-micro').map(({ cpus, providerData }) => [cpus, providerData?.['guestCpus']]),
    [
      [0.25, 2],
      [0.25, 2],
    ],
  );
});

test('each N1 machine is sold without a GPU and with every number that it may have', () => {
  assert.deepEqual(Object.keys(prices('n1-standard-4')), [
    'on-demand',
    'on-demand 1xnvidia-tesla-t4',
    'on-demand 2xnvidia-tesla-t4',
    'on-demand 4xnvidia-tesla-t4',
    'on-demand 1xnvidia-tesla-v100',
    'on-demand 2xnvidia-tesla-v100',
    'on-demand 4xnvidia-tesla-v100',
    'on-demand 8xnvidia-tesla-v100',
  ]);
  const alone = 4 * 0.031611 + 15 * 0.004237;
  close(prices('n1-standard-4')['on-demand 2xnvidia-tesla-t4'], alone + 2 * 0.35);
  // 16 CPUs and 104 GB are too much for one V100.
  assert.equal(prices('n1-highmem-16')['on-demand 1xnvidia-tesla-v100'], undefined);
});

test('offers of one machine type with another number of GPUs have another id', () => {
  const ids = offers.map((offer) => {
    const result = normalizeOffer(offer, { backend: 'gcp', source: 'gcp', collectedAt: 0 });
    assert.ok(result.ok);
    assert.equal(result.unmapped, null);
    return result.offer.id;
  });
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.includes('gcp/us-central1/us-central1-a/n1-standard-4/on-demand/T4:16GB:2'));
});

test('machines with GPUs of their own cost their CPUs, memory, GPUs and disks', () => {
  close(prices('a2-highgpu-1g')['on-demand 1xnvidia-tesla-a100'], 12 * 0.031611 + 85 * 0.004237 + 2.93391);
  close(
    prices('a2-ultragpu-1g')['on-demand 1xnvidia-a100-80gb'],
    12 * 0.031611 + 170 * 0.004237 + 3.93 + (375 * 0.08) / 730,
  );
  close(
    prices('a3-highgpu-8g')['on-demand 8xnvidia-h100-80gb'],
    208 * 0.029 + 1872 * 0.0025 + 8 * 9.796550569 + (6000 * 0.08) / 730,
  );
  // The API tells of no disks; the documentation does.
  close(
    prices('a3-megagpu-8g')['on-demand 8xnvidia-h100-mega-80gb'],
    208 * 0.03 + 1872 * 0.0026 + 8 * 10.2 + (6000 * 0.08) / 730,
  );
  // With the rates of us-central1 in the middle of 2026.
  close(prices('g4-standard-48')['on-demand 1xnvidia-rtx-pro-6000'], 4.49993);
  assert.equal(offersOf('a3-highgpu-8g')[0]?.diskMiB, 6000 * 1024);
});

test('H200, B200 and GB200 are there; what only a reservation gets is reserved', () => {
  close(
    prices('a3-ultragpu-8g')['reserved 8xnvidia-h200-141gb gcp-reservation'],
    224 * 0.031 + 2952 * 0.0027 + 8 * 9.31174 + (12000 * 0.08) / 730,
  );
  assert.deepEqual(prices('a4-highgpu-8g'), {
    'reserved 8xnvidia-b200 gcp-reservation': 128.88,
    'spot 8xnvidia-b200': 39.6336,
    'reserved 8xnvidia-b200 gcp-dws-calendar-mode': 90.216,
  });
  assert.deepEqual(prices('a4x-highgpu-4g'), { 'reserved 4xnvidia-gb200 gcp-reservation': 72 });
  assert.equal(offersOf('a4-highgpu-8g')[0]?.interconnect, 'RoCE');
  assert.equal(offersOf('a2-highgpu-1g')[0]?.interconnect, null);
});

test('a part of an H100 machine is not sold on demand, but as spot and by flex-start', () => {
  assert.deepEqual(Object.keys(prices('a3-highgpu-1g')), [
    'spot 1xnvidia-h100-80gb',
    // Disks have no price by flex-start here.
  ]);
  assert.ok(
    skipped.includes('a3-highgpu-1g with 1 nvidia-h100-80gb, flex-start, in us-central1: no price for local SSDs'),
  );
});

test('a part of a G4 machine has a part of its GPU, at the price of so many eighths', () => {
  assert.deepEqual(prices('g4-standard-12'), {
    'on-demand 0.25xnvidia-rtx-pro-6000': 1.29376,
    'reserved 0.25xnvidia-rtx-pro-6000 gcp-dws-flex-start': 0.64688,
  });
});

test('M2 costs its premium on top', () => {
  close(prices('m2-ultramem-208')['on-demand'], 208 * (0.0348 + 0.0086) + 5888 * (0.0051 + 0.0012));
});

test('Arm families are Arm, with disks at the price of their family', () => {
  assert.equal(offersOf('c4a-standard-4-lssd')[0]?.cpuArch, 'arm');
  close(prices('c4a-standard-4-lssd')['on-demand'], 4 * 0.0313 + 16 * 0.0036 + (375 * 0.073) / 730);
  // Without a word of the API.
  assert.equal(offersOf('n4a-standard-4')[0]?.cpuArch, 'arm');
  assert.equal(offersOf('a4x-highgpu-4g')[0]?.cpuArch, 'arm');
  assert.equal(offersOf('e2-standard-4')[0]?.cpuArch, 'x86');
});

test('a region without a price for local disks costs that machine, not the catalog', () => {
  assert.deepEqual(Object.keys(prices('a2-highgpu-1g', 'asia-southeast1-b')), ['on-demand 1xnvidia-tesla-a100']);
  assert.deepEqual(offersOf('a2-ultragpu-1g', 'asia-southeast1-b'), []);
  assert.ok(
    skipped.includes('a2-ultragpu-1g with 1 nvidia-a100-80gb, on-demand, in asia-southeast1: no price for local SSDs'),
  );
});

test('the region of a zone is what the API says, not its name without the last letters', () => {
  assert.deepEqual(
    new Set(offersOf('e2-standard-4', 'us-central1-ai1a').map(({ region }) => region)),
    new Set(['us-central1']),
  );
});

test('europe-west1 and europe-west10 have their own prices', () => {
  close(prices('e2-standard-4', 'europe-west1-b')['on-demand'], 4 * 0.024 + 16 * 0.003);
  close(prices('e2-standard-4', 'europe-west10-a')['on-demand'], 4 * 0.05 + 16 * 0.006);
  assert.deepEqual(
    ['europe-west1-b', 'europe-west10-a'].map((zone) => offersOf('e2-standard-4', zone)[0]?.country),
    ['BE', 'DE'],
  );
});

test('a TPU costs its chips; slices of several hosts are there, at the price of pods where there is one', () => {
  assert.deepEqual(prices('v5litepod-1'), { 'on-demand 1xv5litepod': 1.2, 'spot 1xv5litepod': 0.48 });
  assert.deepEqual(prices('v5litepod-16'), {
    'on-demand 16xv5litepod gcp-tpu-multi-host': 19.2,
    'spot 16xv5litepod gcp-tpu-multi-host': 7.68,
  });
  assert.deepEqual(prices('v2-8'), { 'on-demand 4xv2': 4.5, 'spot 4xv2': 1.35 });
  assert.deepEqual(prices('v2-32'), { 'on-demand 16xv2 gcp-tpu-multi-host': 24 });
  assert.deepEqual(prices('v4-16', 'us-central2-b'), { 'on-demand 8xv4 gcp-tpu-multi-host': 25.76 });
  assert.deepEqual(prices('ct6e-standard-4t'), { 'on-demand 4xv6e gcp-tpu-machine': 10.8 });
});

test('a TPU has the memory of all its chips, and the CPUs of all its hosts', () => {
  for (const [type, id, gib, cpus, memoryGiB] of [
    ['v5p-8', 'gcp/us-central1/us-central1-a/v5p-8/on-demand/v5p:95GB:4', 4 * 95, 208, 448],
    [
      'v5litepod-16',
      'gcp/us-central1/us-central1-a/v5litepod-16/on-demand/v5litepod:16GB:16/gcp-tpu-multi-host',
      256,
      448,
      768,
    ],
    [
      'v6e-256',
      'gcp/us-central1/us-central1-a/v6e-256/on-demand/v6e:32GB:256/gcp-tpu-multi-host',
      8192,
      64 * 180,
      64 * 720,
    ],
  ] as const) {
    const result = normalizeOffer(offersOf(type)[0] as CollectedOffer, {
      backend: 'gcp',
      source: 'gcp',
      collectedAt: 0,
    });
    assert.ok(result.ok);
    const { accelerator } = result.offer;
    assert.equal(result.offer.id, id);
    assert.equal(((accelerator?.memoryMiB ?? 0) * (accelerator?.count ?? 0)) / 1024, gib);
    assert.deepEqual([result.offer.cpus, result.offer.memoryMiB / 1024], [cpus, memoryGiB]);
  }
});

test('a TPU without a price is left out and told, not given one from elsewhere or made up', () => {
  assert.deepEqual(offersOf('v5p-8', 'europe-west1-b'), []);
  assert.ok(skipped.includes('v5p in europe-west1: its TPUs have no price there'));
  assert.ok(offers.every(({ pricePerHour }) => pricePerHour > 0 && pricePerHour < 700 * 2));
});

test('spot never costs more than on demand', () => {
  for (const spot of offers.filter(({ capacityType }) => capacityType === 'spot')) {
    const same = offers.find(
      (offer) =>
        offer.capacityType === 'on-demand' &&
        offer.instanceType === spot.instanceType &&
        offer.zone === spot.zone &&
        offer.accelerator?.count === spot.accelerator?.count,
    );
    assert.ok(same === undefined || spot.pricePerHour < same.pricePerHour, spot.instanceType);
  }
});

test('types under an old name, deprecated ones and those without a price are no offers; all but the second are told', () => {
  for (const type of ['n1-megamem-96', 'n2-standard-2']) assert.deepEqual(offersOf(type), []);
  assert.ok(skipped.includes('n1-megamem-96: it is listed under its new name'));
});

async function broken(put: (server: ReturnType<typeof playGoogle>) => void) {
  await using server = playGoogle(await replayServer());
  put(server);
  return await collected(server);
}

test('a refusal for being too fast is waited out', async () => {
  const again = await broken((server) =>
    server.on(
      ROUTES.zones,
      tooMany('2'),
      { status: 503 },
      { json: { items: [{ name: 'us-central1-a', region: 'x/us-central1' }] } },
    ),
  ).catch((error: Error) => error);
  // Four of the five zones are then unknown, which is too many: but the answer was read.
  assert.match(String(again), /zones could not be listed/);
});

test('a page that fails fails the list: half of the prices are none', async () => {
  const first = { json: { skus: COMPUTE_SKUS.slice(0, 20), nextPageToken: 'more' } };
  await assert.rejects(
    broken((server) => server.on(ROUTES.computeSkus, first, { status: 500 })),
    /answered 500/,
  );
  await assert.rejects(
    broken((server) => server.on(ROUTES.machineTypes, { cut: 'before-head' })),
    /machineTypes failed/,
  );
});

test('a page that leads to itself ends', async () => {
  const loop = { json: { skus: [], nextPageToken: 'again' } };
  await assert.rejects(
    broken((server) => server.on(ROUTES.tpuSkus, loop)),
    /same page twice/,
  );
});

test('a field of another name or type is named', async () => {
  const renamed = COMPUTE_SKUS.map(({ pricingInfo, ...rest }) => ({ ...rest, prices: pricingInfo }));
  await assert.rejects(
    broken((server) => server.on(ROUTES.computeSkus, { json: { skus: renamed } })),
    /`skus\.0\.pricingInfo`/,
  );
  const machine = { name: 'e2-micro', guestCpus: '2', memoryMb: 1024 };
  await assert.rejects(
    broken((server) =>
      server.on(ROUTES.machineTypes, { json: { items: { 'zones/us-central1-a': { machineTypes: [machine] } } } }),
    ),
    /`items\.zones\/us-central1-a\.machineTypes\.0\.guestCpus`/,
  );
});

test('an empty list is an error, not an empty success', async () => {
  await assert.rejects(
    broken((server) => server.on(ROUTES.tpuSkus, { json: { skus: [] } })),
    { code: 'no-offers' },
  );
  await assert.rejects(
    broken((server) => server.on(ROUTES.machineTypes, { json: { items: {} } })),
    { code: 'no-offers' },
  );
});

test('an account that may not is told by whom', async () => {
  const denied = { status: 403, json: { error: { message: 'Cloud TPU API has not been used in project berth-test' } } };
  await assert.rejects(
    broken((server) => server.on(ROUTES.locations, denied)),
    { code: 'auth' },
  );
  await assert.rejects(
    broken((server) => server.on(ROUTES.zones, webPage())),
    /a web page that is no JSON/,
  );
});

test('one zone without TPUs to list is told; most of them are too many', async () => {
  const denied = { status: 403 };
  const locations = Array.from({ length: 8 }, (_, index) => ({
    locationId: `z${index}`,
    labels: { 'cloud.googleapis.com/region': 'us-central1' },
  }));
  const one = await broken((server) => {
    server.on(ROUTES.locations, { json: { locations } }).on(ROUTES.slices('z0'), denied);
    for (let index = 1; index < 8; index++) server.on(ROUTES.slices(`z${index}`), { json: {} });
  });
  assert.ok(one.skipped.some((line) => line.startsWith('TPUs in z0: ') && line.includes('403')));
  await assert.rejects(
    broken((server) => {
      server.on(ROUTES.locations, { json: { locations } });
      for (let index = 0; index < 8; index++) server.on(ROUTES.slices(`z${index}`), index < 3 ? denied : { json: {} });
    }),
    /TPUs of 3 of 8 zones/,
  );
});

test('a zone that did not answer Google is told', async () => {
  const found = await broken((server) =>
    server.on(ROUTES.machineTypes, {
      json: {
        items: { 'zones/us-central1-a': { machineTypes: [{ name: 'e2-micro', guestCpus: 2, memoryMb: 1024 }] } },
        unreachables: ['projects/berth-test/zones/europe-west1-b'],
      },
    }),
  );
  assert.ok(found.skipped.some((line) => line.startsWith('europe-west1-b: ')));
});

test('a list in which most machines have lost their price is no list', async () => {
  const few = COMPUTE_SKUS.filter(({ description }) => /^(?:E2|Tpu)/.test(String(description)));
  await assert.rejects(
    broken((server) => server.on(ROUTES.computeSkus, { json: { skus: few } })),
    /machine types have no price/,
  );
});

test('a server that does not answer ends with the deadline', async () => {
  await using server = playGoogle(await replayServer());
  server.on(ROUTES.machineTypes, { headAfterMs: Infinity });
  await assert.rejects(collected(server, AbortSignal.timeout(200)), { name: 'TimeoutError' });
});
