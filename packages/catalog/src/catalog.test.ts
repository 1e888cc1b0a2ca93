import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BerthError } from '@berth/core/errors';
import { OFFER_SORTS } from '@berth/core/offer';
import fc from 'fast-check';
import { Catalog } from './catalog.ts';
import type { CatalogOffer } from './catalog-offer.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import { naiveQuery } from './testing/naive-query.ts';
import { testOffer } from './testing/offers.ts';
import { NOW, randomFilter, randomOffer, randomOffers } from './testing/random-catalog.ts';

const offline = { kind: 'offline', version: '1', staleAfterMs: null } as const;
const snapshotOf = (offers: readonly CatalogOffer[], source = 'a') =>
  decodeSnapshot(encodeSnapshot(offers, { source, collectedAt: NOW }));
const lists = fc.array(randomOffers, { minLength: 1, maxLength: 3 });
const sort = fc.constantFrom(...OFFER_SORTS);

function catalogOf(sources: readonly (readonly CatalogOffer[])[]): Catalog {
  const catalog = new Catalog({ now: () => NOW });
  for (const [index, offers] of sources.entries()) catalog.replace(`s${index}`, snapshotOf(offers), offline);
  return catalog;
}

/** Equal places of the order may be exchanged: only what is between them is told. */
const places = (offers: readonly CatalogOffer[]) => offers.map(({ id, pricePerHour }) => [id, pricePerHour]);
const contents = (offers: readonly CatalogOffer[]) =>
  offers.map((offer) => JSON.stringify(Object.entries(offer).sort())).sort();

test('the index answers what looking at every offer answers: which, in what order, how many', () => {
  fc.assert(
    fc.property(lists, randomFilter, randomFilter, sort, fc.nat(12), (sources, filter, before, by, limit) => {
      const catalog = catalogOf(sources);
      catalog.query(before); // no question is answered with what is left of the one before
      const expected = naiveQuery(sources.flat(), filter, by, NOW);
      const all = catalog.query({ ...filter, sort: by, limit: 1000 });
      assert.equal(all.total, expected.length);
      assert.equal(catalog.count(filter), expected.length);
      assert.deepEqual(places(all.offers), places(expected));
      assert.deepEqual(contents(all.offers), contents(expected));
      assert.equal(all.next, null);
      const first = catalog.query({ ...filter, sort: by, limit });
      assert.deepEqual(places(first.offers), places(expected.slice(0, limit)));
      assert.equal(first.total, expected.length);
    }),
    { numRuns: 1000 },
  );
});

test('pages one after the other are the whole list, each offer once', () => {
  fc.assert(
    fc.property(lists, randomFilter, sort, fc.integer({ min: 1, max: 7 }), (sources, filter, by, limit) => {
      const catalog = catalogOf(sources);
      const expected = catalog.query({ ...filter, sort: by, limit: 1000 }).offers;
      const paged: CatalogOffer[] = [];
      let after: string | undefined;
      do {
        const page = catalog.query({ ...filter, sort: by, limit, ...(after !== undefined && { after }) });
        paged.push(...page.offers);
        assert.equal(page.total, expected.length);
        after = page.next ?? undefined;
      } while (after !== undefined);
      assert.deepEqual(paged, expected);
    }),
    { numRuns: 300 },
  );
});

test('offers of one id and price, in one source or in several, are all on some page', () => {
  const offer = fc.sample(randomOffer, { numRuns: 1, seed: 3 })[0] as CatalogOffer;
  const dearer = { ...offer, pricePerHour: offer.pricePerHour * 2 };
  const catalog = catalogOf([[offer, offer, dearer], [offer], [dearer, offer]]);
  for (const limit of [1, 2, 3, 4, 5]) {
    const prices: number[] = [];
    let after: string | undefined;
    do {
      const page = catalog.query({ limit, ...(after !== undefined && { after }) });
      prices.push(...page.offers.map(({ pricePerHour }) => pricePerHour));
      after = page.next ?? undefined;
    } while (after !== undefined);
    const [low, high] = [offer.pricePerHour, dearer.pricePerHour];
    assert.deepEqual(prices, [low, low, low, low, high, high], `pages of ${limit}`);
  }
});

test('a page goes on after its place when the catalog was renewed in between', () => {
  const offers = fc.sample(randomOffer, { numRuns: 200, seed: 3 });
  const catalog = catalogOf([offers]);
  const first = catalog.query({ limit: 50 });
  const kept = offers.filter((_, index) => index % 3 !== 0);
  catalog.replace('s0', snapshotOf(kept), offline);
  const second = catalog.query({ limit: 1000, after: first.next ?? '' });
  const last = first.offers.at(-1) as CatalogOffer;
  const expected = naiveQuery(kept, {}, 'price', NOW).filter(
    ({ pricePerHour, id }) => pricePerHour > last.pricePerHour || (pricePerHour === last.pricePerHour && id > last.id),
  );
  assert.deepEqual(places(second.offers), places(expected));
});

test('a memory in a label counts, and so does the size of a TPU slice', () => {
  const catalog = catalogOf([
    [
      testOffer({ gpu: 'A100-40GB:1' }),
      testOffer({ gpu: 'A100-80GB:1' }),
      testOffer({ accelerator: { label: 'v5litepod-8', count: 1 }, instanceType: 'tpu8' }),
      testOffer({ accelerator: { label: 'v5litepod-4', count: 1 }, instanceType: 'tpu4' }),
    ],
  ]);
  const types = (name: string) =>
    catalog.query({ accelerator: { names: [name] } }).offers.map(({ instanceType }) => instanceType);
  assert.deepEqual(types('nvidia a100 80gb'), ['gpu.A100-80GB:1']);
  assert.deepEqual(types('A100'), ['gpu.A100-40GB:1', 'gpu.A100-80GB:1']);
  assert.deepEqual(types('tpu-v5litepod-8'), ['tpu8']);
  assert.deepEqual(types('TPU v5e'), ['tpu4', 'tpu8']);
});

test('a damaged cursor, and one of another order, are mistakes of the request', () => {
  const catalog = catalogOf([fc.sample(randomOffer, { numRuns: 20, seed: 1 })]);
  const next = catalog.query({ limit: 5 }).next as string;
  for (const after of ['', 'x', `${next}!`, next.slice(0, -3), Buffer.from('[2,3]').toString('base64url')]) {
    assert.throws(() => catalog.query({ after }), isBadRequest, after);
  }
  assert.throws(() => catalog.query({ after: next, sort: 'price-per-gpu' }), isBadRequest);
  assert.throws(() => catalog.query({ limit: 1.5 }), isBadRequest);
});

function isBadRequest(error: unknown): boolean {
  return error instanceof BerthError && error.code === 'invalid-request';
}
