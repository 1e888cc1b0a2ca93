/** Random offers and queries for properties: small dictionaries, so that values meet, ties and nulls included. */

import { FORM_FACTORS } from '@berth/core/accelerator';
import { AVAILABILITIES, CAPACITY_TYPES } from '@berth/core/offer';
import fc from 'fast-check';
import { type CatalogAccelerator, type CatalogOffer, catalogOfferId } from '../catalog-offer.ts';
import type { CatalogFilter } from '../catalog-query.ts';

/** `now` of the properties. */
export const NOW = 1_700_000_000_000;

const word = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('aws', 'gcp', 'us-east', 'us-east-1', 'us-east-1a', 'eu/1', 'eu', 'Zürich', '-', ''),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
);
const instanceType = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('p5.48xlarge', 'p5e.48xlarge', 'a2-highgpu-8g', 'A3', 'n1', '*') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
);
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 3 });
const amount = fc.oneof(fc.constantFrom(0.5, 1, 2, 4, 8, 64, 1024), fc.double({ min: 0, max: 1e9, noNaN: true }));

const known = fc
  .constantFrom(
    ['H100', 'nvidia', 80],
    ['H100', 'nvidia', 94],
    ['A100', 'nvidia', 40],
    ['A100', 'nvidia', 80],
    ['T4', 'nvidia', 16],
    ['MI300X', 'amd', 192],
    ['v5litepod', 'google', 16],
    ['Gaudi2', 'intel', 96],
  )
  .map(([name, vendor, gib]) => ({ name, vendor, known: true, memoryMiB: Number(gib) * 1024 }) as CatalogAccelerator);
const unknown = fc.record({
  name: fc.constantFrom('FooGPU 9', 'foogpu 9', 'H100 Laptop GPU', 'h100'),
  vendor: fc.constantFrom('nvidia', null),
  known: fc.constant(false),
  memoryMiB: orNull(fc.constantFrom(0, 1000, 81920)),
});
const accelerator = fc
  .tuple(
    fc.oneof(known, unknown),
    fc.constantFrom(0.125, 0.5, 1, 2, 8, 8, 16),
    fc.constantFrom(...FORM_FACTORS, null),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(
    ([device, count, formFactor, forget]): CatalogAccelerator => ({
      name: device.name,
      vendor: device.vendor,
      known: device.known,
      count,
      memoryMiB: forget === 0 ? null : device.memoryMiB,
      formFactor,
    }),
  );

export const randomOffer: fc.Arbitrary<CatalogOffer> = fc
  .record({
    backend: word,
    instanceType,
    region: word,
    zone: orNull(word),
    country: orNull(fc.constantFrom('US', 'DE', 'CH')),
    capacityType: fc.constantFrom(...CAPACITY_TYPES),
    pricePerHour: fc.oneof(
      fc.constantFrom(0.1, 0.3, 1, 1, 1, 2, 8),
      fc.double({ min: 5e-324, max: 1e12, noNaN: true }),
    ),
    cpus: amount,
    memoryMiB: amount,
    cpuArch: fc.constantFrom('x86', 'arm'),
    accelerator: orNull(accelerator),
    diskMiB: orNull(amount),
    interconnect: orNull(fc.constantFrom('EFA', 'InfiniBand')),
    networkGbps: orNull(fc.constantFrom(0, 100, 3200)),
    flags: fc.subarray(['oci-spot', 'gcp-a4', 'a+b']),
    providerData: fc.option(
      fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3, noNullPrototype: true }),
      { freq: 2 },
    ),
    availability: fc.constantFrom(...AVAILABILITIES),
    source: fc.constantFrom('aws', 'import'),
    collectedAt: fc.constantFrom(NOW, NOW - 1000, NOW - 3_600_000),
  } satisfies { [Field in keyof Omit<CatalogOffer, 'id'>]: fc.Arbitrary<CatalogOffer[Field]> })
  .map((offer) => {
    // As it comes back: JSON knows no -0.
    const providerData = offer.providerData === null ? null : JSON.parse(JSON.stringify(offer.providerData));
    const whole = { ...offer, providerData };
    return { id: catalogOfferId(whole), ...whole };
  });

