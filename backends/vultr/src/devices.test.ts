import assert from 'node:assert/strict';
import { test } from 'node:test';
import { devicesOf } from './devices.ts';

/** Label, count, GiB of one device. */
function read(plan: Parameters<typeof devicesOf>[0]): readonly unknown[] | null {
  const devices = devicesOf(plan);
  return devices && [devices.label, devices.count, (devices.memoryMiB ?? 0) / 1024];
}

test('what the fields tell is taken as it is told', () => {
  const plan = { id: 'vcg-a100-12c-120g-80vram', gpu_type: 'NVIDIA_A100', gpu_vram_gb: 80 };
  assert.deepEqual(read({ ...plan, gpu_count: 1 }), ['NVIDIA_A100', 1, 80]);
  assert.deepEqual(read({ ...plan, gpu_count: '1/8', gpu_vram_gb: 10 }), ['NVIDIA_A100', 0.125, 80]);
  assert.deepEqual(read({ ...plan, gpu_count: '2', gpu_vram_gb: 160 }), ['NVIDIA_A100', 2, 80]);
});

test("an A100's size comes from its plan and is not assumed to be 80 GB", () => {
  const plan = { id: 'vcg-a100-6c-60g-40vram', gpu_type: 'NVIDIA_A100', gpu_vram_gb: 40 };
  assert.deepEqual(read({ ...plan, gpu_count: 1 }), ['NVIDIA_A100', 1, 40]);
  assert.deepEqual(read({ ...plan, gpu_count: '1/2' }), ['NVIDIA_A100', 0.5, 80]);
});

test('a share of a device whose count is not told is a count below one', () => {
  const shares = (id: string) => read({ id })?.slice(1);
  assert.deepEqual(shares('vcg-a100-1c-6g-4vram'), [0.05, 80]);
  assert.deepEqual(shares('vcg-a100-6c-60g-40vram'), [0.5, 80]);
  assert.deepEqual(shares('vcg-a16-2c-8g-2vram'), [0.125, 16]);
  assert.deepEqual(shares('vcg-a16-24c-256g-64vram'), [4, 16]);
  assert.deepEqual(shares('vcg-a40-24c-120g-48vram'), [1, 48]);
});

test('several devices are counted by the sizes that are made', () => {
  assert.deepEqual(read({ id: 'x', gpu_type: 'NVIDIA_A100', gpu_vram_gb: 160 }), ['NVIDIA_A100', 2, 80]);
  // Sold as 192 GB each, of which programs have 180.
  assert.deepEqual(read({ id: 'x', gpu_type: 'NVIDIA_HGX_B200', gpu_vram_gb: 1536 }), ['NVIDIA_HGX_B200', 8, 192]);
});

test('every plan of bare metal with devices is read, also of those that nobody has listed before', () => {
  assert.deepEqual(read({ id: 'vbm-256c-2048gb-8-mi300x-gpu' }), ['mi300x', 8, 0]);
  assert.deepEqual(read({ id: 'vbm-72c-480gb-gh200-gpu' }), ['gh200', 1, 0]);
  assert.deepEqual(read({ id: 'vbm-512c-9000gb-4-zz9000-gpu' }), ['zz9000', 4, 0]);
  const counted = { id: 'vbm-256c-3072gb-8-mi325x-gpu', gpu_count: 8, gpu_vram_gb: 2048 };
  assert.deepEqual(read(counted), ['mi325x', 8, 256]);
});

test('a device that nobody knows stays in, whole', () => {
  assert.deepEqual(read({ id: 'vcg-x9-8c-60g-50vram' }), ['x9', 1, 50]);
});

test('plans without devices have none', () => {
  for (const id of ['vc2-1c-1gb', 'vhp-8c-16gb-amd', 'voc-c-2c-4gb-75s-amd', 'vbm-4c-32gb']) {
    assert.equal(devicesOf({ id, gpu_type: '', gpu_brand: '' }), null, id);
  }
});
