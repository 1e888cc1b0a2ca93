import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DueHeap } from './due-heap.ts';

test('keys come out in the order of their times, each once, at its earliest', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1_000 }))), (adds) => {
      const heap = new DueHeap<number>();
      const earliest = new Map<number, number>();
      for (const [key, at] of adds) {
        const known = earliest.get(key);
        assert.equal(heap.add(key, at), known === undefined || at < known);
        earliest.set(key, Math.min(at, known ?? at));
      }
      assert.equal(heap.size, earliest.size);
      let last = 0;
      for (let next = heap.peek(); next !== null; next = heap.peek()) {
        assert.equal(next.at, earliest.get(next.key));
        assert.ok(next.at >= last);
        last = next.at;
        heap.delete(next.key);
      }
      assert.equal(heap.size, 0);
    }),
  );
});

test('deadlines that are set anew ten thousand times do not pile up', () => {
  const heap = new DueHeap<string>();
  for (let i = 0; i < 10_000; i++) {
    heap.add('a', 1_000_000 + i);
    heap.delete('a');
  }
  assert.ok(heap.entries < 200, `${heap.entries} entries for no key`);
});
