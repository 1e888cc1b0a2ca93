import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CatalogOffer } from '../catalog-offer.ts';
import type { CollectedOffer } from '../collected-offer.ts';
import { normalizeOffer } from '../normalize.ts';
import { CsvError } from './csv-error.ts';
import { readGpuhuntCsv } from './gpuhunt.ts';
import { GPUHUNT_HEADER, gpuhuntRow, whyNotGpuhunt } from './gpuhunt-writer.ts';

const utf8 = new TextEncoder();
const HEADER = GPUHUNT_HEADER.trim();

async function read(text: string | Uint8Array, backend = 'aws') {
  const offers: CatalogOffer[] = [];
  const source = typeof text === 'string' ? utf8.encode(text) : text;
  const report = await readGpuhuntCsv(source, { backend, collectedAt: 5, onOffer: (offer) => offers.push(offer) });
  return { offers, report };
}

async function readRow(row: string, backend = 'aws') {
  const { offers, report } = await read(`${HEADER}\n${row}\n`, backend);
  const { reason, column } = report.rejections[0] ?? {};
  return { offer: offers[0] ?? null, rejected: report.rejected === 0 ? null : `${column} ${reason}`, report };
}

function offerOf(collected: CollectedOffer, backend = 'aws'): CatalogOffer {
  const normalized = normalizeOffer(collected, { backend, source: backend, collectedAt: 5 });
  assert.ok(normalized.ok, JSON.stringify(normalized));
  return normalized.offer;
}

const CPU: CollectedOffer = {
  instanceType: 'm.l',
  region: 'r-1',
  capacityType: 'on-demand',
  pricePerHour: 1,
  cpus: 4,
  memoryMiB: 16384,
};

test('rows are written as gpuhunt writes them', () => {
  const rows: readonly (readonly [CatalogOffer, string])[] = [
    [offerOf(CPU), 'm.l,r-1,1.0,4,16.0,0,,,False,,,,x86,{}\r\n'],
    [
      offerOf({
        ...CPU,
        pricePerHour: 0.00001,
        memoryMiB: 31232,
        flags: ['b', 'a'],
        providerData: { d: 'ü', n: [1, null] },
      }),
      'm.l,r-1,1e-05,4,30.5,0,,,False,,,a b,x86,"{""d"": ""\\u00fc"", ""n"": [1, null]}"\r\n',
    ],
    [
      offerOf({
        ...CPU,
        capacityType: 'spot',
        cpuArch: 'arm',
        diskMiB: 102400,
        accelerator: { label: 'H100', count: 8, memoryMiB: 81559 },
      }),
      'm.l,r-1,1.0,4,16.0,8,H100,80.0,True,100.0,nvidia,,arm,{}\r\n',
    ],
    [
      offerOf(
        { ...CPU, region: 'us-central1', zone: 'us-central1-a', accelerator: { label: 'tpu-v5litepod-8', count: 1 } },
        'gcp',
      ),
      'm.l,us-central1-a,1.0,4,16.0,1,v5litepod-8,128.0,False,,google,,x86,{}\r\n',
    ],
    [
      offerOf({ ...CPU, accelerator: { label: 'v3-8', count: 1 } }),
      'm.l,r-1,1.0,4,16.0,1,v3-8,128.0,False,,google,,x86,{}\r\n',
    ],
  ];
  for (const [offer, row] of rows) assert.equal(gpuhuntRow(offer), row);
  assert.equal(
    GPUHUNT_HEADER,
    'instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,gpu_vendor,flags,cpu_arch,provider_data\r\n',
  );
});

test('an empty vendor is Google behind tpu-, and NVIDIA elsewhere', async () => {
  const tpu = await readRow('v,us-west4-a,2,24,48,1,tpu-v5litepod-8,,False,,,,,', 'gcp');
  assert.deepEqual(tpu.offer?.accelerator, {
    name: 'v5litepod',
    vendor: 'google',
    known: true,
    count: 8,
    memoryMiB: 16384,
    formFactor: null,
  });
  assert.deepEqual([tpu.offer?.region, tpu.offer?.zone], ['us-west4', 'us-west4-a']);
  const unknown = await readRow('v,r,2,24,48,2,X900,40,False,,,,,');
  assert.equal(unknown.offer?.accelerator?.vendor, 'nvidia');
  assert.deepEqual([...unknown.report.unmapped], [['X900', 1]]);
});

