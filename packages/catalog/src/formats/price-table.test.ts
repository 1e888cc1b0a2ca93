import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import type { CatalogOffer } from '../catalog-offer.ts';
import { parseDiskMib, parseMemoryGib, parseNetwork } from './amounts.ts';
import { type ByteSource, readFileBytes } from './byte-source.ts';
import { CellProblem } from './csv-column.ts';
import { CsvError } from './csv-error.ts';
import { readPriceTable } from './price-table.ts';

async function read(source: string | ByteSource, backend = 'aws') {
  const offers: CatalogOffer[] = [];
  const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source;
  const options = { backend, collectedAt: 5, onOffer: (offer: CatalogOffer) => offers.push(offer) };
  return { offers, report: await readPriceTable(bytes, options) };
}

/** Of the form of the community's list of AWS's GPU instances; the prices are invented. */
const TABLE = `instance_type,gpu_label,gpu_count,gpu_memory_label,vcpus,memory_label,network_label,storage_label,family,generation,region,on_demand_usd_per_hour
dl2q.24xlarge,Qualcomm AI 100,8,Unknown,96,768 GB,100 Gigabit,EBS Only,ASIC,current,us-west-2,9.5
g2.2xlarge,NVIDIA GRID K520,1,Unknown,8,15 GB,Moderate,EBS Only,GPU instance,previous,eu-west-1,0.75
g3.16xlarge,NVIDIA M60,4,8 GB GDDR5,64,488 GB,20 Gigabit,EBS Only,GPU instance,current,eu-west-1,5.5
g5g.metal,ARM Mali-G78MP12,2,4 GB,64,128 GB,25 Gigabit,EBS Only,GPU instance,current,eu-west-1,2.5
g6f.large,NVIDIA L40,0.125,48 GB GDDR6,2,8 GB,Up to 10 Gigabit,100 GB SSD,GPU instance,current,eu-west-1,0.25
p4d.24xlarge,NVIDIA A100,8,320 GB HBM2,96,1152 GiB,400 Gbps EFA,8 x 1 TB NVMe SSD,GPU instance,current,eu-west-1,30.5
p4de.24xlarge,NVIDIA A100,8,640 GB HBM2e,96,1152 GiB,400 Gbps EFA,8 x 1 TB NVMe SSD,GPU instance,current,eu-west-1,40.5
p6-b200.48xlarge,NVIDIA B200 Blackwell,8,1432 GB HBM3e,192,2048 GiB,3200 Gbps EFAv4,8 x 3.84 TB NVMe SSD,GPU instance,current,us-east-1,110
p6-b300.48xlarge,NVIDIA B300 Blackwell,8,262 GB HBM3e,192,4096 GB,6400 Gigabit,3800 GB (8 × 475 GB SSD),GPU instance,current,us-west-2,140
inf1.24xlarge,AWS Inferentia,16,8 GB,96,192 GB,100 Gigabit,EBS Only,ASIC,current,eu-west-1,6.25
trn1n.32xlarge,AWS Trainium,16,Unknown,128,512 GB,16x 100 Gigabit,1900 GB (4 × 475 GB SSD),ASIC,current,us-east-1,25
`;

test('untidy labels, and memory that is that of one device or of all, come in as the registry knows them', async () => {
  const { offers, report } = await read(TABLE);
  const devices = offers.map(({ accelerator }) => [accelerator?.name, accelerator?.count, accelerator?.memoryMiB]);
  assert.deepEqual(devices, [
    ['AI100', 8, null], // sold with 16 and with 32 GB; the table does not say
    ['K520', 1, 4 * 1024],
    ['M60', 4, 8 * 1024],
    ['Mali-G78MP12', 2, 4 * 1024],
    ['L40', 0.125, 48 * 1024],
    ['A100', 8, 40 * 1024],
    ['A100', 8, 80 * 1024],
    ['B200', 8, 180 * 1024],
    ['B300', 8, 270 * 1024],
    ['Inferentia', 16, 8 * 1024],
    ['Trainium', 16, 32 * 1024],
  ]);
  assert.deepEqual([report.rows, report.accepted, report.rejected, report.unmapped.size], [11, 11, 0, 0]);
  assert.deepEqual([offers[3]?.cpuArch, offers[5]?.interconnect, offers[5]?.networkGbps], ['arm', 'EFA', 400]);
  assert.deepEqual([offers[4]?.networkGbps, offers[0]?.diskMiB, offers[10]?.networkGbps], [null, null, 1600]);
  assert.equal(offers[5]?.diskMiB, Math.round(8e12 / 1024 / 1024));
});

test('amounts are read in the units that clouds mean', () => {
  assert.equal(parseMemoryGib('30.5 GB'), 30.5);
  assert.equal(parseMemoryGib('1,952 GiB'), 1952);
  assert.equal(parseMemoryGib('2 TiB'), 2048);
  assert.equal(parseMemoryGib('64'), 64);
  assert.equal(parseMemoryGib('Unknown'), null);
  assert.ok(parseMemoryGib('lots') instanceof CellProblem);
  assert.ok(parseMemoryGib('-4 GB') instanceof CellProblem);
  assert.equal(parseDiskMib('EBS only'), null);
  assert.equal(parseDiskMib('2 x 900 NVMe SSD'), Math.round(1.8e12 / 1024 / 1024));
  assert.ok(parseDiskMib('yes') instanceof CellProblem);
  assert.deepEqual(parseNetwork('Up to 25 Gigabit'), { gbps: null, interconnect: null });
  assert.deepEqual(parseNetwork('8x 100 Gigabit'), { gbps: 800, interconnect: null });
  assert.deepEqual(parseNetwork('High'), { gbps: null, interconnect: null });
});

