import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeOffer } from '@berth/catalog/normalize';
import { deviceOf } from './devices.ts';

function device(type: string) {
  const collected = { instanceType: 'a', region: 'r', capacityType: 'on-demand', pricePerHour: 1, cpus: 1 } as const;
  const result = normalizeOffer(
    { ...collected, memoryMiB: 1024, accelerator: deviceOf(type, 1) },
    { backend: 'gcp', source: 'gcp', collectedAt: 0 },
  );
  assert.ok(result.ok && result.unmapped === null, type);
  const { name, memoryMiB, formFactor } = result.offer.accelerator ?? {};
  return [name, (memoryMiB ?? 0) / 1024, formFactor];
}

test('every GPU that Google rents out has a size, so that a wish for one finds it', () => {
  assert.deepEqual(device('nvidia-tesla-a100'), ['A100', 40, 'SXM']);
  assert.deepEqual(device('nvidia-a100-80gb'), ['A100', 80, 'SXM']);
  assert.deepEqual(device('nvidia-tesla-v100'), ['V100', 16, 'SXM']);
  assert.deepEqual(device('nvidia-tesla-p100'), ['P100', 16, null]);
  assert.deepEqual(device('nvidia-h100-mega-80gb'), ['H100', 80, 'SXM']);
  assert.deepEqual(device('nvidia-h200-141gb'), ['H200', 141, 'SXM']);
  assert.deepEqual(device('nvidia-tesla-t4').slice(0, 2), ['T4', 16]);
  assert.deepEqual(device('nvidia-l4').slice(0, 2), ['L4', 24]);
  assert.deepEqual(device('nvidia-b200').slice(0, 2), ['B200', 180]);
  assert.deepEqual(device('nvidia-gb200').slice(0, 2), ['GB200', 186]);
  assert.deepEqual(device('nvidia-rtx-pro-6000').slice(0, 2), ['RTXPRO6000', 96]);
});
