import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CPU_PATTERN, formatCpu, parseCpu } from './cpu-spec.ts';
import { CPU_ARCHS } from './offer.ts';

test('architecture and count come in any order, and either may be missing', () => {
  assert.deepEqual(parseCpu('4'), { arch: null, count: { min: 4, max: 4 } });
  assert.deepEqual(parseCpu('x86:8..'), { arch: 'x86', count: { min: 8, max: null } });
  assert.deepEqual(parseCpu('2..8:ARM'), { arch: 'arm', count: { min: 2, max: 8 } });
  assert.deepEqual(parseCpu('arm'), { arch: 'arm', count: { min: 1, max: null } });
});

test('what is printed reads back as the same', () => {
  const count = fc.oneof(
    fc.nat({ max: 500 }).map((n) => ({ min: n, max: n })),
    fc.nat({ max: 500 }).map((n) => ({ min: n, max: null })),
    fc.nat({ max: 500 }).map((n) => ({ min: null, max: n })),
  );
  const cpu = fc.record({ arch: fc.constantFrom(null, ...CPU_ARCHS), count }, { noNullPrototype: true });
  fc.assert(
    fc.property(cpu, (spec) => {
      assert.deepEqual(parseCpu(formatCpu(spec)), spec);
      assert.match(formatCpu(spec), new RegExp(CPU_PATTERN));
    }),
  );
});

test('mistakes are refused, and the names of other tools with ours', () => {
  assert.throws(() => parseCpu('arm64:4'), { hint: 'write `arm`' });
  assert.throws(() => parseCpu('x86_64'), { hint: 'write `x86`' });
  assert.throws(() => parseCpu('riscv:4'), { hint: 'write `x86` or `arm`' });
  assert.throws(() => parseCpu('x86:arm'), /two architectures/);
  assert.throws(() => parseCpu('2:4'), /two CPU counts/);
  for (const text of ['', ':', '4:', ':x86']) assert.throws(() => parseCpu(text), /empty part/, text);
  assert.throws(() => parseCpu('constructor'), { hint: 'write `x86` or `arm`' });
});
