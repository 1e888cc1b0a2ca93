import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches } from '@berth/core/match';
import { CAPACITY_TYPES, type Requirements } from '@berth/core/offer';
import fc from 'fast-check';
import { requirementsFilter, toOffer } from './requirements-filter.ts';
import { passes } from './testing/naive-query.ts';
import { testOffer } from './testing/offers.ts';
import { NOW, randomOffer } from './testing/random-catalog.ts';

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 1 });
const range = (...values: readonly number[]) => {
  const end = fc.option(fc.constantFrom(...values), { freq: 1 });
  return fc.record({ min: end, max: end });
};

const randomRequirements: fc.Arbitrary<Requirements> = fc.record({
  cpu: range(0.5, 1, 8),
  cpuArch: orNull(fc.constantFrom('x86', 'arm')),
  memoryMiB: range(1, 4, 1024),
  diskMiB: orNull(range(1, 64)),
  shmMiB: fc.constant(null),
  gpu: orNull(
    fc.record({
      vendor: orNull(fc.constantFrom('nvidia', 'amd', 'google')),
      names: orNull(fc.subarray(['H100', 'A100', 'T4', 'MI300X', 'v5litepod', 'FooGPU 9'], { minLength: 1 })),
      count: range(0, 1, 8),
      memoryMiB: orNull(range(16_384, 81_920)),
      totalMemoryMiB: orNull(range(81_920, 655_360)),
      computeCapability: orNull(fc.constantFrom([7, 5] as const, [9, 0] as const)),
    }),
  ),
  capacityTypes: fc.subarray([...CAPACITY_TYPES], { minLength: 2 }),
  maxPricePerHour: orNull(fc.constantFrom(0.3, 1, 2)),
  backends: fc.constant(null),
  regions: orNull(fc.constantFrom(['us-east'], ['US-East-1', 'eu'])),
  zones: orNull(fc.constantFrom(['us-east-1a', '-'])),
  instanceTypes: orNull(fc.constantFrom(['P5.48xlarge', 'n1'])),
});

test('an offer passes the filter exactly when core finds that it fits the requirements', () => {
  const options = { backendName: 'mine', requestedDiskMiB: 64 };
  let fitting = 0;
  fc.assert(
    fc.property(randomOffer, randomRequirements, (catalogOffer, requirements) => {
      const offer = toOffer(catalogOffer, options);
      fc.pre(offer !== null);
      // Of 64 MiB to be chosen, a range that ends before is none that the catalog can know of.
      fc.pre(requirements.diskMiB === null || (requirements.diskMiB.max ?? 64) >= 64);
      const fits = matches(requirements, offer).fits;
      assert.equal(passes(catalogOffer, requirementsFilter(requirements, catalogOffer.backend), NOW), fits);
      if (fits) fitting += 1;
    }),
    { numRuns: 5000 },
  );
  assert.ok(fitting > 50, `${fitting} fitted: too few to say anything`);
});

test("core's offer carries the configured backend's name, in its id too, and the disk that was asked for", () => {
  const catalogOffer = testOffer({ backend: 'gcp', gpu: 'A100-80GB:8', region: 'us-central1', zone: 'us-central1-a' });
  const offer = toOffer(catalogOffer, { backendName: 'my-gcp', requestedDiskMiB: 102_400 });
  assert.equal(offer?.id, 'my-gcp/us-central1/us-central1-a/gpu.A100-80GB:8/on-demand/A100:80GB:8');
  assert.equal(offer.backend, 'my-gcp');
  assert.equal(offer.resources.diskMiB, 102_400);
  assert.deepEqual(offer.resources.accelerators, [
    { name: 'A100', vendor: 'nvidia', count: 8, memoryMiB: 81_920, known: true },
  ]);
});

test('a device of a vendor that nobody knows cannot be planned with', () => {
  const offer = testOffer({ accelerator: { label: 'FooGPU 9', count: 1, vendor: null } });
  assert.equal(toOffer(offer, { backendName: 'x', requestedDiskMiB: 0 }), null);
});
