import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CatalogOffer } from '../catalog-offer.ts';
import { normalizeOffer } from '../normalize.ts';
import { CsvError } from './csv-error.ts';
import { readSkypilotVms } from './skypilot.ts';
import { readSkypilotImages, readSkypilotQuotas, writeSkypilotImages, writeSkypilotQuotas } from './skypilot-tables.ts';
import { type SkypilotSchema, SkypilotVms, whyNotSkypilot } from './skypilot-writer.ts';

const utf8 = new TextEncoder();

async function read(text: string, backend = 'aws') {
  const offers: CatalogOffer[] = [];
  const options = { backend, collectedAt: 5, onOffer: (offer: CatalogOffer) => offers.push(offer) };
  const report = await readSkypilotVms(utf8.encode(text), options);
  return { offers, report };
}

const brief = (offer: CatalogOffer) => [
  offer.instanceType,
  offer.zone,
  offer.capacityType,
  offer.pricePerHour,
  offer.accelerator === null
    ? ''
    : `${offer.accelerator.name}:${(offer.accelerator.memoryMiB ?? 0) / 1024}:${offer.accelerator.count}`,
];

const AWS = `InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone,Arch
m.big,,,4.0,16.0,,0.2,0.1,us-east-1,use1-az1,x86_64
g.arm,T4g,1.0,4.0,8.0,"{'Gpus': [{'Name': 'T4g', 'Manufacturer': 'NVIDIA', 'Count': 1.0, 'MemoryInfo': {'SizeInMiB': 16384}}], 'TotalGpuMemoryInMiB': 16384}",0.4,,us-east-1,use1-az2,arm64
p.eight,A100-80GB,8.0,96.0,1152.0,"{'Gpus': [{'Name': 'A100-80GB', 'Manufacturer': 'NVIDIA', 'Count': 8, 'MemoryInfo': {'SizeInMiB': 81920}}], 'TotalGpuMemoryInMiB': 655360}",40.9,,us-east-1,use1-az1,x86_64
p.old,A100,8.0,96.0,1152.0,,32.7,,us-east-1,use1-az1,x86_64
`;

test('a row makes an offer on demand and one on spot, wherever it has such a price', async () => {
  const { offers, report } = await read(AWS);
  assert.deepEqual(offers.map(brief), [
    ['m.big', 'use1-az1', 'on-demand', 0.2, ''],
    ['m.big', 'use1-az1', 'spot', 0.1, ''],
    ['g.arm', 'use1-az2', 'on-demand', 0.4, 'T4G:16:1'],
    ['p.eight', 'use1-az1', 'on-demand', 40.9, 'A100:80:8'],
    ['p.old', 'use1-az1', 'on-demand', 32.7, 'A100:40:8'],
  ]);
  assert.equal(offers[2]?.cpuArch, 'arm');
  assert.deepEqual([report.rows, report.accepted, report.rejected], [4, 5, 0]);
});

test('columns may come in any order, without zone, architecture and spot price, and disks in v9', async () => {
  const { offers } = await read(
    `LocalDiskCount,SpotPrice,Price,Region,GPUInfo,MemoryGiB,vCPUs,AcceleratorCount,AcceleratorName,InstanceType,LocalDiskSize,Generation
2.0,,1.5,eu,,64.0,8.0,0.5,L40S,half,450.0,V1
`,
    'other',
  );
  assert.deepEqual(offers.map(brief), [['half', null, 'on-demand', 1.5, 'L40S:48:0.5']]);
  assert.equal(offers[0]?.diskMiB, Math.round(900e9 / 1024 / 1024));
});

test('GpuInfo tells one device or all of them; the registry knows which', async () => {
  const info = (size: number, total: number) =>
    `"{'Gpus': [{'Count': 8.0, 'MemoryInfo': {'SizeInMiB': ${size}}}], 'TotalGpuMemoryInMiB': ${total}}"`;
  const header = 'InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,Region';
  for (const [size, total] of [
    [81920, 655360],
    [81920, 81920],
    [655360, 655360],
  ] as const) {
    const { offers } = await read(`${header}\nx,A100,8,96,1152,${info(size, total)},9,r\n`, 'lambda');
    assert.equal(offers[0]?.accelerator?.memoryMiB, 81920, `${size} ${total}`);
  }
  const json = `"{""Gpus"": [{""Name"": ""H200"", ""Count"": ""8.0"", ""MemoryInfo"": {""SizeInMiB"": 144384}}]}"`;
  const { offers } = await read(
    `${header}\nx,H200,8,96,1152,${json},9,r\ny,H200,8,96,1152,"__import__('os')",9,r\n`,
    'lambda',
  );
  assert.deepEqual(
    offers.map((offer) => offer.accelerator?.memoryMiB),
    [141 * 1024, 141 * 1024],
  );
});

