import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sliceOf, tpuMachine } from './tpu-versions.ts';

test('the number in a name counts cores in some versions and chips in others', () => {
  for (const [type, chips, hosts] of [
    ['v2-8', 4, 1],
    ['v3-2048', 1024, 256],
    ['v4-16', 8, 2],
    ['v5p-128', 64, 16],
    ['v5litepod-1', 1, 1],
    ['v5litepod-8', 8, 1],
    ['v5litepod-256', 256, 64],
    ['v6e-16', 16, 4],
  ] as const) {
    const slice = sliceOf(type, null);
    assert.ok('chips' in slice, type);
    assert.deepEqual([slice.chips, slice.hosts], [chips, hosts], type);
  }
});

test('a name and a topology that contradict each other make no offer', () => {
  const slice = sliceOf('v5p-8', '4x4x4');
  assert.deepEqual(slice, { reason: 'its name stands for 4 chips, its topology 4x4x4 for 64' });
});

test('versions and sizes that nobody knows are refused with the reason', () => {
  assert.deepEqual(sliceOf('v9x-8', null), { reason: 'this version of TPUs is not known' });
  assert.deepEqual(sliceOf('v6e-3', null), { reason: 'no host is known for 3 chips' });
});

test('machine types with TPUs say their chips at the end', () => {
  assert.deepEqual(tpuMachine('ct5lp-hightpu-8t'), { version: 'v5litepod', chips: 8 });
  assert.deepEqual(tpuMachine('tpu7x-standard-4t'), { version: 'tpu7x', chips: 4 });
  assert.equal(tpuMachine('n2-standard-4'), null);
});
