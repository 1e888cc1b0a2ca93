import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BerthError } from './errors.ts';
import { formatMemory, parseMemory } from './memory.ts';

test('units are binary, in any letter case, and a bare number is GB', () => {
  const mib = {
    '512MB': 512,
    '16GB': 16_384,
    '16gb': 16_384,
    '16 Gb': 16_384,
    '1.5TB': 1_572_864,
    '8': 8192,
    '0.5': 512,
    '0': 0,
  };
  for (const [text, expected] of Object.entries(mib)) assert.equal(parseMemory(text), expected, text);
  assert.equal(parseMemory(16), 16_384);
  assert.equal(parseMemory('2048KB'), 2);
});

test('a size above zero never becomes zero', () => {
  assert.equal(parseMemory('1KB'), 1);
  assert.equal(parseMemory('0.0001MB'), 1);
});

test('what is printed reads back as the same size', () => {
  const size = fc.oneof(
    fc.nat({ max: 1000 * 1024 * 1024 }),
    fc.nat({ max: 2000 }).map((n) => n * 1024),
  );
  fc.assert(fc.property(size, (mib) => assert.equal(parseMemory(formatMemory(mib)), mib)));
  assert.equal(formatMemory(81_920), '80GB');
  assert.equal(formatMemory(1_048_576), '1TB');
  assert.equal(formatMemory(1000), '1000MB');
  assert.equal(formatMemory(0), '0GB');
});

test('spellings of other tools are refused with ours', () => {
  const hint = (text: string): string | undefined => {
    try {
      parseMemory(text);
    } catch (error) {
      return error instanceof BerthError ? error.hint : undefined;
    }
    return undefined;
  };
  assert.equal(hint('16GiB'), 'write `16GB`');
  assert.equal(hint('512m'), 'write `512MB`');
  for (const text of ['', 'GB', '-1GB', '1e3GB', '16 G B', 'lots', '16GBs'])
    assert.match(hint(text) ?? '', /MB, GB, TB/, text);
});

test('a size that no machine has is refused', () => {
  assert.throws(() => parseMemory('16384000'), /more than 1000TB/);
  assert.throws(() => parseMemory('9'.repeat(400)), /more than 1000TB/);
});