const GCP_HEADER =
  'InstanceType,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,GpuInfo,Region,AvailabilityZone,Price,SpotPrice';
const GCP = `${GCP_HEADER}
a2-highgpu-1g,12.0,85.0,,,,us-central1,us-central1-a,0.7,0.3
a2-highgpu-1g,12.0,85.0,,,,us-central1,us-central1-b,0.7,
a2-highgpu-2g,24.0,170.0,,,,us-central1,us-central1-a,1.4,0.6
n1-standard-8,8.0,30.0,,,,us-central1,us-central1-a,0.4,0.1
n1-standard-64,64.0,240.0,,,,us-central1,us-central1-a,3.0,1.0
e2-small,2.0,2.0,,,,us-central1,us-central1-a,0.02,0.01
g2-standard-24,24.0,96.0,,,,us-central1,us-central1-a,0.5,0.2
,,,A100,1.0,,us-central1,us-central1-a,2.9,0.8
,,,A100,1.0,,us-central1,us-central1-b,2.9,0.8
,,,T4,1.0,,us-central1,us-central1-a,0.3,0.1
,,,L4,2.0,,us-central1,us-central1-a,1.1,
,,,H100,8.0,,us-central1,us-central1-a,80,30
,,,tpu-v5litepod-16,1,tpu-v5litepod-16,us-central1,us-central1-a,19.2,700.0
,,,tpu-v3-8,1,tpu-v3-8,us-central1,us-central1-b,8.8,2.6
`;

test("GCP's hosts and accelerators are joined into what can be bought, at the sum of both prices", async () => {
  const { offers, report } = await read(GCP, 'gcp');
  assert.deepEqual(offers.map(brief), [
    ['n1-standard-8', 'us-central1-a', 'on-demand', 0.4, ''],
    ['n1-standard-8', 'us-central1-a', 'spot', 0.1, ''],
    ['n1-standard-64', 'us-central1-a', 'on-demand', 3, ''],
    ['n1-standard-64', 'us-central1-a', 'spot', 1, ''],
    ['e2-small', 'us-central1-a', 'on-demand', 0.02, ''],
    ['e2-small', 'us-central1-a', 'spot', 0.01, ''],
    ['a2-highgpu-1g', 'us-central1-a', 'on-demand', 3.6, 'A100:40:1'],
    ['a2-highgpu-1g', 'us-central1-a', 'spot', 1.1, 'A100:40:1'],
    ['a2-highgpu-1g', 'us-central1-b', 'on-demand', 3.6, 'A100:40:1'],
    ['n1-standard-8', 'us-central1-a', 'on-demand', 0.7, 'T4:16:1'],
    ['n1-standard-8', 'us-central1-a', 'spot', 0.2, 'T4:16:1'],
    ['g2-standard-24', 'us-central1-a', 'on-demand', 1.6, 'L4:24:2'],
    ['tpu-v5litepod-16', 'us-central1-a', 'on-demand', 19.2, 'v5litepod:16:16'],
    ['tpu-v5litepod-16', 'us-central1-a', 'spot', 700, 'v5litepod:16:16'],
    ['tpu-v3-8', 'us-central1-b', 'on-demand', 8.8, 'v3:32:4'],
    ['tpu-v3-8', 'us-central1-b', 'spot', 2.6, 'v3:32:4'],
  ]);
  assert.deepEqual([...report.reasons], [['AcceleratorName has no host in its zone that takes so many', 1]]);
  assert.equal(report.rejections[0]?.row, 13);
  assert.deepEqual([offers[12]?.cpus, offers[12]?.memoryMiB], [448, 768 * 1024]);
});

