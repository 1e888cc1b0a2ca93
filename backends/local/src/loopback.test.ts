import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loopbackAddress } from './loopback.ts';

test('an address is in 127.77.0.0/16, never the first or last of a block, and the same for the same token', () => {
  for (let i = 0; i < 2000; i++) {
    const address = loopbackAddress(`token${i}`, new Set(), 'linux');
    const [a, b, c, d] = address.split('.').map(Number);
    assert.ok(a === 127 && b === 77 && (c ?? 256) < 256 && (d ?? 0) >= 1 && (d ?? 255) <= 254, address);
    assert.equal(loopbackAddress(`token${i}`, new Set(), 'linux'), address);
  }
});

test('an address that is taken is passed over, also at the end of the range', () => {
  const taken = new Set<string>();
  for (let i = 0; i < 500; i++) {
    const address = loopbackAddress('one', taken, 'linux');
    assert.ok(!taken.has(address));
    taken.add(address);
  }
});

test('macOS has one address for all', () => {
  assert.equal(loopbackAddress('one', new Set(['127.0.0.1']), 'darwin'), '127.0.0.1');
});
