import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CatalogOffer } from '../catalog-offer.ts';
import { normalizeOffer } from '../normalize.ts';
import { OFFER_FILE_FORMATS, OFFER_READERS, offerWriter } from './offer-files.ts';

const offer = fc.record({
  instanceType: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.,"' ü_-]{0,10}[A-Za-z0-9]$/),
  region: fc.constantFrom('us-east-1', 'Germany, DE'),
  zone: fc.constantFrom(null, 'z-1'),
  country: fc.constantFrom(null, 'DE'),
  capacityType: fc.constantFrom('on-demand' as const, 'spot' as const),
  pricePerHour: fc.double({ min: 1e-6, max: 1e5, noNaN: true }),
  cpus: fc.constantFrom(0.5, 1, 96),
  memoryMiB: fc.integer({ min: 1, max: 32 * 1024 * 1024 }),
  cpuArch: fc.constantFrom('x86' as const, 'arm' as const),
  accelerator: fc.option(
    fc.record({
      label: fc.constantFrom('H100', 'A100-80GB', 'L40S', 'MI300X', 'Trainium2', 'tpu-v5litepod-8', 'X 900'),
      count: fc.constantFrom(0.125, 1, 8),
    }),
  ),
  diskMiB: fc.option(fc.integer({ min: 1, max: 1024 * 1024 * 1024 })),
  networkGbps: fc.constantFrom(null, 100, 12.5),
});

async function reread(format: (typeof OFFER_FILE_FORMATS)[number], offers: readonly CatalogOffer[]) {
  const writer = offerWriter(format);
  const written = offers.filter((one) => writer.add(one) === null);
  const back: CatalogOffer[] = [];
  const report = await OFFER_READERS[format](new TextEncoder().encode(writer.text()), {
    backend: 'aws',
    collectedAt: 5,
    onOffer: (one) => back.push(one),
  });
  return { written, back, report };
}

test('the generic table is read as the offers that were written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(offer, { maxLength: 20 }), async (collected) => {
      const offers = collected.flatMap((one) => {
        const normalized = normalizeOffer(one, { backend: 'aws', source: 'aws', collectedAt: 5 });
        return normalized.ok ? [normalized.offer] : [];
      });
      const { written, back, report } = await reread('csv', offers);
      assert.deepEqual(back, written);
      assert.equal(report.rejected, 0);
    }),
  );
});

test('every form that is written is read again under the same name', async () => {
  const normalized = normalizeOffer(
    {
      instanceType: 'x',
      region: 'r',
      capacityType: 'spot',
      pricePerHour: 1.5,
      cpus: 8,
      memoryMiB: 65536,
      accelerator: { label: 'L4', count: 2 },
    },
    { backend: 'aws', source: 'aws', collectedAt: 5 },
  );
  assert.ok(normalized.ok);
  for (const format of OFFER_FILE_FORMATS)
    assert.deepEqual((await reread(format, [normalized.offer])).back, [normalized.offer], format);
});
