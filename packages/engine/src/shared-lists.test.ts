import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsableBackend } from './ports.ts';
import { SharedLists } from './shared-lists.ts';
import { SimClock, settle } from './testing/sim-clock.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

/** A cloud whose lists are answered one by one, when the test says so. */
function cloud() {
  const asked: PromiseWithResolvers<readonly never[]>[] = [];
  const list = () => {
    const answer = Promise.withResolvers<readonly never[]>();
    asked.push(answer);
    return answer.promise;
  };
  // All that a list needs of a backend.
  const backend = { name: 'sim', compute: { list } } as unknown as UsableBackend;
  return { asked, backend, lists: new SharedLists(new SimClock(), log), signal: new AbortController().signal };
}

test('many who ask at the same time cost one list', async () => {
  const { asked, backend, lists, signal } = cloud();
  const answers = Array.from({ length: 200 }, () => lists.list('p/sim', backend, signal));
  await settle();
  assert.equal(asked.length, 1);
  asked[0]?.resolve([]);
  assert.equal((await Promise.all(answers)).length, 200);
});

test('who asks while one is under way gets one that was begun afterwards', async () => {
  const { asked, backend, lists, signal } = cloud();
  const first = lists.list('p/sim', backend, signal);
  await settle();
  const later = [lists.list('p/sim', backend, signal), lists.list('p/sim', backend, signal)];
  await settle();
  assert.equal(asked.length, 1, 'the second list waits for the first');
  asked[0]?.resolve([]);
  await first;
  await settle();
  assert.equal(asked.length, 2);
  asked[1]?.resolve([]);
  await Promise.all(later);
});

test('a list that fails fails those who share it, and the next ones are asked anew', async () => {
  const { asked, backend, lists, signal } = cloud();
  const first = lists.list('p/sim', backend, signal);
  await settle();
  const second = lists.list('p/sim', backend, signal);
  asked[0]?.reject(new Error('no'));
  await assert.rejects(first, /no/);
  await settle();
  asked[1]?.resolve([]);
  assert.deepEqual(await second, []);
});

test('who gives up does not wait, and takes nobody else’s answer away', async () => {
  const { asked, backend, lists, signal } = cloud();
  const tired = new AbortController();
  const one = lists.list('p/sim', backend, tired.signal);
  const other = lists.list('p/sim', backend, signal);
  await settle();
  tired.abort(new Error('enough'));
  await assert.rejects(one, /enough/);
  asked[0]?.resolve([]);
  assert.deepEqual(await other, []);
});
