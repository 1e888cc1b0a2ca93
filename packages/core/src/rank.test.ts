import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryOffer } from './placement.fixture.ts';
import { compareIds, compareOffers, firstOf, isChoosable } from './rank.ts';

test('what is in stock, idle or unknown may be tried; what is known not to be had may not', () => {
  for (const availability of ['available', 'idle', 'unknown'] as const) assert.ok(isChoosable(availability));
  for (const availability of ['not-available', 'no-quota', 'busy'] as const) assert.ok(!isChoosable(availability));
});

test('two different offers are never equal in rank', () => {
  fc.assert(
    fc.property(arbitraryOffer, arbitraryOffer, (a, b) => {
      // A sum, because 0 and -0 are not the same to `assert`.
      assert.equal(Math.sign(compareOffers(a, b)) + Math.sign(compareOffers(b, a)), 0);
      if (a.id !== b.id) assert.notEqual(compareOffers(a, b), 0);
    }),
  );
});

test('ids are compared in the same way on every machine', () => {
  assert.deepEqual(['b', 'B', 'ä', 'a'].sort(compareIds), ['B', 'a', 'b', 'ä']);
});

test('the first of many are the beginning of the sorted list', () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.nat()), { maxLength: 40 });
  const limit = fc.oneof(fc.integer({ min: -1, max: 50 }), fc.constant(Number.POSITIVE_INFINITY));
  fc.assert(
    fc.property(pairs, limit, (items, n) => {
      // By the first number alone: equal items keep their order, as in a stable sort.
      const compare = (a: [number, number], b: [number, number]) => a[0] - b[0];
      assert.deepEqual(firstOf(items, n, compare), [...items].sort(compare).slice(0, Math.max(0, n)));
    }),
  );
});
