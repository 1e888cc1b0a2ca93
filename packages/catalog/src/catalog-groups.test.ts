import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OFFER_GROUP_KEYS } from '@berth/core/offer';
import { groupOffers } from '@berth/core/offers';
import fc from 'fast-check';
import { Catalog } from './catalog.ts';
import type { CatalogOffer } from './catalog-offer.ts';
import { toOffer } from './requirements-filter.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import { passes } from './testing/naive-query.ts';
import { testOffer } from './testing/offers.ts';
import { NOW, randomFilter, randomOffer } from './testing/random-catalog.ts';

function catalogOf(offers: readonly CatalogOffer[]): Catalog {
  const catalog = new Catalog({ now: () => NOW });
  const half = Math.floor(offers.length / 2);
  for (const [name, list] of Object.entries({ a: offers.slice(0, half), b: offers.slice(half) })) {
    const snapshot = decodeSnapshot(encodeSnapshot(list, { source: name, collectedAt: NOW }));
    catalog.replace(name, snapshot, { kind: 'offline', version: null, staleAfterMs: null });
  }
  return catalog;
}

test('groups are what core gathers from all the offers that pass', () => {
  // Core has no offer with a device of an unknown vendor.
  const offers = fc.array(
    randomOffer.filter((offer) => offer.accelerator?.vendor !== null),
    { maxLength: 60, size: 'max' },
  );
  fc.assert(
    fc.property(offers, randomFilter, fc.subarray([...OFFER_GROUP_KEYS]), (list, filter, by) => {
      const passing = list.filter((offer) => passes(offer, filter, NOW));
      const expected = groupOffers(
        passing.flatMap((offer) => toOffer(offer, { backendName: offer.backend, requestedDiskMiB: 0 }) ?? []),
        by,
      );
      const { groups, total } = catalogOf(list).groups(filter, by);
      assert.equal(total, passing.length);
      assert.deepEqual(groups, expected);
    }),
    { numRuns: 500 },
  );
});

test('accelerators are listed with where they are sold and from what price', () => {
  const catalog = catalogOf([
    testOffer({ backend: 'aws', region: 'us-east-1', gpu: 'A100-80GB:8', pricePerHour: 32 }),
    testOffer({ backend: 'aws', region: 'us-west-2', gpu: 'A100-80GB:1', pricePerHour: 5 }),
    testOffer({ backend: 'gcp', region: 'us-west-2', gpu: 'A100-80GB:1', pricePerHour: 6, capacityType: 'spot' }),
    testOffer({ backend: 'gcp', gpu: 'A100-40GB:1', pricePerHour: 2 }),
    testOffer({ backend: 'gcp' }),
  ]);
  const { accelerators } = catalog.accelerators({});
  assert.deepEqual(
    accelerators.map(({ name, memoryMiB }) => `${name} ${memoryMiB}`),
    ['A100 40960', 'A100 81920'],
  );
  assert.deepEqual(accelerators[1], {
    name: 'A100',
    known: true,
    vendor: 'nvidia',
    memoryMiB: 81_920,
    offers: 3,
    backends: ['aws', 'gcp'],
    regions: 3,
    counts: [1, 8],
    onDemand: { machine: 5, perGpu: 4 },
    spot: { machine: 6, perGpu: 6 },
  });
  assert.equal(catalog.accelerators({ backends: ['aws'] }).accelerators.length, 1);
});
