import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findAccelerator } from '@berth/core/accelerators';
import { SYNTHETIC_CLOUDS, syntheticCatalog, syntheticMarketplace } from './synthetic.ts';

const options = { rows: 20_000, seed: 5, collectedAt: 0 };

test('a synthetic catalog has the shares that were asked for, and only devices of the registry', () => {
  const offers = [...syntheticCatalog(options)];
  assert.equal(offers.length, options.rows);
  const share = (isOne: (offer: (typeof offers)[number]) => boolean) => offers.filter(isOne).length / offers.length;
  for (const cloud of SYNTHETIC_CLOUDS) {
    assert.ok(Math.abs(share(({ backend }) => backend === cloud.backend) - cloud.share) < 0.001, cloud.backend);
  }
  const accelerated = share(({ accelerator }) => accelerator !== null);
  const spot = share(({ capacityType }) => capacityType === 'spot');
  assert.ok(Math.abs(accelerated - 0.45) < 0.05, `${accelerated} have accelerators`);
  assert.ok(Math.abs(spot - 0.45) < 0.02, `${spot} are spot`);
  for (const { accelerator } of offers) {
    if (accelerator === null) continue;
    const known = findAccelerator(accelerator.name);
    assert.ok(known?.memorySizesMiB.includes(accelerator.memoryMiB ?? 0), accelerator.name);
  }
});

test('offers of a synthetic catalog are all different, and the same again from the same seed', () => {
  const ids = [...syntheticCatalog(options)].map(({ id, pricePerHour }) => `${id} ${pricePerHour}`);
  assert.deepEqual(
    [...syntheticCatalog(options)].map(({ id, pricePerHour }) => `${id} ${pricePerHour}`),
    ids,
  );
  assert.equal(new Set([...syntheticCatalog(options)].map(({ id }) => id)).size, options.rows);
});

test('each offer of a synthetic marketplace is of a shape of its own', () => {
  const types = new Set([...syntheticMarketplace({ ...options, rows: 1000 })].map(({ instanceType }) => instanceType));
  assert.equal(types.size, 1000);
});
