import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRICE_LIST, priceOf } from './price-list.ts';

function gpus(gpu_type: string, num_gpu = 8) {
  return { product_name: 'x.8x', cpu_cores: 176, gpu_type, num_gpu };
}

test('a machine costs its devices', () => {
  const prices = ['H100-SXM-80GB', 'A100-SXM-80GB', 'A100-PCIe-80GB', 'H200-SXM-141GB', 'L40S-48GB', 'MI300X-192GB'];
  assert.deepEqual(
    prices.map((label) => priceOf(gpus(label))),
    [31.2, 18.4, 16, 34.32, 12, 27.6].map((usdPerHour) => ({ usdPerHour })),
  );
});

test('a machine without devices costs its vCPUs', () => {
  const plain = { gpu_type: '', num_gpu: 0 };
  assert.deepEqual(priceOf({ ...plain, product_name: 'c1a.16x', cpu_cores: 16 }), { usdPerHour: 0.64 });
  assert.deepEqual(priceOf({ ...plain, product_name: 's1a.20x', cpu_cores: 20 }), { usdPerHour: 1.8 });
  assert.deepEqual(priceOf({ ...plain, product_name: 'c2a.4x', cpu_cores: 4 }), {
    unpriced: `the price list of ${PRICE_LIST.asOf} has no price for vCPUs of c2a`,
  });
});

test('no price is guessed: what sales must be asked for, and what the list does not hold, has none', () => {
  for (const label of ['B200-SXM-180GB', 'GB200-186GB', 'MI355X-288GB', 'A100-PCIe-40GB', 'A40-PCIe-48GB', 'R200']) {
    assert.deepEqual(priceOf(gpus(label)), {
      unpriced: `the price list of ${PRICE_LIST.asOf} has no price for ${label}`,
    });
  }
});

test('a label that fits two prices has none', () => {
  assert.deepEqual(priceOf(gpus('A100-80GB')), {
    unpriced: `the price list of ${PRICE_LIST.asOf} has several prices for A100-80GB`,
  });
});
