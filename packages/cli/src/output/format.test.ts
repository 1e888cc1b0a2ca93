import assert from 'node:assert/strict';
import { test } from 'node:test';
import { age, dollars, duration, memory, plural, timestamp } from './format.ts';

test('money has as many digits as say something', () => {
  const cases = [
    [0, '$0'],
    [0.00001, '<$0.0001'],
    [0.0042, '$0.0042'],
    [0.05, '$0.05'],
    [0.5, '$0.50'],
    [1.25, '$1.25'],
    [1.234, '$1.234'],
    [98.3212, '$98.32'],
    [1200, '$1200.00'],
  ] as const;
  for (const [value, text] of cases) assert.equal(dollars(value), text);
});

test('durations are told in two units at most', () => {
  const cases = [
    [0, '0 ms'],
    [850, '850 ms'],
    [4_200, '4.2 s'],
    [60_000, '1 m'],
    [200_000, '3 m 20 s'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 m'],
    [273_600_000, '3 d 4 h'],
  ] as const;
  for (const [ms, text] of cases) assert.equal(duration(ms), text);
});

test('ages are short', () => {
  const cases = [
    [0, 'now'],
    [12_000, '12s'],
    [300_000, '5m'],
    [10_800_000, '3h'],
    [200_000_000, '2d'],
    [-5_000, 'now'],
  ] as const;
  for (const [ms, text] of cases) assert.equal(age(1_000_000_000 - ms, 1_000_000_000), text);
});

test('memory is spelled as configurations spell it', () => {
  const cases = [
    [512, '512MB'],
    [16 * 1024, '16GB'],
    [1536, '1.5GB'],
    [81_559, '80GB'],
    [1.5 * 1024 * 1024, '1.5TB'],
  ] as const;
  for (const [mib, text] of cases) assert.equal(memory(mib), text);
});

test('one is one, more are many, and a time is readable', () => {
  assert.deepEqual(
    [plural(1, 'offer'), plural(2, 'offer'), plural(0, 'box', 'boxes')],
    ['1 offer', '2 offers', '0 boxes'],
  );
  assert.match(timestamp(0), /^19(69|70)-\d\d-\d\d \d\d:\d\d:\d\d$/);
});
