import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { candidateOfBlocks, resourcesOfBlocks } from './blocks.ts';
import { arbitraryOffer, arbitraryResources, device, GIB, offer, resources } from './placement.fixture.ts';

test('a quarter of a machine has a quarter of what it has, at a quarter of the price', () => {
  const whole = offer({
    pricePerHour: 16,
    resources: resources({ cpus: 6, memoryMiB: 100 * GIB + 3, accelerators: [device('H100', 8, 80)] }),
  });
  const quarter = candidateOfBlocks(whole, 1, 4);
  assert.equal(quarter.pricePerHour, 4);
  assert.equal(quarter.resources.cpus, 1.5);
  assert.equal(quarter.resources.memoryMiB, 25 * GIB);
  assert.deepEqual(quarter.resources.accelerators, [device('H100', 2, 80)]);
});

test('a share too small for a device has none', () => {
  assert.deepEqual(resourcesOfBlocks(resources({ accelerators: [device('T4', 1, 16)] }), 1, 2).accelerators, []);
});

test('all blocks together are the machine itself', () => {
  fc.assert(
    fc.property(arbitraryOffer, fc.integer({ min: 1, max: 8 }), (one, blocks) => {
      assert.deepEqual(candidateOfBlocks(one, blocks, blocks), one);
    }),
  );
});

test('shares that make up a machine never have more than it has', () => {
  const split = fc
    .integer({ min: 1, max: 8 })
    .chain((total) => fc.record({ total: fc.constant(total), part: fc.integer({ min: 0, max: total }) }));
  fc.assert(
    fc.property(arbitraryResources, split, (whole, { total, part }) => {
      const [a, b] = [resourcesOfBlocks(whole, part, total), resourcesOfBlocks(whole, total - part, total)];
      assert.ok(a.cpus + b.cpus <= whole.cpus);
      assert.ok(a.memoryMiB + b.memoryMiB <= whole.memoryMiB);
      assert.ok(a.diskMiB + b.diskMiB <= whole.diskMiB);
      for (const { name, count } of whole.accelerators) {
        const of = (share: typeof a) => share.accelerators.find((d) => d.name === name)?.count ?? 0;
        assert.ok(of(a) + of(b) <= count);
      }
    }),
  );
});
