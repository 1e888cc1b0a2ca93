import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matcher, matches } from './match.ts';
import { MisfitTally } from './misfit.ts';
import type { GpuRequirement, Offer, Requirements } from './offer.ts';
import {
  ANYTHING,
  arbitraryOffer,
  arbitraryRequirements,
  atLeast,
  device,
  exactly,
  GIB,
  gpu,
  offer,
  resources,
} from './placement.fixture.ts';

function because(requirements: Partial<Requirements>, candidate: Offer): string | null {
  const result = matches({ ...ANYTHING, ...requirements }, candidate);
  return result.fits ? null : result.because;
}

const with_ = (...accelerators: Offer['resources']['accelerators'][number][]) =>
  offer({ resources: resources({ accelerators }) });
const gpuBecause = (wanted: Partial<GpuRequirement>, candidate: Offer) => because({ gpu: gpu(wanted) }, candidate);

test('who asks for nothing gets anything that has a price', () => {
  assert.equal(because({}, offer()), null);
  assert.equal(because({}, with_(device('H100', 8, 80))), null);
  assert.equal(because({}, offer({ pricePerHour: 0 })), null);
  for (const pricePerHour of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
    assert.equal(because({}, offer({ pricePerHour })), 'price: not known');
  }
});

test('both ends of a range belong to it', () => {
  assert.equal(because({ cpu: exactly(8) }, offer()), null);
  assert.equal(because({ cpu: atLeast(9) }, offer()), 'CPUs 8 < 9');
  assert.equal(because({ cpu: { min: 2, max: 7 } }, offer()), 'CPUs 8 > 7');
  assert.equal(because({ memoryMiB: exactly(32 * GIB) }, offer()), null);
  assert.equal(because({ memoryMiB: atLeast(64 * GIB) }, offer()), 'memory 32 GiB < 64 GiB');
  assert.equal(because({ memoryMiB: { min: null, max: 31.5 * GIB } }, offer()), 'memory 32 GiB > 31.5 GiB');
  assert.equal(because({ diskMiB: atLeast(100 * GIB) }, offer()), null);
  assert.equal(because({ diskMiB: atLeast(200 * GIB) }, offer()), 'disk 100 GiB < 200 GiB');
});

test('two values that differ never look alike', () => {
  const nearly = offer({ resources: resources({ memoryMiB: 65_530 }), pricePerHour: 12.341 });
  assert.equal(because({ memoryMiB: atLeast(64 * GIB) }, nearly), 'memory 65530 MiB < 65536 MiB');
  assert.equal(because({ maxPricePerHour: 12.34 }, nearly), 'price $12.341/h > $12.34/h');
});

test('a number that is not known satisfies nothing', () => {
  assert.equal(because({}, offer({ resources: resources({ cpus: Number.NaN }) })), 'CPUs: not known');
  assert.equal(
    because({ diskMiB: atLeast(1) }, offer({ resources: resources({ diskMiB: Number.NaN }) })),
    'disk: not known',
  );
});

test('lists are matched in any letter case, and say what is excluded', () => {
  assert.equal(because({ backends: ['AWS'], regions: ['EU-West-1'], instanceTypes: ['M7i.2xlarge'] }, offer()), null);
  assert.equal(because({ backends: ['gcp'] }, offer()), 'in backend aws, which the configuration excludes');
  assert.equal(because({ regions: ['us-east-1'] }, offer()), 'in region eu-west-1, which the configuration excludes');
  assert.equal(because({ instanceTypes: ['x'] }, offer()), 'of type m7i.2xlarge, which the configuration excludes');
  assert.equal(because({ capacityTypes: ['spot'] }, offer()), 'on-demand, where spot is wanted');
  assert.equal(because({ backends: [] }, offer()), 'in backend aws, which the configuration excludes');
});

test('an offer without a zone does not promise one', () => {
  assert.equal(because({ zones: ['eu-west-1a'] }, offer()), 'the zone is not known');
  assert.equal(because({ zones: ['eu-west-1a'] }, offer({ zone: 'eu-west-1a' })), null);
});

test('the price limit is included', () => {
  assert.equal(because({ maxPricePerHour: 0.4 }, offer()), null);
  assert.equal(because({ maxPricePerHour: 0.39 }, offer()), 'price $0.40/h > $0.39/h');
});

test('an architecture that is asked for must be there', () => {
  assert.equal(because({ cpuArch: 'arm' }, offer()), 'CPU x86, where arm is wanted');
  assert.equal(because({ cpuArch: 'x86' }, offer()), null);
});

