import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { normalizeOffer } from '@berth/catalog/normalize';
import { judged } from '@berth/catalog/testing/harvest';
import { replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { collectOci, REGION_UNCONFIRMED } from './collect.ts';
import { collected, gpuShape, PRODUCTS, PRODUCTS_ROUTE, product, SHAPES, SHAPES_ROUTE } from './estimator.fixture.ts';
import oci from './index.ts';
import { REGIONS } from './regions.ts';

async function listed(shapes: readonly unknown[] = SHAPES, products: readonly unknown[] = PRODUCTS) {
  await using server = await replayServer();
  server.on(SHAPES_ROUTE, { json: { items: shapes } }).on(PRODUCTS_ROUTE, { json: { items: products } });
  return await collected(server);
}

const { offers, skipped } = await listed();

function offerOf(instanceType: string, capacityType = 'on-demand', region = 'us-ashburn-1'): CollectedOffer {
  const found = offers.filter(
    (offer) => offer.instanceType === instanceType && offer.capacityType === capacityType && offer.region === region,
  );
  assert.equal(found.length, 1, `${instanceType} ${capacityType} in ${region}`);
  return found[0] as CollectedOffer; // the assertion above
}

function normalized(instanceType: string, capacityType = 'on-demand') {
  const result = normalizeOffer(offerOf(instanceType, capacityType), {
    backend: 'oci',
    source: 'oci',
    collectedAt: 0,
  });
  assert.ok(result.ok);
  const { id, pricePerHour, cpus, memoryMiB, cpuArch, accelerator } = result.offer;
  return [
    id,
    Number(pricePerHour.toFixed(6)),
    cpus,
    memoryMiB / 1024,
    cpuArch,
    accelerator &&
      `${accelerator.vendor} ${accelerator.name} ${(accelerator.memoryMiB ?? 0) / 1024} x${accelerator.count}`,
  ];
}

const GPU = (type: string, device: string) => `oci/us-ashburn-1/-/${type}/on-demand/${device}/${REGION_UNCONFIRMED}`;

test('shapes with GPUs cost the price of a GPU times their number, whoever makes the device', () => {
  for (const [type, device, price, cpus, memory, arch, spelled] of [
    ['BM.GPU.H100.8', 'H100:80GB:8', 80, 224, 2048, 'x86', 'nvidia H100 80 x8'],
    ['BM.GPU4.8', 'A100:40GB:8', 24.4, 128, 2048, 'x86', 'nvidia A100 40 x8'],
    ['BM.GPU.A100-v2.8', 'A100:80GB:8', 32, 256, 2048, 'x86', 'nvidia A100 80 x8'],
    ['BM.GPU.MI300X.8', 'MI300X:192GB:8', 48, 224, 2048, 'x86', 'amd MI300X 192 x8'],
    ['BM.GPU.MI355X.8', 'MI355X:288GB:8', 68.8, 256, 3072, 'x86', 'amd MI355X 288 x8'],
    ['BM.GPU.B300.8', 'B300:270GB:8', 120, 256, 4096, 'x86', 'nvidia B300 270 x8'],
    ['BM.GPU.RTXPRO.8', 'RTXPRO6000:96GB:8', 36, 288, 3072, 'x86', 'nvidia RTXPRO6000 96 x8'],
    ['BM.GPU.GB200.4', 'GB200:186GB:4', 64, 144, 960, 'arm', 'nvidia GB200 186 x4'],
    ['BM.GPU.GB300.4', 'GB300:278GB:4', 72, 144, 960, 'arm', 'nvidia GB300 278 x4'],
    ['VM.GPU3.1', 'V100:16GB:1', 2.95, 12, 90, 'x86', 'nvidia V100 16 x1'],
  ] as const) {
    assert.deepEqual(normalized(type), [GPU(type, device), price, cpus, memory, arch, spelled]);
  }
});

test('memory that is listed for one device is not divided by their number, and that of all is not taken for one', () => {
  assert.equal(offerOf('BM.GPU.MI355X.8').accelerator?.memoryMiB, 288 * 1024);
  assert.equal(offerOf('BM.GPU.H100.8').accelerator?.memoryMiB, 80 * 1024);
});

test('a shape is called what the API calls it, without the remark that the estimator shows', () => {
  assert.equal(
    offers.some(({ instanceType }) => instanceType.includes('(')),
    false,
  );
});

test('no shape with GPUs is lost', () => {
  const types = new Set(offers.filter(({ accelerator }) => accelerator).map(({ instanceType }) => instanceType));
  assert.equal(types.size, SHAPES.filter(({ gpuQty }) => gpuQty).length);
  assert.deepEqual(skipped, []);
});

test('a device that nobody knows stays in, with its own name and one share of the memory', async () => {
  const shape = gpuShape('BM.GPU.X900.4', {
    processor: 'amd',
    gpus: 4,
    gpuMemory: 400,
    part: 'B98415',
    ocpus: 64,
    memory: 512,
  });
  const { offers: found } = await listed([shape]);
  const result = normalizeOffer(found[0] as CollectedOffer, { backend: 'oci', source: 'oci', collectedAt: 0 });
  assert.ok(result.ok);
  assert.equal(result.unmapped, 'X900');
  assert.equal(result.offer.accelerator?.memoryMiB, 100 * 1024);
});

test('the disks of a dense shape are billed to the last tenth of a terabyte', () => {
  const offer = offerOf('BM.DenseIO.E5.128');
  assert.equal(offer.pricePerHour, 128 * 0.03 + 1536 * 0.002 + 81.6 * 0.0612);
  assert.equal(offer.diskMiB, Math.floor(81.6e12 / 2 ** 20));
});

test('fixed shapes are billed by cores and memory, older ones by cores alone', () => {
  assert.deepEqual(normalized('BM.Standard.E4.128').slice(1), [6.272, 256, 2048, 'x86', null]);
  assert.deepEqual(normalized('VM.Standard2.4').slice(1), [0.2552, 8, 60, 'x86', null]);
});

test('preemptible machines cost half, and only where Oracle allows them', () => {
  assert.equal(offerOf('VM.GPU3.1', 'spot').pricePerHour, 2.95 / 2);
  assert.equal(offerOf('VM.Standard2.4', 'spot').pricePerHour, (4 * 0.0638) / 2);
  assert.equal(
    offers.some(({ instanceType, capacityType }) => instanceType === 'BM.GPU.H100.8' && capacityType === 'spot'),
    false,
  );
});

test('a flexible shape is a ladder of sizes within its bounds, each with what is needed to ask for it', () => {
  const sizes = offers.filter(
    ({ instanceType, capacityType, region }) =>
      instanceType.startsWith('VM.Standard.E5.Flex') && capacityType === 'on-demand' && region === 'us-ashburn-1',
  );
  assert.deepEqual([...new Set(sizes.map(({ cpus }) => cpus))], [2, 4, 8, 16, 32, 64, 128, 188]);
  assert.ok(sizes.every(({ memoryMiB }) => memoryMiB / 1024 <= 1049));
  const offer = offerOf('VM.Standard.E5.Flex-4ocpu-32gb');
  assert.equal(offer.cpus, 8);
  assert.equal(offer.pricePerHour, 4 * 0.03 + 32 * 0.002);
  assert.deepEqual(offer.providerData, { shape: 'VM.Standard.E5.Flex', flexible: true, ocpus: 4, memoryGiB: 32 });
});

test('Arm is told by the shape: A1 has one vCPU to an OCPU, A2 two, and A100 is no Arm', () => {
  const a1 = offerOf('VM.Standard.A1.Flex-4ocpu-16gb');
  assert.deepEqual([a1.cpuArch, a1.cpus], ['arm', 4]);
  const a2 = offerOf('VM.Standard.A2.Flex-4ocpu-32gb');
  assert.deepEqual([a2.cpuArch, a2.cpus], ['arm', 8]);
  assert.equal(offerOf('BM.GPU4.8').cpuArch, 'x86');
});

test('the free hours of a month do not make a machine free', () => {
  assert.equal(offerOf('VM.Standard.A1.Flex-4ocpu-16gb').pricePerHour, 4 * 0.01 + 16 * 0.0015);
});

test('OCI: cartesian product: a shape whose regions nobody tells says so', () => {
  const unconfirmed = offers.filter(({ flags }) => flags?.includes(REGION_UNCONFIRMED));
  assert.ok(unconfirmed.every(({ instanceType }) => !instanceType.includes('.Flex-')));
  assert.ok(offers.filter(({ accelerator }) => accelerator).every(({ flags }) => flags?.includes(REGION_UNCONFIRMED)));
  assert.ok(offers.every(({ availability }) => availability === undefined));
});

test('every region has its country, and every offer a region of the commercial realm', () => {
  assert.ok(Object.values(REGIONS).every((country) => /^[A-Z]{2}$/.test(country)));
  assert.deepEqual(new Set(offers.map(({ region }) => region)), new Set(Object.keys(REGIONS)));
});

test('shapes that are hidden or no longer sold are left out', () => {
  assert.equal(
    offers.some(({ instanceType }) => ['VM.Standard1.1', 'BM.Secret.1'].includes(instanceType)),
    false,
  );
});

test('a shape without a price is told, and the rest is there', async () => {
  const { offers: found, skipped: told } = await listed(
    SHAPES,
    PRODUCTS.filter(({ partNumber }) => partNumber !== 'B98415'),
  );
  assert.deepEqual(told, ['BM.GPU.H100.8: part B98415 has no hourly price in US dollars']);
  assert.ok(found.some(({ instanceType }) => instanceType === 'BM.GPU4.8'));
});

test('a list in which most shapes have lost their price is no list', async () => {
  const few = PRODUCTS.filter(({ partNumber }) => ['B98415', 'B92740'].includes(String(partNumber)));
  await assert.rejects(listed(SHAPES, few), /no price for 14 of 16 shapes/);
});

test('an empty list is an error, not an empty success', async () => {
  await assert.rejects(listed([], []), { name: 'BerthError', code: 'no-offers' });
});

test('a field of another name or type is named', async () => {
  const renamed = SHAPES.map(({ products, ...shape }) => ({ ...shape, parts: products }));
  await assert.rejects(listed(renamed), /GET www\.oracle\.com.*shapes\.json.*`items\.0\.products`/);
  const retyped = PRODUCTS.map((product) => ({ ...product, partNumber: 7 }));
  await assert.rejects(listed(SHAPES, retyped), /products\.json.*`items\.0\.partNumber`/);
});

test('a refusal for being too fast is waited out', async () => {
  await using server = await replayServer();
  server.on(SHAPES_ROUTE, tooMany('1'), { json: { items: SHAPES } }).on(PRODUCTS_ROUTE, { json: { items: PRODUCTS } });
  const found = await collected(server);
  assert.equal(found.offers.length, offers.length);
  assert.equal(server.asked(SHAPES_ROUTE).length, 2);
});

test('without one of the two files there is no list: a failure, a cut, a web page', async () => {
  for (const [answer, message] of [
    [{ status: 500 }, /answered 500/],
    [{ cut: 'after-body', body: '{"items": [' }, /failed/],
    [webPage(), /a web page that is no JSON/],
  ] as const) {
    await using server = await replayServer();
    server.on(SHAPES_ROUTE, { json: { items: SHAPES } }).on(PRODUCTS_ROUTE, answer);
    await assert.rejects(collected(server), message);
  }
});

test('a server that does not answer ends with the deadline', async () => {
  await using server = await replayServer();
  server.on(SHAPES_ROUTE, { headAfterMs: Infinity }).on(PRODUCTS_ROUTE, { json: { items: PRODUCTS } });
  await assert.rejects(collected(server, AbortSignal.timeout(50)), { name: 'TimeoutError' });
});

test('no two offers have one id', () => {
  const ids = offers.map((offer) => {
    const result = normalizeOffer(offer, { backend: 'oci', source: 'oci', collectedAt: 0 });
    return result.ok ? result.offer.id : result.reason;
  });
  assert.equal(new Set(ids).size, ids.length);
});

test('devices that are also made as cards are the ones on a board here', () => {
  for (const shape of ['BM.GPU.H100.8', 'BM.GPU4.8', 'BM.GPU.A100-v2.8', 'VM.GPU3.1']) {
    const result = normalizeOffer(offerOf(shape), { backend: 'oci', source: 'oci', collectedAt: 0 });
    assert.equal(result.ok && result.offer.accelerator?.formFactor, 'SXM', shape);
  }
});

test('a list with what Oracle is known for is published, and one without is not', async () => {
  const { catalog } = oci;
  assert.ok(catalog.kind === 'offline' && catalog.collect === collectOci);
  const more = [
    { type: 'VM.GPU.A10.1', gpus: 1, gpuMemory: 24, part: 'B95909', ocpus: 15, memory: 240 },
    { type: 'BM.GPU.L40S.4', gpus: 4, gpuMemory: 192, part: 'B109479', ocpus: 112, memory: 1024 },
    { type: 'BM.GPU.H200.8', gpus: 8, gpuMemory: 1128, part: 'B110519', ocpus: 112, memory: 3072 },
  ];
  const whole = await listed(
    [...SHAPES, ...more.map(({ type, ...shape }) => gpuShape(type, { processor: 'ampere', ...shape }))],
    [...PRODUCTS, ...more.map(({ part }) => product(part, 3.5))],
  );
  assert.deepEqual(judged(whole.offers, 'oci', catalog.rules), { keptOut: [], blocked: null });
  assert.match(judged(offers, 'oci', catalog.rules).blocked ?? '', /A10, H200, L40S, B200.*VM\.GPU\.A10\.1/);
});