test('the memory of a slice of TPUs is that of its chips, whether the row says the total or one chip', async () => {
  for (const gib of ['380', '95', '']) {
    const { offer } = await readRow(`v,z,2,24,48,1,v5p-8,${gib},False,,google,,,`);
    assert.deepEqual([offer?.accelerator?.count, offer?.accelerator?.memoryMiB], [4, 95 * 1024], gib);
  }
});

test('a row that says what cannot be is rejected with column and reason, and the rest is read', async () => {
  const cases: readonly (readonly [row: string, reason: string])[] = [
    ['x,r,nan,4,16,0,,,False,,,,,', 'price is nan or infinite'],
    ['x,r,inf,4,16,0,,,False,,,,,', 'price is nan or infinite'],
    ['x,r,-1,4,16,0,,,False,,,,,', 'price is negative'],
    ['x,r,0.0,4,16,0,,,False,,,,,', 'price is 0'],
    ['x,r,1e300,4,16,0,,,False,,,,,', 'price is larger than any real one'],
    ['x,r,0x10,4,16,0,,,False,,,,,', 'price is not a number'],
    ['x,r,,4,16,0,,,False,,,,,', 'price is empty'],
    ['x,r,1,4.0,16,0,,,False,,,,,', 'cpu is not a whole number'],
    ['x,r,1,-4,16,0,,,False,,,,,', 'cpu is negative'],
    ['x,r,1,4,16,1.5,T4,16,False,,,,,', 'gpu_count is not a whole number'],
    ['x,r,1,4,nan,0,,,False,,,,,', 'memory is nan or infinite'],
    ['x,r,1,4,16,99999999,T4,16,False,,,,,', 'gpu_count is larger than any real one'],
    ['x,r,1,4,16,0,,,maybe,,,,,', 'spot is neither True nor False'],
    ['x,r,1,4,16,1,T4,16,False,,cerebras,,,', 'gpu_vendor is not a vendor that gpuhunt knows'],
    ['x,r,1,4,16,1,T4,16,False,,amd,,,', 'gpu_name is a device of nvidia, not of amd'],
    ['x,r,1,4,16,1,,16,False,,,,,', 'gpu_name is empty, yet there are GPUs'],
    ['x,r,1,4,16,0,,,False,,nvidia,,,', 'gpu_count is 0, yet a GPU or its vendor is named'],
    ['x,r,1,4,16,0,,,False,,,,mips,', 'cpu_arch is neither x86 nor arm'],
    ['x,r,1,4,16,0,,,False,,,,,{', 'provider_data is not JSON'],
    ['x,r,1,4,16,0,,,False,,,,,[]', 'provider_data is no JSON object'],
    [',r,1,4,16,0,,,False,,,,,', 'instance_name is empty'],
    ['x,,1,4,16,0,,,False,,,,,', 'location is empty'],
    ['x\0,r,1,4,16,0,,,False,,,,,', 'instance_name has a NUL byte'],
    ['x,r', 'cpu is empty'],
    ['x,r,1,0,16,0,,,False,,,,,', 'null 0 is no number of vCPUs'],
    ['x,r,1,4,16,0,,,False,"1"2,,,,', 'null there is text behind the closing quote'],
  ];
  for (const [row, reason] of cases) assert.equal((await readRow(row)).rejected, reason, row);

  const { offers, report } = await read(
    `${HEADER}\r\n${cases.map(([row]) => row).join('\r\n')}\r\ny,r,1,4,16,0,,,false,,,,,\r\n`,
  );
  assert.equal(offers.length, 1);
  assert.deepEqual([report.rows, report.accepted, report.rejected], [cases.length + 1, 1, cases.length]);
  assert.equal(report.reasons.get('price is nan or infinite'), 2);
  assert.deepEqual(report.rejections[2], { row: 4, column: 'price', reason: 'is negative', value: '-1' });
});

test('invalid UTF-8 is rejected with its row and column', async () => {
  const bytes = Buffer.from(`${HEADER}\nx?,r,1,4,16,0,,,False,,,,,\n`);
  bytes[bytes.indexOf('?')] = 0xff;
  const { report } = await read(bytes);
  assert.deepEqual(report.rejections, [{ row: 2, column: 'instance_name', reason: 'is not UTF-8', value: null }]);
});

