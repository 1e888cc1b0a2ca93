import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Purse } from './purse.ts';

const HOUR_MS = 3_600_000;

function purse(maxSpend: number, maxTimeMs = HOUR_MS / 2) {
  const clock = { ms: 0 };
  return { clock, purse: new Purse({ maxSpend, maxTimeMs, now: () => clock.ms }) };
}

test('a machine is paid for a whole hour, or for all hours that the check may last', () => {
  const half = purse(10).purse;
  half.pay(0.4);
  assert.equal(half.spent, 0.4);
  const long = purse(10, 2.5 * HOUR_MS).purse;
  long.pay(0.5);
  assert.equal(long.spent, 1.5);
});

test('what would go above the limit is refused, and nothing is taken out', () => {
  const { purse: one } = purse(1);
  one.pay(0.6);
  assert.throws(() => one.pay(0.6), { name: 'Skipped' });
  assert.throws(() => one.pay(Number.NaN), { name: 'Skipped' });
  one.pay(0.4);
  assert.equal(one.spent, 1);
});

test('when the time is over, nothing begins', () => {
  const { purse: one, clock } = purse(1);
  one.requireTime();
  clock.ms = HOUR_MS / 2;
  assert.equal(one.remainingMs, 0);
  assert.throws(() => one.requireTime(), { name: 'Skipped' });
});
