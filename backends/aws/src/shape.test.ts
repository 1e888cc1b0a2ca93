import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeOffer } from '@berth/catalog/normalize';
import { acceleratorOf } from './accelerator-facts.ts';
import type { PriceRow } from './price-list.ts';
import { type InstanceShape, shapeOf } from './shape.ts';

const ROW: PriceRow = {
  instanceType: 'm5.large',
  region: 'us-east-1',
  instanceFamily: 'General purpose',
  pricePerUnit: '0.096',
  vcpu: '2',
  memory: '8 GiB',
  storage: 'EBS only',
  network: 'Up to 10 Gigabit',
  processor: 'Intel Xeon Platinum 8175',
  gpu: '',
};

function shape(row: Partial<PriceRow>): InstanceShape {
  const read = shapeOf({ ...ROW, ...row });
  assert.ok('shape' in read, 'problem' in read ? read.problem : '');
  return read.shape;
}

function offer(row: Partial<PriceRow>) {
  const { instanceType, region } = { ...ROW, ...row };
  const collected = { instanceType, region, capacityType: 'on-demand', pricePerHour: 1, ...shape(row) } as const;
  const normalized = normalizeOffer(collected, { backend: 'aws', source: 'aws', collectedAt: 0 });
  assert.ok(normalized.ok);
  return normalized;
}

test('disks are decimal gigabytes or terabytes, and EBS is none', () => {
  const MIB = 1024 ** 2;
  assert.equal(shape({ storage: 'EBS only' }).diskMiB, null);
  assert.equal(shape({ storage: '125 GB NVMe SSD' }).diskMiB, Math.floor(125e9 / MIB));
  assert.equal(shape({ storage: '4 x 900 NVMe SSD' }).diskMiB, Math.floor(3600e9 / MIB));
  assert.equal(shape({ storage: '8 x 3.84 TB NVMe SSD' }).diskMiB, Math.floor(30.72e12 / MIB));
  assert.equal(shape({ storage: '24 x 2048 HDD' }).diskMiB, Math.floor((24 * 2048e9) / MIB));
});

test('memory in GiB is exact, also with thousands and parts', () => {
  assert.equal(shape({ memory: '1,952 GiB' }).memoryMiB, 1952 * 1024);
  assert.equal(shape({ memory: '0.5 GiB' }).memoryMiB, 512);
  assert.deepEqual(shapeOf({ ...ROW, memory: 'NA' }), { problem: 'its memory is "NA"' });
});

test('a network is told when it lasts: no words, no peaks', () => {
  assert.equal(shape({ network: '25 Gigabit' }).networkGbps, 25);
  assert.equal(shape({ network: '12500 Megabit' }).networkGbps, 12.5);
  assert.equal(shape({ network: '8x 100 Gigabit' }).networkGbps, 800);
  assert.equal(shape({ network: 'Up to 25 Gigabit' }).networkGbps, null);
  assert.equal(shape({ network: 'Moderate' }).networkGbps, null);
  assert.equal(shape({ network: '400 Gbps EFA' }).interconnect, 'EFA');
});

test('Graviton and Grace are Arm', () => {
  assert.equal(shape({ processor: 'AWS Graviton3 Processor' }).cpuArch, 'arm');
  assert.equal(shape({ processor: 'NVIDIA Grace' }).cpuArch, 'arm');
  assert.equal(shape({ processor: 'AMD EPYC 9R14 Processor' }).cpuArch, 'x86');
});

// What EC2 reports is a little less than what the device is made with.
test("the memory of AWS's GPUs is that of the same GPUs everywhere else", () => {
  const gpu = (instanceType: string, count: string) =>
    offer({ instanceType, instanceFamily: 'GPU instance', gpu: count }).offer.accelerator;
  const sizes = [
    ['g6e.xlarge', '1', 'L40S', 48],
    ['g5.xlarge', '1', 'A10G', 24],
    ['p6-b200.48xlarge', '8', 'B200', 180],
    ['p6-b300.48xlarge', '8', 'B300', 270],
    ['p4d.24xlarge', '8', 'A100', 40],
    ['p4de.24xlarge', '8', 'A100', 80],
    ['p5en.48xlarge', '8', 'H200', 141],
    ['g7e.2xlarge', '1', 'RTXPRO6000', 96],
    ['g7.2xlarge', '1', 'RTXPRO4500', 32],
    ['g4ad.xlarge', '1', 'V520', 8],
    ['g5g.xlarge', '1', 'T4G', 16],
    ['p6e-gb200.36xlarge', '4', 'GB200', 186],
  ] as const;
  for (const [type, count, name, gib] of sizes) {
    const found = gpu(type, count);
    assert.deepEqual([found?.name, found?.count, found?.memoryMiB], [name, Number(count), gib * 1024], type);
  }
});

test('a share of a GPU is a share of a whole one with all of its memory', () => {
  const { offer: shared } = offer({ instanceType: 'g6f.large', instanceFamily: 'GPU instance', gpu: '0' });
  assert.equal(shared.accelerator?.name, 'L4');
  assert.equal(shared.accelerator.count, 1 / 8);
  assert.equal(shared.accelerator.memoryMiB, 24 * 1024);
});

test("chips that the price list does not count have their number from AWS's documentation", () => {
  const family = 'Machine Learning ASIC Instances';
  assert.equal(shape({ instanceType: 'trn2.48xlarge', instanceFamily: family }).accelerator?.count, 16);
  assert.equal(shape({ instanceType: 'inf2.24xlarge', instanceFamily: family }).accelerator?.count, 6);
  const { offer: gaudi } = offer({ instanceType: 'dl1.24xlarge', instanceFamily: family, gpu: '8' });
  assert.equal(gaudi.id, 'aws/us-east-1/-/dl1.24xlarge/on-demand/Gaudi:32GB:8');
});

test('every family that is described has a device that the registry knows, with its memory', () => {
  const families =
    'g2 g3 g3s g4ad g4dn g5 g5g g6 gr6 g6f gr6f g6e g7 g7e p2 p3 p3dn p4d p4de p5 p5e p5en p6-b200 p6-b300 p6e-gb200 ' +
    'p6e-gb300 dl1 dl2q inf1 inf2 trn1 trn1n trn2 trn2u f1 f2 vt1';
  for (const family of families.split(' ')) {
    const { accelerator } = offer({ instanceType: `${family}.any`, instanceFamily: 'GPU instance', gpu: '1' }).offer;
    assert.equal(accelerator?.known, true, family);
    assert.notEqual(accelerator?.memoryMiB ?? null, null, family);
  }
  const fpga = offer({ instanceType: 'f2.12xlarge', instanceFamily: 'FPGA Instances' }).offer;
  assert.equal(fpga.id, 'aws/us-east-1/-/f2.12xlarge/on-demand/VU47P:80GB:2');
});

test('a GPU type without details never becomes a CPU offer at GPU price', () => {
  const unknown = offer({ instanceType: 'g99.xlarge', instanceFamily: 'GPU instance', gpu: '2' });
  assert.equal(unknown.unmapped, 'AWS g99 accelerator');
  assert.deepEqual(unknown.offer.accelerator, {
    name: 'AWS g99 accelerator',
    vendor: null,
    known: false,
    count: 2,
    memoryMiB: null,
    formFactor: null,
  });
  const uncounted = acceleratorOf('trn9.48xlarge', null, 'Machine Learning ASIC Instances');
  assert.match('problem' in uncounted ? uncounted.problem : '', /neither the price list nor our facts count them/);
  const newSize = acceleratorOf('inf2.96xlarge', null, 'Machine Learning ASIC Instances');
  assert.ok('problem' in newSize);
});
