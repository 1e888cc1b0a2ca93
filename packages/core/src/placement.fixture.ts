/** Offers, instances and requirements for tests, plain and arbitrary. */

import fc from 'fast-check';
import type { InstanceId } from './ids.ts';
import {
  type AcceleratorCount,
  AVAILABILITIES,
  CAPACITY_TYPES,
  type GpuRequirement,
  type InstanceResources,
  type Offer,
  offerId,
  type Range,
  type Requirements,
} from './offer.ts';
import type { PlaceableInstance, PlacementInput } from './place.ts';

export const GIB = 1024;

export const ANY: Range = { min: null, max: null };
export const atLeast = (min: number): Range => ({ min, max: null });
export const exactly = (value: number): Range => ({ min: value, max: value });

export const ANYTHING: Requirements = {
  cpu: ANY,
  cpuArch: null,
  memoryMiB: ANY,
  diskMiB: null,
  shmMiB: null,
  gpu: null,
  capacityTypes: CAPACITY_TYPES,
  maxPricePerHour: null,
  backends: null,
  regions: null,
  zones: null,
  instanceTypes: null,
};

export function gpu(wanted: Partial<GpuRequirement>): GpuRequirement {
  return {
    vendor: null,
    names: null,
    count: exactly(1),
    memoryMiB: null,
    totalMemoryMiB: null,
    computeCapability: null,
    ...wanted,
  };
}

export function device(
  name: string,
  count: number,
  gib: number,
  more: Partial<AcceleratorCount> = {},
): AcceleratorCount {
  return { name, vendor: 'nvidia', count, memoryMiB: gib * GIB, known: true, ...more };
}

export function resources(more: Partial<InstanceResources> = {}): InstanceResources {
  return { cpus: 8, cpuArch: 'x86', memoryMiB: 32 * GIB, diskMiB: 100 * GIB, accelerators: [], ...more };
}

export function offer(more: Partial<Omit<Offer, 'id'>> = {}): Offer {
  const rest: Omit<Offer, 'id'> = {
    backend: 'aws',
    instanceType: 'm7i.2xlarge',
    region: 'eu-west-1',
    zone: null,
    capacityType: 'on-demand',
    pricePerHour: 0.4,
    availability: 'available',
    resources: resources(),
    ...more,
  };
  return { id: offerId(rest), ...rest };
}

export function instance(id: string, more: Partial<Omit<PlaceableInstance, 'id'>> = {}): PlaceableInstance {
  return {
    fleet: null,
    backend: 'aws',
    instanceType: 'm7i.2xlarge',
    region: 'eu-west-1',
    zone: null,
    capacityType: 'on-demand',
    pricePerHour: 0.4,
    resources: resources(),
    totalBlocks: 1,
    busyBlocks: 0,
    createdAt: 0,
    idleSince: 0,
    ...more,
    id: id as InstanceId, // a test's own id
  };
}

export function placement(more: Partial<PlacementInput<PlaceableInstance>> = {}): PlacementInput<PlaceableInstance> {
  return {
    nodes: 1,
    requirements: ANYTHING,
    instances: [],
    fleets: null,
    offers: [],
    creationPolicy: 'reuse-or-create',
    avoidOffers: {},
    now: 1_000_000,
    ...more,
  };
}

// Few values, so that ties, near misses and shared sites are common.
const arbitraryDevices = fc.constantFrom<readonly AcceleratorCount[]>(
  [],
  [device('T4', 1, 16)],
  [device('A100', 4, 40)],
  [device('H100', 8, 80)],
  [device('T4', 1, 16), device('A100', 1, 40)],
  [device('MI300X', 8, 192, { vendor: 'amd' })],
  [device('Mystery', 1, 0, { known: false })],
);

export const arbitraryResources: fc.Arbitrary<InstanceResources> = fc.record({
  cpus: fc.constantFrom(2, 8, 64),
  cpuArch: fc.constantFrom('x86', 'arm'),
  memoryMiB: fc.constantFrom(8 * GIB, 32 * GIB, 512 * GIB),
  diskMiB: fc.constantFrom(50 * GIB, 500 * GIB),
  accelerators: arbitraryDevices,
});

const arbitraryWhere = {
  backend: fc.constantFrom('aws', 'gcp'),
  instanceType: fc.constantFrom('small', 'large'),
  region: fc.constantFrom('eu', 'us'),
  zone: fc.constantFrom(null, 'a', 'b'),
  capacityType: fc.constantFrom<Offer['capacityType'][]>('on-demand', 'spot'),
  pricePerHour: fc.constantFrom(0, 0.1, 1, 3.5, 20),
  resources: arbitraryResources,
};