test("GCP's Arm machines are Arm, though its file has no column for it, and other clouds' names mean nothing", async () => {
  const row = 'c4a-standard-4,4.0,16.0,,,,r,r-a,0.2,\nc4-standard-4,4.0,16.0,,,,r,r-a,0.2,\n';
  const archs = async (backend: string) =>
    (await read(`${GCP_HEADER}\n${row}`, backend)).offers.map((one) => one.cpuArch);
  assert.deepEqual(await archs('gcp'), ['arm', 'x86']);
  assert.deepEqual(await archs('aws'), ['x86', 'x86']);
});

test('a row that says what cannot be is rejected with row, column and reason', async () => {
  const header =
    'InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone,Arch';
  const cases: readonly (readonly [string, string])[] = [
    ['x,,,4,16,,nan,,r,,', 'Price is nan or infinite'],
    ['x,,,4,16,,-1,,r,,', 'Price is negative'],
    ['x,,,4,16,,0,,r,,', 'Price is 0'],
    ['x,,,4,16,,1e99,,r,,', 'Price is larger than any real one'],
    ['x,,,4,16,,,,r,,', 'Price is empty, and so is SpotPrice'],
    ['x,,,4,16,,,inf,r,,', 'SpotPrice is nan or infinite'],
    ['x,,,inf,16,,1,,r,,', 'vCPUs is nan or infinite'],
    ['x,,,,16,,1,,r,,', 'vCPUs is empty'],
    ['x,A100,,4,16,,1,,r,,', 'AcceleratorCount is empty or 0, yet an accelerator is named'],
    ['x,,8,4,16,,1,,r,,', 'AcceleratorName is empty, yet there are accelerators'],
    [',,,4,16,,1,,r,,', 'InstanceType is empty'],
    [',A100,8,,,,1,,r,,', 'InstanceType is empty'],
    ['x,,,4,16,,1,,,,', 'Region is empty'],
    ['x,,,4,16,,1,,r,,mips', 'Arch is no architecture that SkyPilot knows'],
  ];
  for (const [row, reason] of cases) {
    const { offers, report } = await read(`${header}\n${row}\n`);
    assert.deepEqual([[...report.reasons.keys()], offers.length], [[reason], 0], row);
    assert.equal(report.rejections[0]?.row, 2);
  }
  const half = await read(`${header}\nx,,,4,16,,2,nan,r,,\n`);
  assert.deepEqual([half.offers.length, half.report.rejected], [1, 1]);
});

test('what is not this file at all is refused as a whole', async () => {
  for (const text of ['', '<html></html>', 'a,b\n1,2\n', 'InstanceType,Region\nx,r\n']) {
    await assert.rejects(read(text), CsvError, text);
  }
});

const accelerator = fc.oneof(
  fc.record({
    label: fc.constantFrom(
      'H100',
      'A100-80GB',
      'A100-40GB',
      'V100-32GB',
      'RTX6000-Ada',
      'MI300X',
      'Trainium2',
      'H200 NVL',
    ),
    count: fc.constantFrom(0.125, 1, 8, 16),
  }),
  fc.record({
    label: fc.constantFrom('A100', 'H100', 'B200'),
    count: fc.integer({ min: 1, max: 8 }),
    memoryMiB: fc.constantFrom(40960, 81920, 61440, null),
  }),
  fc.record({ label: fc.constantFrom('v2-8', 'v5p-16', 'v5litepod-4', 'v6e-1'), count: fc.constant(1) }),
  fc.record({
    label: fc.constantFrom('X900', `Odd 'one'`, `"both" 'kinds' \\`, 'plain, "one"'),
    count: fc.integer({ min: 1, max: 8 }),
    memoryMiB: fc.constantFrom(1000, null),
    vendor: fc.constantFrom('nvidia' as const, 'amd' as const, null),
  }),
);
const offer = fc.record({
  instanceType: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.,"' ü_-]{0,10}[A-Za-z0-9]$/),
  region: fc.constantFrom('us-east-1', 'Germany, DE, EU'),
  zone: fc.constantFrom(null, 'use1-az1', 'b'),
  capacityType: fc.constantFrom('on-demand' as const, 'spot' as const),
  pricePerHour: fc.double({ min: 1e-6, max: 1e5, noNaN: true }),
  cpus: fc.constantFrom(0.5, 1, 96),
  memoryMiB: fc.integer({ min: 1, max: 32 * 1024 * 1024 }),
  cpuArch: fc.constantFrom('x86' as const, 'arm' as const),
  accelerator: fc.option(accelerator),
  diskMiB: fc.option(fc.integer({ min: 1, max: 1024 * 1024 * 1024 })),
});