/** A few shapes in many places: groups of many rows, some of them with the same id and price. */
export const randomOffers: fc.Arbitrary<CatalogOffer[]> = fc
  .tuple(
    fc.array(randomOffer, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(3), randomOffer), { maxLength: 50, size: 'max' }),
    fc.boolean(),
  )
  .map(([shapes, places, isClustered]) =>
    places.map(([number, place]) => {
      const shape = shapes[number % shapes.length];
      if (!isClustered || shape === undefined) return place;
      const { region, zone, country, pricePerHour, availability, collectedAt } = place;
      const offer = { ...shape, region, zone, country, pricePerHour, availability, collectedAt };
      return { ...offer, id: catalogOfferId(offer) };
    }),
  );

const words = fc.array(fc.oneof(word, fc.constantFrom('AWS', 'us-*', '*', 'us-east-?', '*e*1*')), { maxLength: 3 });
const patterns = fc.array(fc.oneof(instanceType, fc.constantFrom('P5*', '*.48XLARGE', 'a?', '*gpu*8*')), {
  maxLength: 3,
});
const countries = fc.array(fc.constantFrom('us', 'DE', 'c?'), { maxLength: 2 });
const range = (values: readonly number[]) => {
  const end = fc.option(fc.constantFrom(...values), { freq: 2 });
  return fc.record({ min: end, max: end });
};
const names = fc.array(
  fc.constantFrom(
    'H100',
    'h100',
    'A100-80GB',
    'NVIDIA A100',
    'foogpu 9',
    'tpu-v5e',
    'v5litepod-8',
    'no such',
    'MI300X',
    'T4',
  ),
  { maxLength: 3 },
);
const capability = fc.constantFrom([7, 5] as const, [8, 0] as const, [9, 0] as const);

/** Every key is there in a fifth of them. */
function sometimes<T extends object>(
  arbitraries: { [Key in keyof T]: fc.Arbitrary<T[Key]> },
): fc.Arbitrary<Partial<T>> {
  return fc.record(arbitraries).chain((all) =>
    fc
      .array(fc.integer({ min: 0, max: 4 }), {
        minLength: Object.keys(all).length,
        maxLength: Object.keys(all).length,
      })
      .map((dice) => Object.fromEntries(Object.entries(all).filter((_, index) => dice[index] === 0)) as Partial<T>),
  ); // some of its entries
}

export const randomFilter: fc.Arbitrary<CatalogFilter> = sometimes<Required<CatalogFilter>>({
  backends: words,
  excludeBackends: words,
  instanceTypes: patterns,
  excludeInstanceTypes: patterns,
  regions: words,
  excludeRegions: words,
  zones: words,
  excludeZones: words,
  countries,
  excludeCountries: countries,
  capacityTypes: fc.subarray([...CAPACITY_TYPES]),
  cpuArch: fc.constantFrom('x86', 'arm'),
  cpus: range([0.5, 1, 2, 4, 8, 64]),
  memoryMiB: range([1, 2, 4, 1024]),
  diskMiB: range([0, 1, 2, 1024]),
  unknownDisk: fc.constantFrom('include', 'exclude'),
  accelerator: sometimes({
    names,
    excludeNames: names,
    vendors: fc.subarray(['nvidia', 'amd', 'google', 'intel']),
    count: range([0, 0, 0.5, 1, 8]),
    memoryMiB: range([0, 16_384, 81_920]),
    totalMemoryMiB: range([0, 81_920, 655_360]),
    computeCapability: sometimes({ min: capability, max: capability }),
    formFactors: fc.subarray([...FORM_FACTORS]),
  }),
  flags: fc.subarray(['oci-spot', 'GCP-A4', 'a+b']),
  pricePerHour: range([0.1, 0.3, 1, 2, 8]),
  availability: fc.subarray([...AVAILABILITIES]),
  maxAgeMs: fc.constantFrom(0, 1000, 10_000),
});
