import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectedOffer } from './collected-offer.ts';
import { normalizeOffer } from './normalize.ts';
import { testOffer } from './testing/offers.ts';

const OPTIONS = { backend: 'aws', source: 'aws', collectedAt: 1_700_000_000_000 };

const P5: CollectedOffer = {
  instanceType: 'p5.48xlarge',
  region: 'us-east-1',
  country: 'us',
  capacityType: 'on-demand',
  pricePerHour: 98.32,
  cpus: 192,
  memoryMiB: 2048 * 1024,
  accelerator: { label: 'NVIDIA H100', count: 8, memoryMiB: 81_559 },
  flags: ['b', 'a', 'b'],
};

function offerOf(collected: CollectedOffer) {
  const result = normalizeOffer(collected, OPTIONS);
  assert.ok(result.ok);
  return result;
}

test('an offer gets its canonical device, the memory that it is made with, and an id of what identifies it', () => {
  const { offer, unmapped } = offerOf(P5);
  assert.equal(unmapped, null);
  assert.equal(offer.id, 'aws/us-east-1/-/p5.48xlarge/on-demand/H100:80GB:8/a+b');
  assert.deepEqual(offer.accelerator, {
    name: 'H100',
    vendor: 'nvidia',
    known: true,
    count: 8,
    memoryMiB: 80 * 1024,
    formFactor: null,
  });
  assert.equal(offer.country, 'US');
  assert.equal(offer.cpuArch, 'x86');
  assert.equal(offer.availability, 'unknown');
});

test('an instance type with two counts of one device is two offers', () => {
  const n1 = (count: number) => offerOf({ ...P5, accelerator: { label: 'nvidia-tesla-t4', count } }).offer.id;
  assert.notEqual(n1(1), n1(2));
});

test('a share of a device has a short id', () => {
  const share = (count: number) => offerOf({ ...P5, flags: [], accelerator: { label: 'A10', count } }).offer.id;
  assert.ok(share(1 / 24).endsWith('/A10:24GB:1of24'));
  assert.ok(share(0.375).endsWith('/A10:24GB:0.375'));
});

test('a device that nobody knows is kept under its own label and named', () => {
  const { offer, unmapped } = offerOf({ ...P5, accelerator: { label: ' Foo 9000 ', count: 2, memoryMiB: 5000 } });
  assert.equal(unmapped, 'Foo 9000');
  assert.deepEqual(offer.accelerator, {
    name: 'Foo 9000',
    vendor: null,
    known: false,
    count: 2,
    memoryMiB: 5000,
    formFactor: null,
  });
});

test('memory that is not told is the only size there is, or not known', () => {
  const memory = (label: string) => offerOf({ ...P5, accelerator: { label, count: 1 } }).offer.accelerator?.memoryMiB;
  assert.equal(memory('T4'), 16 * 1024);
  assert.equal(memory('A100'), null);
  assert.equal(memory('A100-80GB'), 80 * 1024);
});

test('a slice of TPUs is its chips', () => {
  const { accelerator } = offerOf({ ...P5, accelerator: { label: 'tpu-v5litepod-8', count: 1 } }).offer;
  assert.equal(accelerator?.name, 'v5litepod');
  assert.equal(accelerator?.count, 8);
});

test('a device with a CPU of its own says the architecture, unless the cloud does', () => {
  const gh200 = { ...P5, accelerator: { label: 'GH200', count: 1 } };
  assert.equal(offerOf(gh200).offer.cpuArch, 'arm');
  assert.equal(offerOf({ ...gh200, cpuArch: 'x86' }).offer.cpuArch, 'x86');
});

for (const [what, part] of [
  ['a price of zero', { pricePerHour: 0 }],
  ['a negative price', { pricePerHour: -1 }],
  ['a price that is no number', { pricePerHour: Number.NaN }],
  ['a price without end', { pricePerHour: Number.POSITIVE_INFINITY }],
  ['no vCPUs', { cpus: 0 }],
  ['memory that is no number', { memoryMiB: Number.NaN }],
  ['an empty region', { region: '' }],
  ['an empty instance type', { instanceType: '' }],
  ['no device', { accelerator: { label: 'H100', count: 0 } }],
  ['a device without name', { accelerator: { label: ' ', count: 1 } }],
] as const) {
  test(`${what} makes no offer, and the reason is told`, () => {
    const result = normalizeOffer({ ...P5, ...part }, OPTIONS);
    assert.ok(!result.ok);
    assert.match(result.reason, /price|vCPUs|memory|name|accelerators/);
  });
}

test('one device has one size, whatever driver or price list counts its memory', () => {
  const reported: readonly (readonly [label: string, gib: number, memoryMiB: readonly number[]])[] = [
    // EC2's API; Verda's share of a total; as it is sold; what Nebius and the registry have.
    ['B300', 270, [275_040, 268 * 1024, 262 * 1024, 288 * 1024, 270 * 1024]],
    ['B200', 180, [183_359, 180 * 1024, 192 * 1024]],
    ['L40S', 48, [45_776, 46_068, 48 * 1024]],
    ['A10G', 24, [22_888, 23_028, 24 * 1024]],
    ['H100', 80, [81_559, 80 * 1024]],
  ];
  for (const [label, gib, sizes] of reported) {
    for (const memoryMiB of sizes) {
      const { accelerator } = testOffer({ accelerator: { label, count: 8, memoryMiB } });
      assert.equal(accelerator?.memoryMiB, gib * 1024, `${label}, reported with ${memoryMiB} MiB`);
    }
  }
});

test('a country is its ISO code; UK is GB, and what is no code is not known', () => {
  const told = ['us', 'GB', 'UK', 'uk', 'Germany', '', null];
  const countries = told.map((country) => testOffer({ country }).country);
  assert.deepEqual(countries, ['US', 'GB', 'GB', 'GB', null, null, null]);
});