test('a machine without a GPU never passes for one with', () => {
  const none = offer();
  assert.equal(gpuBecause({}, none), 'no GPU, where one is wanted');
  assert.equal(gpuBecause({ names: ['H100', 'H200'] }, none), 'no GPU, where H100 or H200 is wanted');
  assert.equal(gpuBecause({ vendor: 'amd' }, none), 'no GPU, where one of amd is wanted');
  // Zero lies below every upper end.
  assert.notEqual(gpuBecause({ count: { min: null, max: 8 } }, none), null);
  assert.notEqual(gpuBecause({ memoryMiB: { min: null, max: 80 * GIB } }, none), null);
  assert.notEqual(gpuBecause({ count: { min: null, max: 8 } }, with_(device('H100', 0, 80))), null);
});

test('a configuration may ask for no GPU, or leave it open', () => {
  assert.equal(gpuBecause({ count: exactly(0) }, offer()), null);
  assert.equal(gpuBecause({ count: exactly(0) }, with_(device('T4', 1, 16))), 'GPUs 1 > 0');
  assert.equal(gpuBecause({ count: atLeast(0), names: ['T4'] }, offer()), null);
  assert.equal(gpuBecause({ count: atLeast(0), names: ['T4'] }, with_(device('T4', 1, 16))), null);
  assert.equal(
    gpuBecause({ count: atLeast(0), names: ['T4'] }, with_(device('A10', 1, 24))),
    'GPU A10, where T4 is wanted',
  );
});

test('GPUs are matched by vendor, name, memory and number', () => {
  const h100s = with_(device('H100', 8, 80));
  assert.equal(gpuBecause({ vendor: 'nvidia', names: ['H100'], count: exactly(8) }, h100s), null);
  assert.equal(gpuBecause({ vendor: 'amd', count: exactly(8) }, h100s), 'GPU of nvidia, where amd is wanted');
  assert.equal(gpuBecause({ names: ['GH200'], count: exactly(8) }, h100s), 'GPU H100, where GH200 is wanted');
  assert.equal(gpuBecause({ names: ['H100'] }, h100s), 'GPUs 8 > 1');
  assert.equal(gpuBecause({ names: ['H100'], count: atLeast(16) }, h100s), 'GPUs 8 < 16');
  assert.equal(
    gpuBecause({ count: exactly(8), memoryMiB: atLeast(141 * GIB) }, h100s),
    'memory of a GPU 80 GiB < 141 GiB',
  );
  assert.equal(gpuBecause({ count: exactly(8), totalMemoryMiB: atLeast(640 * GIB) }, h100s), null);
  assert.equal(
    gpuBecause({ count: exactly(8), totalMemoryMiB: atLeast(641 * GIB) }, h100s),
    'memory of all GPUs 640 GiB < 641 GiB',
  );
});

test('compute capability is a minimum, known for devices of the registry alone', () => {
  assert.equal(gpuBecause({ computeCapability: [8, 0] }, with_(device('A100', 1, 40))), null);
  assert.equal(gpuBecause({ computeCapability: [8, 6] }, with_(device('A100', 1, 40))), 'compute capability 8.0 < 8.6');
  assert.equal(gpuBecause({ computeCapability: [8, 9] }, with_(device('H100', 1, 80))), null);
  assert.equal(
    gpuBecause({ computeCapability: [10, 0] }, with_(device('H100', 1, 80))),
    'compute capability 9.0 < 10.0',
  );
  const unknown = 'the compute capability is not known';
  assert.equal(gpuBecause({ computeCapability: [3, 0] }, with_(device('MI300X', 1, 192, { vendor: 'amd' }))), unknown);
  assert.equal(gpuBecause({ computeCapability: [3, 0] }, with_(device('H100', 1, 80, { known: false }))), unknown);
});

test('a device whose memory is not known passes no requirement on memory', () => {
  const mystery = with_(device('Mystery', 1, 0, { known: false }));
  assert.equal(gpuBecause({}, mystery), null);
  assert.equal(gpuBecause({ names: ['mystery'] }, mystery), null);
  assert.equal(gpuBecause({ memoryMiB: { min: null, max: 80 * GIB } }, mystery), 'memory of a GPU: not known');
  assert.equal(gpuBecause({ totalMemoryMiB: { min: null, max: 80 * GIB } }, mystery), 'memory of all GPUs: not known');
});

