import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { FORM_FACTORS } from '@berth/core/accelerator';
import { BerthError } from '@berth/core/errors';
import { AVAILABILITIES, CAPACITY_TYPES, OFFER_SORTS } from '@berth/core/offer';
import fc from 'fast-check';
import { Catalog } from './catalog.ts';
import { type CatalogOffer, catalogOfferId } from './catalog-offer.ts';
import { decodeSnapshot, decodeSnapshotInSlices, encodeSnapshot } from './snapshot.ts';
import { SECTIONS, type SectionName } from './snapshot-columns.ts';
import { NOW, randomOffer, randomOffers } from './testing/random-catalog.ts';

const meta = { source: 'aws', collectedAt: NOW };
const sample = (count: number): CatalogOffer[] => fc.sample(randomOffer, { numRuns: count, seed: 7 });

/** Two of one id may differ in anything else, so that all of it sorts. */
const sorted = (list: Iterable<CatalogOffer>) => [...list].map((one) => JSON.stringify(canonical(one))).sort();
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => [key, canonical(one)]);
}

test('what is written is read: every offer, every field, as often as it was there', () => {
  fc.assert(
    fc.property(randomOffers, (list) => {
      const read = decodeSnapshot(encodeSnapshot(list, meta));
      assert.deepEqual(read.meta, meta);
      assert.equal(read.size, list.length);
      assert.deepEqual(sorted(read), sorted(list));
      for (const offer of read) assert.equal(offer.id, catalogOfferId(offer));
    }),
    { numRuns: 200 },
  );
});

test('a word keeps the position by which files hold it, whatever is added', () => {
  const first = (words: readonly string[], held: readonly string[]) =>
    assert.deepEqual(words.slice(0, held.length), held);
  first(CAPACITY_TYPES, ['on-demand', 'spot', 'reserved']);
  first(AVAILABILITIES, ['unknown', 'available', 'not-available', 'no-quota', 'idle', 'busy']);
  first(FORM_FACTORS, ['SXM', 'PCIe', 'NVL', 'OAM']);
});

test('the same offers give the same bytes, whatever their order', () => {
  fc.assert(
    fc.property(randomOffers, fc.integer(), (list, seed) => {
      const other = fc.sample(fc.shuffledSubarray(list, { minLength: list.length }), { numRuns: 1, seed })[0] ?? [];
      assert.deepEqual(encodeSnapshot(other, meta), encodeSnapshot(list, meta));
    }),
  );
});

test('a file with any byte changed is refused', () => {
  const bytes = encodeSnapshot(sample(3), meta);
  for (let at = 0; at < bytes.length; at += 1) {
    for (const flip of [1, 128, 255]) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      assert.throws(() => decodeSnapshot(damaged), isRefusal, `byte ${at}`);
    }
  }
});

test('so is one that is cut short anywhere, or has something appended', () => {
  const bytes = encodeSnapshot(sample(3), meta);
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => decodeSnapshot(bytes.slice(0, length)), isRefusal, `${length} bytes`);
  }
  assert.throws(() => decodeSnapshot(Buffer.concat([bytes, Buffer.alloc(8)])), /appended/);
  assert.throws(() => decodeSnapshot(Buffer.from('<!doctype html><html>'.padEnd(500))), /does not begin like one/);
});

test('a file at an odd place of a larger buffer is read as well', () => {
  const list = sample(5);
  const bytes = encodeSnapshot(list, meta);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assert.deepEqual(sorted(decodeSnapshot(shifted.subarray(3))), sorted(list));
});

test('decoding in slices gives the same, and the same refusals', async () => {
  const list = sample(50);
  const bytes = encodeSnapshot(list, meta);
  assert.deepEqual(sorted(await decodeSnapshotInSlices(bytes)), sorted(list));
  await assert.rejects(decodeSnapshotInSlices(bytes.slice(0, -1)), isRefusal);
});

