import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentile } from './percentile.ts';

test('a percentile is a sample, and as many percent of all are not above it', () => {
  const samples = Array.from({ length: 200 }, (_, i) => 200 - i);
  assert.deepEqual(
    [1, 50, 99, 100].map((percent) => percentile(samples, percent)),
    [2, 100, 198, 200],
  );
  assert.equal(percentile([7], 99), 7);
  assert.throws(() => percentile([], 50), RangeError);
});
