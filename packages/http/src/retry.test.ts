import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfter, retryDelay } from './retry.ts';

const NOW = Date.UTC(2026, 0, 5, 12, 0, 0);
const said = (value: string): Headers => new Headers({ 'retry-after': value });

test('Retry-After is read in seconds and as a date', () => {
  assert.equal(retryAfter(said('7'), NOW), 7_000);
  assert.equal(retryAfter(said('0'), NOW), 0);
  assert.equal(retryAfter(said('Mon, 05 Jan 2026 12:00:30 GMT'), NOW), 30_000);
});

test('a date that is over means: at once', () => {
  assert.equal(retryAfter(said('Mon, 05 Jan 2026 11:00:00 GMT'), NOW), 0);
});

test('what is neither seconds nor a date says nothing', () => {
  for (const value of ['', 'soon', '-5', '1.5', 'Monday', '99999999999'])
    assert.equal(retryAfter(said(value), NOW), null, value);
  assert.equal(retryAfter(new Headers(), NOW), null);
});

test('pauses double from half a second, half of each by chance, and stay under a minute', () => {
  assert.deepEqual(
    [1, 2, 3, 20].map((sent) => retryDelay(sent, null, () => 0)),
    [250, 500, 1_000, 30_000],
  );
  assert.deepEqual(
    [1, 2, 3, 20].map((sent) => retryDelay(sent, null, () => 1)),
    [500, 1_000, 2_000, 60_000],
  );
});

test('nobody comes back before the time that was asked for, and not all at the same moment', () => {
  assert.equal(
    retryDelay(1, 7_000, () => 0),
    7_000,
  );
  assert.equal(
    retryDelay(1, 7_000, () => 1),
    7_250,
  );
});

test('a wait of more than a minute is not waited for', () => {
  assert.equal(
    retryDelay(1, 60_000, () => 0),
    60_000,
  );
  assert.equal(
    retryDelay(1, 60_001, () => 0),
    null,
  );
});
