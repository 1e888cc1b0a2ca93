import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, INTENT_BACKOFF, isDue, LINK_BACKOFF } from './timing.ts';

test('waits double from the first one up to the longest', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 1000].map((failures) => backoff(INTENT_BACKOFF, failures));
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test('a wait is a whole number of milliseconds, because it ends in the database', () => {
  for (let failures = 0; failures < 40; failures++) assert.ok(Number.isInteger(backoff(LINK_BACKOFF, failures)));
});

test('a due time that is further away than any wait of its kind is from before the clock was set back', () => {
  assert.equal(isDue(1_000, 999, 60_000), false);
  assert.equal(isDue(1_000, 1_000, 60_000), true);
  assert.equal(isDue(3_600_000, 1_000, 60_000), true);
  assert.equal(isDue(null, 1_000, 60_000), true);
});
