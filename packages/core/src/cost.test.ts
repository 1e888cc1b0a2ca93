import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDollars, formatElapsed, holdCost, sumDollars, totalCost } from './cost.ts';

const HOUR = 3_600_000;

test('a hold costs its price for its hours', () => {
  assert.equal(holdCost(12, 0, HOUR), 12);
  assert.equal(holdCost(3, 1000, 1000 + HOUR / 2), 1.5);
  assert.equal(holdCost(0.36, 0, 1000), 0.0001);
  assert.equal(holdCost(0, 0, 1e12), 0);
});

test('a clock that was set back costs nothing', () => {
  assert.equal(holdCost(98.32, 5000, 1000), 0);
});

test('the total of many holds is the same in any order, to the last digit', () => {
  const hold = fc.record({
    pricePerHour: fc.double({ min: 0, max: 200, noNaN: true }),
    fromMs: fc.integer({ min: 0, max: 1e9 }),
    untilMs: fc.integer({ min: 0, max: 1e9 }),
  });
  fc.assert(
    fc.property(fc.array(hold, { maxLength: 50 }), (holds) => {
      assert.equal(totalCost(holds), totalCost([...holds].reverse()));
      const costs = holds.map((h) => holdCost(h.pricePerHour, h.fromMs, h.untilMs));
      assert.equal(totalCost(holds), sumDollars(costs));
      assert.ok(Math.abs(totalCost(holds) - costs.reduce((a, b) => a + b, 0)) < 1e-6);
    }),
  );
});

test('cutting a hold in two does not change what it costs by a millionth of a dollar', () => {
  const time = fc.integer({ min: 0, max: 30 * 24 * HOUR });
  fc.assert(
    fc.property(fc.double({ min: 0, max: 200, noNaN: true }), time, time, time, (price, a, b, c) => {
      const [from = 0, cut = 0, until = 0] = [a, b, c].sort((x, y) => x - y);
      const parts = [
        { pricePerHour: price, fromMs: from, untilMs: cut },
        { pricePerHour: price, fromMs: cut, untilMs: until },
      ];
      assert.ok(Math.abs(totalCost(parts) - holdCost(price, from, until)) < 1e-6);
    }),
  );
});

test('dollars are shown as far as their digits say something', () => {
  const shown: readonly (readonly [number, string])[] = [
    [0, '$0'],
    [0.0042, '$0.0042'],
    [0.00001, '<$0.0001'],
    [0.05, '$0.05'],
    [0.1, '$0.10'],
    [0.526, '$0.526'],
    [0.9999, '$0.9999'],
    [0.99999, '$1.00'],
    [1, '$1.00'],
    [12.34, '$12.34'],
    [98.3199, '$98.32'],
    [999.999, '$1,000.00'],
    [1234.5, '$1,234.50'],
    [1234567, '$1,234,567.00'],
    [-1.2, '-$1.20'],
    [Number.NaN, '?'],
  ];
  for (const [amount, text] of shown) assert.equal(formatDollars(amount), text);
});

test('elapsed time is shown in two units at most', () => {
  const shown: readonly (readonly [number, string])[] = [
    [0, '0ms'],
    [850, '850ms'],
    [999.9, '999ms'],
    [4270, '4.2s'],
    [9999, '9.9s'],
    [42_000, '42s'],
    [59_999, '59s'],
    [65_000, '1m 05s'],
    [HOUR - 1, '59m 59s'],
    [2 * HOUR + 3 * 60_000, '2h 03m'],
    [76 * HOUR, '3d 04h'],
    [-65_000, '-1m 05s'],
    [Number.POSITIVE_INFINITY, '?'],
  ];
  for (const [ms, text] of shown) assert.equal(formatElapsed(ms), text);
});