test('write, then read is the same offers: all but what the format has no place for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(offer, { maxLength: 20 }),
      fc.constantFrom<SkypilotSchema>('v8', 'v9'),
      async (collected, schema) => {
        const cheapest = new Map<string, CatalogOffer>();
        for (const one of collected) {
          const shaped = schema === 'v8' ? { ...one, diskMiB: null } : one;
          const normalized = normalizeOffer(shaped, { backend: 'aws', source: 'aws', collectedAt: 5 });
          assert.ok(normalized.ok);
          // Only what the registry says of itself is told by a name.
          if (whyNotSkypilot(normalized.offer) !== null) continue;
          const { id, cpus, memoryMiB, cpuArch, diskMiB } = normalized.offer;
          const key = [id, cpus, memoryMiB, cpuArch, diskMiB].join();
          const known = cheapest.get(key);
          if (known === undefined || known.pricePerHour > normalized.offer.pricePerHour)
            cheapest.set(key, normalized.offer);
        }
        const file = new SkypilotVms(schema);
        for (const one of cheapest.values()) file.add(one);
        const { offers, report } = await read(file.text());
        const sorted = (list: Iterable<CatalogOffer>) =>
          [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
        assert.deepEqual(sorted(offers), sorted(cheapest.values()));
        assert.equal(report.rejected, 0);
      },
    ),
  );
});

test('what SkyPilot has no words for is named and left out', () => {
  const made = (backend: string, capacityType: 'reserved' | 'on-demand') => {
    const normalized = normalizeOffer(
      {
        instanceType: 'x',
        region: 'r',
        capacityType,
        pricePerHour: 1,
        cpus: 1,
        memoryMiB: 1024,
        accelerator: { label: 'T4', count: 1 },
      },
      { backend, source: backend, collectedAt: 5 },
    );
    assert.ok(normalized.ok);
    return normalized.offer;
  };
  const file = new SkypilotVms('v8');
  assert.equal(file.add(made('aws', 'reserved')), 'it is reserved capacity');
  assert.equal(file.add(made('gcp', 'on-demand')), 'SkyPilot prices hosts and accelerators of GCP apart');
  assert.equal(file.add(made('aws', 'on-demand')), null);
  assert.equal(file.text().split('\r\n').length, 3);
});

test('images and quotas are read, written and read as the same', async () => {
  const images = `Tag,Region,OS,OSVersion,ImageId,CreationDate\r\nskypilot:gpu,us-east-1,ubuntu,2204,ami-1,20240101\r\nskypilot:cpu,,ubuntu,22.04,ami-2,\r\n`;
  const read1 = await readSkypilotImages(utf8.encode(images));
  assert.equal(writeSkypilotImages(read1.value), images);
  assert.deepEqual(read1.value[1], {
    tag: 'skypilot:cpu',
    region: null,
    os: 'ubuntu',
    osVersion: '22.04',
    imageId: 'ami-2',
    creationDate: null,
    baseImageId: null,
  });
  const gcp = `Tag,Region,OS,OSVersion,ImageId,CreationDate,BaseImageId\r\na,,d,1,i,2,base\r\n`;
  assert.equal(writeSkypilotImages((await readSkypilotImages(utf8.encode(gcp))).value), gcp);

  const quotas = `InstanceType,OnDemandInstanceCode,SpotInstanceCode\r\np9.big,L-0001,L-0002\r\nnone,,\r\n`;
  const read2 = await readSkypilotQuotas(utf8.encode(quotas), 'InstanceType');
  assert.deepEqual(
    [...read2.value],
    [
      ['p9.big', { onDemand: 'L-0001', spot: 'L-0002' }],
      ['none', { onDemand: null, spot: null }],
    ],
  );
  assert.equal(writeSkypilotQuotas(read2.value, 'InstanceType'), quotas);
  await assert.rejects(readSkypilotQuotas(utf8.encode(quotas), 'Accelerator'), /no column Accelerator/);

  const broken = await readSkypilotImages(utf8.encode('Tag,OS,OSVersion,ImageId\nx,,1,i\n'));
  assert.deepEqual(broken.report.rejections, [{ row: 2, column: 'OS', reason: 'is empty', value: 'x' }]);
});
