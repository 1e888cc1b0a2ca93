import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparkline } from './sparkline.ts';

const scale = { since: 0, until: 80, low: 1, high: 3 };

test('a price holds until the next one, and a dot stands where it is not sold', () => {
  const points = [
    { at: 20, price_per_gpu: 1 },
    { at: 40, price_per_gpu: 3 },
    { at: 70, price_per_gpu: null },
  ];
  assert.equal(sparkline(points, scale, 8), '·▁▁███··');
});

test('lines of one scale can be compared; a price that never changed is flat', () => {
  assert.equal(sparkline([{ at: 0, price_per_gpu: 2 }], scale, 4), '▅▅▅▅');
  assert.equal(sparkline([{ at: 0, price_per_gpu: 2 }], { ...scale, low: 2, high: 2 }, 4), '▁▁▁▁');
  assert.equal(sparkline([], scale, 3), '···');
});
