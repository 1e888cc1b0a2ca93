import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MEMORY } from './memory.ts';
import type { Range } from './offer.ts';
import { COUNT, formatRange, parseRange, type RangeUnit, rangePattern } from './ranges.ts';

/** Every range that a text can say. */
const rangeUpTo = (max: number): fc.Arbitrary<Range> =>
  fc
    .tuple(fc.option(fc.nat({ max })), fc.option(fc.nat({ max })))
    .filter(([a, b]) => a !== null || b !== null)
    .map(([a, b]) => (a !== null && b !== null && a > b ? { min: b, max: a } : { min: a, max: b }));

test('a value is exact, and either end may be open', () => {
  assert.deepEqual(parseRange('4', COUNT), { min: 4, max: 4 });
  assert.deepEqual(parseRange('2..8', COUNT), { min: 2, max: 8 });
  assert.deepEqual(parseRange(' 2 .. ', COUNT), { min: 2, max: null });
  assert.deepEqual(parseRange('..8', COUNT), { min: null, max: 8 });
  assert.deepEqual(parseRange('4..4', COUNT), { min: 4, max: 4 });
  assert.deepEqual(parseRange('512MB..2', MEMORY), { min: 512, max: 2048 });
});

test('what is printed reads back as the same range, and fits the pattern for editors', () => {
  const holds = (unit: RangeUnit, max: number): void => {
    const pattern = new RegExp(rangePattern(unit));
    fc.assert(
      fc.property(rangeUpTo(max), (range) => {
        const text = formatRange(range, unit);
        assert.deepEqual(parseRange(text, unit), range);
        assert.match(text, pattern);
      }),
    );
  };
  holds(COUNT, 999_999_999);
  holds(MEMORY, 1_000_000);
  assert.equal(formatRange({ min: null, max: null }), '0..');
});

test('a range that nothing can lie in, or that says nothing, is refused', () => {
  assert.throws(() => parseRange('8..2', COUNT), { message: '`8..2` begins above its end', hint: 'write `2..8`' });
  assert.throws(() => parseRange('..', COUNT), /neither where the range begins/);
  for (const text of ['', '2...8', '2..8..9', 'x', '-1', '1.5', '1e3', '2-8']) {
    assert.throws(() => parseRange(text, COUNT), { code: 'invalid-configuration' }, text);
  }
});
