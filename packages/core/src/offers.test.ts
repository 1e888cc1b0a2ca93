import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OFFER_GROUP_KEYS } from './offer.ts';
import { fittingOffers, groupOffers, sortOffers, totalsOf } from './offers.ts';
import { ANYTHING, arbitraryOffer, atLeast, device, offer, resources } from './placement.fixture.ts';

const machine = (instanceType: string, pricePerHour: number, ...accelerators: ReturnType<typeof device>[]) =>
  offer({ instanceType, pricePerHour, resources: resources({ accelerators }) });

const cpu = machine('cpu', 0.1);
const t4 = machine('t4', 0.5, device('T4', 1, 16));
const a100 = machine('a100', 2, device('A100', 1, 80));
const h100s = machine('h100s', 16, device('H100', 8, 80));
const mystery = machine('mystery', 1, device('Mystery', 4, 0, { known: false }));
const ALL = [h100s, mystery, cpu, a100, t4];

const types = (offers: readonly { instanceType: string }[]) => offers.map((one) => one.instanceType);

test('offers are sorted by price, by price per GPU, or by price per GiB of its memory', () => {
  assert.deepEqual(types(sortOffers(ALL)), ['cpu', 't4', 'mystery', 'a100', 'h100s']);
  assert.deepEqual(types(sortOffers(ALL, 'price-per-gpu')), ['mystery', 't4', 'a100', 'h100s', 'cpu']);
  // $0.025 for the A100 and the H100s alike, so the cheaper machine is first; what has no such price is last.
  assert.deepEqual(types(sortOffers(ALL, 'price-per-gpu-gib')), ['a100', 'h100s', 't4', 'cpu', 'mystery']);
});

test('the limit cuts the list and not the totals', () => {
  assert.deepEqual(types(sortOffers(ALL, 'price', 2)), ['cpu', 't4']);
  assert.deepEqual(totalsOf(ALL), { count: 5, minPrice: 0.1, maxPrice: 16 });
  assert.deepEqual(totalsOf([]), { count: 0, minPrice: null, maxPrice: null });
});

test('offers that do not fit are counted by their reason; those out of stock are kept', () => {
  const gone = offer({ instanceType: 'gone', availability: 'not-available', resources: resources({ cpus: 64 }) });
  const requirements = { ...ANYTHING, cpu: atLeast(16) };
  const { fitting, misfits } = fittingOffers(requirements, [cpu, gone, t4]);
  assert.deepEqual(types(fitting), ['gone']);
  assert.deepEqual(misfits, [{ reason: 'CPUs 8 < 16', count: 2 }]);
});

test('grouped by GPU, a group tells its prices, places and counts', () => {
  const spot = offer({
    backend: 'gcp',
    region: 'us',
    capacityType: 'spot',
    pricePerHour: 4,
    availability: 'not-available',
    resources: resources({ accelerators: [device('H100', 4, 80)] }),
  });
  assert.deepEqual(groupOffers([h100s, spot, cpu], ['gpu']), [
    {
      gpu: null,
      count: 1,
      minPrice: 0.1,
      maxPrice: 0.1,
      choosable: 1,
      minPricePerGpu: null,
      backends: ['aws'],
      regions: ['eu-west-1'],
      gpuCounts: [0],
      capacityTypes: ['on-demand'],
    },
    {
      gpu: { name: 'H100', memoryMiB: 81920 },
      count: 2,
      minPrice: 4,
      maxPrice: 16,
      choosable: 1,
      minPricePerGpu: 1,
      backends: ['aws', 'gcp'],
      regions: ['eu-west-1', 'us'],
      gpuCounts: [4, 8],
      capacityTypes: ['on-demand', 'spot'],
    },
  ]);
});

test('regions of two clouds that share a name are two groups', () => {
  const groups = groupOffers([offer({ backend: 'x', region: 'r' }), offer({ backend: 'y', region: 'r' })], ['region']);
  assert.deepEqual(
    groups.map(({ backend, region }) => [backend, region]),
    [
      ['x', 'r'],
      ['y', 'r'],
    ],
  );
});

test('one name with two sizes of memory is two groups', () => {
  const groups = groupOffers([machine('a', 1, device('A100', 1, 40)), machine('b', 2, device('A100', 1, 80))], ['gpu']);
  assert.equal(groups.length, 2);
});

test('every offer is in one group, and neither sorting nor grouping depends on the order of the input', () => {
  const world = fc
    .uniqueArray(arbitraryOffer, { maxLength: 20, selector: (one) => one.id })
    .chain((offers) =>
      fc.tuple(fc.constant(offers), fc.shuffledSubarray(offers, { minLength: offers.length }), fc.nat(25)),
    );
  fc.assert(
    fc.property(world, fc.subarray([...OFFER_GROUP_KEYS]), ([offers, shuffled, limit], by) => {
      const groups = groupOffers(offers, by);
      assert.deepEqual(groupOffers(shuffled, by), groups);
      assert.equal(
        groups.reduce((sum, group) => sum + group.count, 0),
        offers.length,
      );
      for (const sort of ['price', 'price-per-gpu', 'price-per-gpu-gib'] as const) {
        assert.deepEqual(sortOffers(shuffled, sort, limit), sortOffers(offers, sort).slice(0, limit));
      }
    }),
  );
});