export const arbitraryOffer: fc.Arbitrary<Offer> = fc
  .record({
    ...arbitraryWhere,
    availability: fc.constantFrom(...AVAILABILITIES),
  })
  .map(offer);

const arbitraryInstance: fc.Arbitrary<Omit<PlaceableInstance, 'id'>> = fc
  .record({
    ...arbitraryWhere,
    fleet: fc.constantFrom(null, 'one', 'two'),
    totalBlocks: fc.constantFrom(1, 1, 2, 4),
    busy: fc.nat(4),
    createdAt: fc.constantFrom(10, 20),
    since: fc.constantFrom(100, 200),
  })
  .map(({ busy, since, ...rest }) => {
    const busyBlocks = Math.min(busy, rest.totalBlocks);
    return { ...rest, busyBlocks, idleSince: busyBlocks === 0 ? since : null };
  });

const range = (...values: number[]): fc.Arbitrary<Range> =>
  fc
    .tuple(fc.constantFrom(null, null, ...values), fc.constantFrom(null, null, ...values))
    .map(([a, b]) => (a !== null && b !== null && a > b ? { min: b, max: a } : { min: a, max: b }));

const arbitraryGpu: fc.Arbitrary<GpuRequirement> = fc.record({
  vendor: fc.constantFrom<GpuRequirement['vendor'][]>(null, null, 'nvidia', 'amd'),
  names: fc.constantFrom(null, null, ['A100'], ['H100', 'A100'], ['MI300X'], ['Mystery']),
  count: fc.oneof(range(0, 1, 4, 8), fc.constant(exactly(1))),
  memoryMiB: fc.option(range(16 * GIB, 40 * GIB, 80 * GIB)),
  totalMemoryMiB: fc.option(range(40 * GIB, 160 * GIB, 640 * GIB)),
  computeCapability: fc.constantFrom<(readonly [number, number] | null)[]>(null, null, [8, 0]),
});

export const arbitraryRequirements: fc.Arbitrary<Requirements> = fc.record({
  cpu: range(1, 2, 8, 64),
  cpuArch: fc.constantFrom(null, null, 'x86', 'arm'),
  memoryMiB: range(1 * GIB, 8 * GIB, 32 * GIB),
  diskMiB: fc.option(range(10 * GIB, 50 * GIB)),
  shmMiB: fc.constant(null),
  gpu: fc.option(arbitraryGpu),
  capacityTypes: fc.constantFrom<Requirements['capacityTypes'][]>(['on-demand'], ['spot'], ['on-demand', 'spot']),
  maxPricePerHour: fc.constantFrom(null, null, 1, 3.5),
  backends: fc.constantFrom(null, null, ['aws'], ['AWS', 'gcp']),
  regions: fc.constantFrom(null, null, ['eu']),
  zones: fc.constantFrom(null, null, ['a']),
  instanceTypes: fc.constantFrom(null, null, ['large']),
});

/** Half of the worlds want anything at all, so that many of them end in a placement. */
export const arbitraryPlacement: fc.Arbitrary<PlacementInput<PlaceableInstance>> = fc
  .record({
    nodes: fc.integer({ min: 1, max: 4 }),
    requirements: fc.oneof(fc.constant(ANYTHING), arbitraryRequirements),
    instances: fc.array(arbitraryInstance, { maxLength: 8 }),
    fleets: fc.constantFrom(null, null, ['one'], ['one', 'two'], []),
    offers: fc.uniqueArray(arbitraryOffer, { maxLength: 12, selector: (o) => o.id }),
    creationPolicy: fc.constantFrom<PlacementInput<PlaceableInstance>['creationPolicy'][]>('reuse', 'reuse-or-create'),
    maxNew: fc.constantFrom(null, null, 0, 1, 2),
    avoided: fc.array(fc.constantFrom(500, 1000, 1500, 2000), { maxLength: 6 }),
    now: fc.constant(1000),
  })
  .map(({ instances, maxNew, avoided, ...rest }) => ({
    ...rest,
    instances: instances.map((one, i) => ({ ...one, id: `instance-${i}` as InstanceId })),
    ...(maxNew !== null && { maxNewInstances: maxNew }),
    avoidOffers: Object.fromEntries(avoided.map((until, i) => [rest.offers[i]?.id ?? 'gone', until])),
  }));
