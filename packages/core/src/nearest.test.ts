import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editDistance, nearestWord, nearestWords } from './nearest.ts';

test('a missing, doubled, wrong or swapped letter is one edit each', () => {
  assert.equal(editDistance('comands', 'commands'), 1);
  assert.equal(editDistance('nodess', 'nodes'), 1);
  assert.equal(editDistance('emv', 'env'), 1);
  assert.equal(editDistance('imgae', 'image'), 1);
  assert.equal(editDistance('', 'abc'), 3);
});

test('the distance is symmetric and zero only for equal words', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
    }),
  );
});

test('the nearest known word is found whatever its letter case, and nothing when nothing is near', () => {
  const known = ['commands', 'image', 'name', 'nodes'];
  assert.equal(nearestWord('comands', known), 'commands');
  assert.equal(nearestWord('IMAGE', known), 'image');
  assert.equal(nearestWord('flavour', known), null);
  assert.equal(nearestWord('', known), null);
  assert.equal(nearestWord('x'.repeat(100_000), known), null);
});

test('several near words come nearest first', () => {
  assert.deepEqual(nearestWords('A10', ['A100', 'A10G', 'L4', 'H100', 'A10']), ['A10', 'A100', 'A10G']);
});
