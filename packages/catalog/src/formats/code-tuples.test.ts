import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CodeTuples } from './code-tuples.ts';

test('every tuple has the value that was given to it first, and no other', () => {
  const tuple = fc.tuple(fc.integer({ min: -1, max: 40 }), fc.integer({ min: -1, max: 40 }), fc.nat({ max: 3 }));
  fc.assert(
    fc.property(fc.array(tuple, { maxLength: 3000, size: 'max' }), (tuples) => {
      const codes = new CodeTuples<string>(3);
      for (const values of tuples) {
        const key = Int32Array.from(values);
        const found = codes.get(key);
        if (found === undefined) codes.add(key, values.join());
        else assert.equal(found, values.join());
      }
      const kept = tuples.filter((values) => codes.get(Int32Array.from(values)) === values.join());
      assert.equal(kept.length, tuples.length);
    }),
    { numRuns: 30 },
  );
});
