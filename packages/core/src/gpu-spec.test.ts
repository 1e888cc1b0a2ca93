import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { knownAcceleratorNames, resolveAccelerator } from './accelerators.ts';
import { BerthError } from './errors.ts';
import { formatGpu, GPU_PATTERN, ONE_GPU, parseGpu, resolveGpuNames } from './gpu-spec.ts';
import { ACCELERATOR_VENDORS, type GpuRequirement, type Range } from './offer.ts';

const GB = 1024;
const registry = { resolve: resolveAccelerator, names: knownAcceleratorNames() };
const resolved = (text: string): GpuRequirement => resolveGpuNames(parseGpu(text), registry);

const spec = (parts: Partial<GpuRequirement>): GpuRequirement => ({
  vendor: null,
  names: null,
  count: ONE_GPU,
  memoryMiB: null,
  totalMemoryMiB: null,
  computeCapability: null,
  ...parts,
});

test('parts come in any order and are told apart by their form', () => {
  const expected = spec({ names: ['A100'], memoryMiB: { min: 80 * GB, max: 80 * GB }, count: { min: 2, max: 4 } });
  for (const text of ['A100:80GB:2..4', '80GB:2..4:A100', '2..4:A100:80gb', ' A100 : 80GB : 2..4 ']) {
    assert.deepEqual(parseGpu(text), expected, text);
  }
  assert.deepEqual(
    parseGpu('24GB..40GB:2'),
    spec({ memoryMiB: { min: 24 * GB, max: 40 * GB }, count: { min: 2, max: 2 } }),
  );
  assert.deepEqual(parseGpu('A10G,A100'), spec({ names: ['A10G', 'A100'] }));
  assert.deepEqual(parseGpu('8'), spec({ count: { min: 8, max: 8 } }));
});

test('without a count exactly one GPU is meant', () => {
  for (const text of ['H100', 'nvidia', '24GB..', 'amd:MI300X'])
    assert.deepEqual(parseGpu(text).count, { min: 1, max: 1 }, text);
});

test('vendors have the names that dstack gives them', () => {
  const vendors = {
    nvidia: 'nvidia',
    AMD: 'amd',
    google: 'google',
    tpu: 'google',
    intel: 'intel',
    tt: 'tenstorrent',
    tenstorrent: 'tenstorrent',
    aws: 'aws',
    Qualcomm: 'qualcomm',
    arm: 'arm',
    xilinx: 'xilinx',
  };
  for (const [word, vendor] of Object.entries(vendors)) assert.equal(parseGpu(`${word}:32`).vendor, vendor, word);
});

test('names of object members are no vendors', () => {
  assert.equal(parseGpu('constructor').vendor, null);
  assert.throws(() => resolved('constructor'), /not a known accelerator/);
});

test('a category that is given twice, an empty part or an empty name is refused', () => {
  for (const text of ['A100:H100', '80GB:40GB', '1:2', 'nvidia:amd'])
    assert.throws(() => parseGpu(text), /more than one/, text);
  for (const text of ['', ':', 'A100:', '::2', 'A100,', ',A100:2']) {
    assert.throws(() => parseGpu(text), { code: 'invalid-configuration' }, text);
  }
  assert.throws(() => parseGpu('A100:8..2'), /begins above its end/);
});

test('what is printed reads back as the same', () => {
  const range = (max: number): fc.Arbitrary<Range> =>
    fc.oneof(
      fc.tuple(fc.nat({ max }), fc.nat({ max })).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })),
      fc.nat({ max }).map((n) => ({ min: n, max: null })),
    );
  const gpu = fc.record({
    vendor: fc.option(fc.constantFrom(...ACCELERATOR_VENDORS)),
    names: fc.option(fc.uniqueArray(fc.constantFrom('A100', 'H100', 'RTX4090', 'v5litepod'), { minLength: 1 })),
    memoryMiB: fc.option(range(200 * GB)),
    count: range(64),
  });
  fc.assert(
    fc.property(gpu, (parts) => {
      const text = formatGpu(spec(parts));
      assert.deepEqual(parseGpu(text), spec(parts));
      assert.match(text, new RegExp(GPU_PATTERN));
    }),
  );
});

test('what only the map form can say is shown after the rest', () => {
  const text = formatGpu(
    spec({ names: ['H100'], totalMemoryMiB: { min: 160 * GB, max: null }, computeCapability: [9, 0] }),
  );
  assert.equal(text, 'H100:1 (total 160GB.., compute capability 9.0 or more)');
});

test('names become canonical, and say the vendor when they share one', () => {
  assert.deepEqual(resolved('rtx 4090:2'), spec({ vendor: 'nvidia', names: ['RTX4090'], count: { min: 2, max: 2 } }));
  assert.equal(resolved('A100,MI300X').vendor, null);
  assert.deepEqual(resolved('a100,A100').names, ['A100']);
});

test('memory in a name narrows what is asked for', () => {
  assert.deepEqual(resolved('A100-80GB').memoryMiB, { min: 80 * GB, max: 80 * GB });
  assert.deepEqual(resolved('A100-80GB:40GB..').memoryMiB, { min: 80 * GB, max: 80 * GB });
  assert.deepEqual(resolved('A100').memoryMiB, null);
  assert.throws(() => resolved('A100-80GB:40GB'), /does not have `40GB` of memory/);
  assert.deepEqual(resolved('A100-80GB,L4:40GB..').memoryMiB, { min: 40 * GB, max: 80 * GB });
  // The other name keeps its own sizes.
  assert.ok((resolved('A100-80GB,L4').memoryMiB?.min ?? 0) <= 24 * GB);
});

test('a slice of TPU chips stands for all of them', () => {
  assert.deepEqual(resolved('v5litepod-8').count, { min: 8, max: 8 });
  assert.throws(() => resolved('v5litepod-8,v5litepod-4'), /different numbers of chips/);
});

test('an unknown name is refused with the nearest known ones', () => {
  const hint = (text: string): string => {
    try {
      resolved(text);
    } catch (error) {
      return error instanceof BerthError ? (error.hint ?? '') : '';
    }
    return '';
  };
  assert.match(hint('H10'), /`H100`/);
  assert.match(hint('nvdia'), /`nvidia`/);
  assert.match(hint('quantumprocessor'), /write a name such as/);
});

test('contradictions are refused', () => {
  assert.throws(() => resolved('amd:A100'), /made by nvidia, not amd/);
  assert.throws(() => resolveGpuNames(spec({ vendor: 'amd', computeCapability: [8, 0] }), registry), /only NVIDIA/);
});
