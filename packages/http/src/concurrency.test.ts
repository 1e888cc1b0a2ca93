import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { mapConcurrently } from './concurrency.ts';

const never = new AbortController().signal;

test('results are in the order of the items, whatever ends first', async () => {
  const doubled = await mapConcurrently([30, 1, 10], 3, (ms) => pause(ms, ms * 2), never);
  assert.deepEqual(doubled, [60, 2, 20]);
});

test('no more than `limit` run at once, and all of the limit is used', async () => {
  let running = 0;
  let most = 0;
  const task = async (): Promise<void> => {
    most = Math.max(most, ++running);
    await pause(1);
    running -= 1;
  };
  await mapConcurrently(Array.from({ length: 20 }), 4, task, never);
  assert.equal(most, 4);
});

test('the first failure aborts the others, and nothing more is begun', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const task = async (item: number, signal: AbortSignal): Promise<void> => {
    begun.push(item);
    if (item === 2) throw new Error('two is broken');
    await pause(10_000, undefined, { signal }).finally(() => ended.push(item));
  };
  await assert.rejects(mapConcurrently([1, 2, 3, 4], 2, task, never), /two is broken/);
  assert.deepEqual(begun, [1, 2]);
  assert.deepEqual(ended, [1], 'what was under way has ended before the failure is told');
});

test("the caller's abort ends everything with the caller's reason", async () => {
  const stop = new AbortController();
  const working = mapConcurrently([1, 2, 3], 2, (_, signal) => pause(10_000, undefined, { signal }), stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(working, /enough/);
});

test('no items are no work', async () => {
  assert.deepEqual(await mapConcurrently([], 8, async () => 1, never), []);
});
