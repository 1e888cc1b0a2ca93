import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryOfOne } from './device-memory.ts';

const gib = (label: string, count: number, told: number, means: 'all' | 'one') => {
  const memory = memoryOfOne(label, count, told * 1024, means);
  return memory === null ? null : memory / 1024;
};

test('the total of all devices is divided, and the memory of one is not divided once more', () => {
  assert.equal(gib('H100', 8, 640, 'all'), 80);
  assert.equal(gib('H100', 8, 80, 'all'), 80);
  assert.equal(gib('RTX 4090', 2, 24, 'one'), 24);
  assert.equal(gib('RTX 4090', 2, 48, 'one'), 24);
});

test('where both readings are sizes of the device, it is what the list means', () => {
  assert.equal(gib('A100', 2, 80, 'all'), 40);
  assert.equal(gib('A100', 2, 80, 'one'), 80);
});

test('a number that fits no size of the device is no memory of it; of an unknown device it is believed', () => {
  assert.equal(gib('H100', 8, 200, 'all'), null);
  assert.equal(gib('R200', 8, 2304, 'all'), 288);
  assert.equal(gib('R200', 8, 288, 'one'), 288);
});