test('columns may come in another order, lack at the end, and be unknown', async () => {
  const { offers } = await read('price,new,spot,location,cpu,memory,gpu_count,instance_name\n2.5,?,TRUE,r,4,16,0,x\n');
  assert.deepEqual([offers[0]?.pricePerHour, offers[0]?.capacityType, offers[0]?.instanceType], [2.5, 'spot', 'x']);
});

test('what is not this file at all is refused as a whole, and says what it is', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['<!DOCTYPE html><html><body>502 Bad Gateway</body></html>', /HTML/],
    ['{"error": "not found"}', /JSON/],
    ['', /empty/],
    ['\n\n', /empty/],
    ['a,b,c\n1,2,3\n', /no column instance_name/],
    [HEADER.replace('price,', ''), /no column price/],
    [`price,${HEADER}`, /twice/],
  ];
  for (const [text, message] of cases) {
    await assert.rejects(read(text), (error) => error instanceof CsvError && message.test(error.message), text);
  }
});

const count = (max: number) => fc.integer({ min: 1, max });
const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.,"' üß-]{0,10}[A-Za-z0-9]$/);
const accelerator = fc.oneof(
  fc.record({ label: fc.constantFrom('H100', 'A100-80GB', 'L40S', 'MI300X', 'Gaudi3', 'n300'), count: count(16) }),
  fc.record({
    label: fc.constantFrom('A100', 'H100'),
    count: count(8),
    memoryMiB: fc.constantFrom(40960, 81920, 61440, null),
  }),
  fc.record({ label: fc.constantFrom('v2-8', 'v5p-16', 'v5litepod-4', 'v6e-1'), count: fc.constant(1) }),
  fc.record({
    label: fc.constantFrom('X900', 'Odd, "one"'),
    count: count(4),
    vendor: fc.constantFrom('nvidia' as const, 'amd' as const),
  }),
);
const offer = fc.record({
  instanceType: word,
  region: fc.constantFrom('us-east-1', 'EU', 'eastus2'),
  capacityType: fc.constantFrom('on-demand' as const, 'spot' as const),
  pricePerHour: fc.double({ min: 1e-6, max: 1e5, noNaN: true }),
  cpus: count(512),
  memoryMiB: count(32 * 1024 * 1024),
  cpuArch: fc.constantFrom('x86' as const, 'arm' as const),
  accelerator: fc.option(accelerator),
  diskMiB: fc.option(count(1024 * 1024 * 1024)),
  flags: fc.array(fc.stringMatching(/^[a-z0-9-]{1,8}$/), { maxLength: 3 }),
  providerData: fc.option(
    fc.dictionary(
      fc.stringMatching(/^[a-z_ü"]{1,6}$/),
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
      { minKeys: 1, noNullPrototype: true },
    ),
  ),
});

test('write, then read is the same offers: all but what the format has no place for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(offer, { maxLength: 20 }), fc.constantFrom('aws', 'gcp'), async (collected, backend) => {
      const place = backend === 'gcp' ? { region: 'us-central1', zone: 'us-central1-ai1' } : {};
      const offers = collected.map((one) => offerOf({ ...one, ...place }, backend));
      const writable = offers.filter((one) => whyNotGpuhunt(one) === null);
      const back = await read(GPUHUNT_HEADER + writable.map(gpuhuntRow).join(''), backend);
      assert.deepEqual(back.offers, writable);
      assert.equal(back.report.rejected, 0);
    }),
  );
});

test('what gpuhunt has no words for is named, not written wrongly', () => {
  const why = (collected: Partial<CollectedOffer>) => whyNotGpuhunt(offerOf({ ...CPU, ...collected }));
  assert.equal(why({}), null);
  assert.match(why({ capacityType: 'reserved' }) ?? '', /reserved/);
  assert.match(why({ cpus: 0.5 }) ?? '', /fraction/);
  assert.match(why({ accelerator: { label: 'L40', count: 0.25 } }) ?? '', /share/);
  assert.match(why({ accelerator: { label: 'Trainium2', count: 16 } }) ?? '', /aws/);
});
