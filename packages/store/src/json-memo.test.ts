import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseShared } from './json-memo.ts';

test('the same text is the same value, which nobody can change', () => {
  const text = '{"gpu":{"count":1},"zones":["a"]}';
  const value = parseShared(text) as { gpu: { count: number }; zones: string[] };
  assert.equal(parseShared(text), value);
  assert.throws(() => Object.assign(value.gpu, { count: 2 }), TypeError);
  assert.throws(() => value.zones.push('b'), TypeError);
  assert.deepEqual(parseShared(text), { gpu: { count: 1 }, zones: ['a'] });
});

test('values that are no objects are told as they are', () => {
  for (const value of [null, false, 0, '', 'text', 1.5]) assert.equal(parseShared(JSON.stringify(value)), value);
});

test('what is asked for again and again outlives what is asked for once', () => {
  const kept = parseShared('["kept"]');
  for (let i = 0; i < 10_000; i++) {
    parseShared(`[${i}]`);
    assert.equal(parseShared('["kept"]'), kept);
  }
});