test('columns are found by other names, in any order and letter case', async () => {
  const { offers } = await read(
    `Hourly Price;x,Spot-Price,GPU Model,GPUs,VRAM,Location,Availability Zone,vCPU,RAM,Plan,Arch
1,2,3
`
      .replace('Hourly Price;x', 'Hourly Price')
      .replace('1,2,3', '"$1,234.50 / hr",1.5,RTX 4090,2,24,Oslo,oslo-1,16,64 GB,big,aarch64'),
    'other',
  );
  assert.deepEqual(
    offers.map(({ id, pricePerHour, cpuArch }) => [id, pricePerHour, cpuArch]),
    [
      ['other/Oslo/oslo-1/big/on-demand/RTX4090:24GB:2', 1234.5, 'arm'],
      ['other/Oslo/oslo-1/big/spot/RTX4090:24GB:2', 1.5, 'arm'],
    ],
  );
});

test('a label that the registry does not know is kept and counted', async () => {
  const { offers, report } = await read('plan,region,price,cpus,ram,gpu,gpus,vram\nx,r,1,4,8,Zeta 9000,2,64\n');
  assert.deepEqual([offers[0]?.accelerator?.name, offers[0]?.accelerator?.memoryMiB], ['Zeta 9000', null]);
  assert.deepEqual([...report.unmapped], [['Zeta 9000', 1]]);
});

test('a row that says what cannot be is rejected with row, column and reason', async () => {
  const header = 'plan,region,price,cpus,ram,gpu,gpus,vram,disk';
  const cases: readonly (readonly [string, string])[] = [
    ['x,r,nan,4,8,,,,', 'price is nan or infinite'],
    ['x,r,0,4,8,,,,', 'price is 0'],
    ['x,r,-3,4,8,,,,', 'price is negative'],
    ['x,r,1e40,4,8,,,,', 'price is larger than any real one'],
    ['x,r,call us,4,8,,,,', 'price is not a number'],
    ['x,r,Unknown,4,8,,,,', 'price is empty'],
    ['x,r,1,,8,,,,', 'cpus is empty'],
    ['x,r,1,4,Unknown,,,,', 'ram is not known'],
    ['x,r,1,4,999999999999 GB,,,,', 'ram is larger than any real one'],
    ['x,r,1,4,8,H100,,80 GB,', 'gpus is empty, yet an accelerator is named'],
    ['x,r,1,4,8,H100,0,80 GB,', 'gpus is 0, yet an accelerator is named'],
    ['x,r,1,4,8,,2,,', 'gpus is not 0, yet no accelerator is named'],
    ['x,r,1,4,8,H100,1,much,', 'vram is no amount of memory'],
    ['x,r,1,4,8,,,,some', 'disk is no size of a disk'],
    [',r,1,4,8,,,,', 'plan is empty'],
    ['x,,1,4,8,,,,', 'region is empty'],
  ];
  for (const [row, reason] of cases) {
    const { offers, report } = await read(`${header}\n${row}\n`);
    assert.deepEqual([[...report.reasons.keys()], offers.length, report.rejections[0]?.row], [[reason], 0, 2], row);
  }
});

test('a long cell is refused as fast as a short one, whatever it repeats', async () => {
  const header = 'instance_type,region,price,vcpus,memory,storage,network';
  const blanks = ' '.repeat(500_000);
  const started = performance.now();
  for (const row of [
    `x,r,1${blanks}x,2,3,,`,
    `x,r,1,2,1${blanks}x,,`,
    `x,r,1,2,3,1${blanks}x,`,
    `x,r,$${blanks}x,2,3,,`,
  ]) {
    assert.equal((await read(`${header}\n${row}\n`)).report.rejected, 1);
  }
  assert.equal((await read(`${header}\nx,r,1,2,3,,1${blanks}x\n`)).offers[0]?.networkGbps, null);
  assert.ok(performance.now() - started < 5_000);
});

test('a table without the columns that an offer needs is refused, and told which', async () => {
  await assert.rejects(read('instance_type,region,vcpus\nx,r,1\n'), (error) => {
    return error instanceof CsvError && /on_demand_usd_per_hour, memory_label/.test(error.message);
  });
  await assert.rejects(read('<html>'), /HTML/);
  await assert.rejects(read(''), /empty/);
});

const SHARED = resolve(import.meta.dirname, '../../../../../shared/data/aws-gpu-prices-2025-11-30.csv');

test('the whole list of AWS of 30 November 2025 comes in, with every label resolved', async (t) => {
  if (!existsSync(SHARED)) return t.skip('the list is not in shared/data beside this checkout');
  const { offers, report } = await read(readFileBytes(SHARED));
  assert.deepEqual([report.rows, report.accepted, report.rejected], [1157, 1157, 0]);
  assert.equal(report.unmapped.size, 0);
  assert.equal(new Set(offers.map((offer) => offer.instanceType)).size, 87);
  assert.equal(new Set(offers.map((offer) => offer.region)).size, 95);
  assert.ok(offers.every((offer) => offer.accelerator?.known));
  const unsized = new Set(
    offers.filter((offer) => offer.accelerator?.memoryMiB == null).map((offer) => offer.instanceType),
  );
  assert.deepEqual([...unsized], ['dl2q.24xlarge']);
});