test('an offer without a price above zero, or with a number that is none, is refused by name', () => {
  const offer = sample(1)[0] as CatalogOffer;
  for (const wrong of [
    { pricePerHour: 0 },
    { pricePerHour: Number.NaN },
    { pricePerHour: Number.POSITIVE_INFINITY },
    { cpus: -1 },
    { memoryMiB: Number.NaN },
    { region: 'half \ud83d' },
  ]) {
    const bad = { ...offer, id: 'aws/x', ...wrong };
    assert.throws(() => encodeSnapshot([bad], meta), /cannot hold aws\/x/, JSON.stringify(wrong));
  }
});

test('an offer that was handed out can be changed without changing the catalog', () => {
  const list = sample(20);
  const snapshot = decodeSnapshot(encodeSnapshot(list, meta));
  for (const offer of snapshot) {
    Object.assign(offer, { pricePerHour: 0 });
    if (offer.providerData !== null) Object.assign(offer.providerData, { changed: true });
    assert.ok(Object.isFrozen(offer.flags));
    assert.ok(Object.isFrozen(offer.accelerator));
  }
  assert.deepEqual(sorted(snapshot), sorted(list));
});

test('a file that was made to do harm, its checksum right, is refused or read; it never breaks a query', () => {
  const bytes = encodeSnapshot(sample(12), meta);
  let refused = 0;
  const change = fc.tuple(fc.integer({ min: 56, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const forged = bytes.slice();
      for (const [at, flip] of changes) forged[at] = (forged[at] ?? 0) ^ flip;
      const hash = createHash('sha256').update(forged.subarray(0, 24)).update(forged.subarray(56));
      forged.set(hash.digest(), 24);
      try {
        const snapshot = decodeSnapshot(forged);
        const catalog = new Catalog({ now: () => NOW });
        catalog.replace('aws', snapshot, { kind: 'offline', version: null, staleAfterMs: null });
        for (const sort of OFFER_SORTS) {
          const { offers, total } = catalog.query({ sort, limit: snapshot.size });
          assert.equal(offers.length, total);
          for (const { pricePerHour, cpus, memoryMiB, diskMiB, networkGbps, accelerator, collectedAt } of offers) {
            assert.ok(pricePerHour > 0);
            new Date(collectedAt).toISOString();
            for (const amount of [pricePerHour, cpus, memoryMiB, diskMiB, networkGbps, accelerator?.count]) {
              assert.ok(amount == null || (amount >= 0 && Number.isFinite(amount)), `${amount}`);
            }
          }
        }
        assert.equal([...snapshot].length, snapshot.size);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refused += 1;
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(refused > 300, `${refused} were refused`);
});

test('a file with numbers that the builder would refuse is refused, its checksum right', () => {
  const section = (name: SectionName) => 64 + 16 * SECTIONS.indexOf(name);
  for (const name of ['cpus', 'memoryMiB', 'diskMiB', 'traitNumbers', 'acceleratorNumbers', 'originTimes'] as const) {
    for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY, 1e300]) {
      if (Number.isNaN(value) && (name === 'diskMiB' || name === 'traitNumbers')) continue; // it stands for "unknown"
      if (value === 1e300 && name !== 'originTimes') continue; // large, and yet an amount
      const forged = encodeSnapshot(sample(12), meta);
      const view = new DataView(forged.buffer);
      view.setFloat64(view.getUint32(section(name) + 8, true) * 8, value, true);
      const hash = createHash('sha256').update(forged.subarray(0, 24)).update(forged.subarray(56));
      forged.set(hash.digest(), 24);
      assert.throws(() => decodeSnapshot(forged), isRefusal, `${name} ${value}`);
    }
  }
  assert.throws(() => decodeSnapshot(encodeSnapshot([], { source: 'aws', collectedAt: 1e300 })), isRefusal);
});

function isRefusal(error: unknown): boolean {
  return error instanceof BerthError && error.code === 'invalid-request' && /snapshot/.test(error.message);
}