test('on a host with several kinds of devices, those that fit are counted', () => {
  const mixed = with_(device('T4', 1, 16), device('A100', 2, 40), device('A100', 1, 40));
  assert.equal(gpuBecause({ names: ['A100'], count: exactly(3) }, mixed), null);
  assert.equal(gpuBecause({ memoryMiB: atLeast(24 * GIB), count: exactly(3) }, mixed), null);
  assert.equal(gpuBecause({ count: exactly(4) }, mixed), null);
  assert.equal(gpuBecause({ names: ['A100'], memoryMiB: atLeast(80 * GIB) }, mixed), 'memory of a GPU 40 GiB < 80 GiB');
});

test('availability is no part of fitting', () => {
  for (const availability of ['not-available', 'no-quota', 'busy'] as const) {
    assert.equal(because({}, offer({ availability })), null);
  }
});

test('many misfits become few lines, with the nearest value and some of the names', () => {
  const requirements: Requirements = { ...ANYTHING, memoryMiB: atLeast(64 * GIB), backends: ['aws', 'gcp'] };
  const tally = new MisfitTally(requirements);
  const fits = matcher(requirements);
  const offers = [
    ...[4, 15, 8].map((gib) => offer({ resources: resources({ memoryMiB: gib * GIB }) })),
    ...['vultr', 'oci', 'azure', 'nebius', 'oci'].map((backend) => offer({ backend })),
  ];
  for (const one of offers) {
    const misfit = fits(one);
    assert.ok(misfit);
    tally.add(misfit);
  }
  assert.deepEqual(tally.counts(), [
    { count: 5, reason: 'in backends azure, nebius, oci and 1 more, which the configuration excludes' },
    { count: 3, reason: 'memory at most 15 GiB < 64 GiB' },
  ]);
});

/** The rules once more, written as a list of conditions instead of a search for the first that fails. */
function fitsByDefinition(wanted: Requirements, one: Offer): boolean {
  const within = (value: number, min: number | null, max: number | null) =>
    (min ?? 0) <= value && value <= (max ?? 1e99);
  const among = (list: readonly string[] | null, word: string | null) =>
    list === null || list.some((w) => w.toLowerCase() === word?.toLowerCase());
  const { resources: has, pricePerHour } = one;
  const plain =
    among(wanted.backends, one.backend) &&
    among(wanted.regions, one.region) &&
    among(wanted.zones, one.zone) &&
    among(wanted.instanceTypes, one.instanceType) &&
    wanted.capacityTypes.includes(one.capacityType) &&
    (wanted.cpuArch ?? has.cpuArch) === has.cpuArch &&
    within(has.cpus, wanted.cpu.min, wanted.cpu.max) &&
    within(has.memoryMiB, wanted.memoryMiB.min, wanted.memoryMiB.max) &&
    within(has.diskMiB, wanted.diskMiB?.min ?? null, wanted.diskMiB?.max ?? null) &&
    within(pricePerHour, null, wanted.maxPricePerHour);
  if (!plain || wanted.gpu === null) return plain;
  const { vendor, names, count, memoryMiB, totalMemoryMiB, computeCapability } = wanted.gpu;
  const capabilities: Readonly<Record<string, number>> = { T4: 7.5, A100: 8, H100: 9 };
  const good = has.accelerators.filter(
    (d) =>
      (vendor ?? d.vendor) === d.vendor &&
      among(names, d.name) &&
      (memoryMiB === null || (d.memoryMiB > 0 && within(d.memoryMiB, memoryMiB.min, memoryMiB.max))) &&
      (computeCapability === null || (capabilities[d.name] ?? 0) >= computeCapability[0]),
  );
  if (has.accelerators.length === 0) return count.min === 0;
  const devices = good.reduce((sum, d) => sum + d.count, 0);
  const total = good.reduce((sum, d) => sum + d.count * d.memoryMiB, 0);
  return (
    devices > 0 &&
    within(devices, count.min ?? 1, count.max) &&
    (totalMemoryMiB === null || (total > 0 && within(total, totalMemoryMiB.min, totalMemoryMiB.max)))
  );
}

test('an offer fits exactly when every condition holds, and says why when it does not', () => {
  fc.assert(
    fc.property(arbitraryRequirements, arbitraryOffer, (wanted, one) => {
      const result = matches(wanted, one);
      assert.equal(result.fits, fitsByDefinition(wanted, one));
      if (!result.fits) assert.match(result.because, /^\S.*\S$/);
    }),
    { numRuns: 1000 },
  );
});
