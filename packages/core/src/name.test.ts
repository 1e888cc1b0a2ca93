import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { NAME_PATTERN, parseName, randomName } from './name.ts';

test('a name begins with a lower-case letter and has 1 to 60 letters, digits and dashes', () => {
  for (const name of ['a', 'train-1', `a${'b'.repeat(59)}`]) assert.equal(parseName(name), name);
  for (const name of ['', 'A', '1a', '-a', 'a_b', 'a.b', 'é', 'a\n', `a${'b'.repeat(60)}`]) {
    assert.throws(() => parseName(name), { code: 'invalid-configuration' }, name);
  }
});

test('a name that is nearly right is given back corrected', () => {
  assert.throws(() => parseName('My_Train Run!'), { hint: /: `my-train-run`$/ });
});

test('made-up names are names, differ, and follow from the random bytes alone', () => {
  const names = new Set(Array.from({ length: 500 }, () => randomName((length) => randomBytes(length))));
  for (const name of names) {
    assert.match(name, new RegExp(NAME_PATTERN));
    assert.match(name, /^[a-z]+-[a-z]+-[1-9][0-9]?$/);
  }
  assert.ok(names.size > 400);
  const fixed = (): Uint8Array => new Uint8Array([1, 2, 3]);
  assert.equal(randomName(fixed), randomName(fixed));
});
