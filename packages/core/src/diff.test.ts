import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffConfigurations } from './diff.ts';

test('a value that is changed, added or removed is named by its path', () => {
  const before = { type: 'task', image: 'a', resources: { gpu: 'A100', cpu: 4 }, commands: ['x', 'y'] };
  const after = { type: 'task', nodes: 2, resources: { gpu: 'H100', cpu: 4 }, commands: ['x', 'z'] };
  assert.deepEqual(diffConfigurations(before, after), [
    { path: 'commands[1]', before: 'y', after: 'z' },
    { path: 'image', before: 'a', after: undefined },
    { path: 'nodes', before: undefined, after: 2 },
    { path: 'resources.gpu', before: 'A100', after: 'H100' },
  ]);
});

test('a list of another length is one change', () => {
  assert.deepEqual(diffConfigurations({ a: [1, 2] }, { a: [0, 1, 2] }), [
    { path: 'a', before: [1, 2], after: [0, 1, 2] },
  ]);
});

test('null is the same as absent, and the order of keys does not count', () => {
  assert.deepEqual(diffConfigurations({ a: 1, b: null, c: { d: 1, e: 2 } }, { c: { e: 2, d: 1 }, a: 1 }), []);
});

test('there is no difference to itself, and swapping the sides swaps before and after', () => {
  const value = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
  fc.assert(
    fc.property(value, value, (a, b) => {
      assert.deepEqual(diffConfigurations(a, structuredClone(a)), []);
      const there = diffConfigurations(a, b);
      const back = diffConfigurations(b, a).map((change) => ({
        ...change,
        before: change.after,
        after: change.before,
      }));
      assert.deepEqual(back, there);
    }),
  );
});
