import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBytes } from './pull-bytes.ts';

const LIVE = new AbortController().signal;

/** One byte every `everyMs`, for ever. */
function drip(everyMs: number): ReadableStream<Uint8Array> {
  let timer: NodeJS.Timeout;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => controller.enqueue(Uint8Array.of(1)), everyMs);
    },
    cancel: () => clearInterval(timer),
  });
}

test('bytes come whole', async () => {
  const body = new Blob(['abc', 'def']).stream();
  assert.equal(Buffer.from(await readBytes(body, { maxBytes: 6, idleMs: 1000 }, LIVE)).toString(), 'abcdef');
});

test('more than there may be is refused', async () => {
  await assert.rejects(readBytes(new Blob(['abc']).stream(), { maxBytes: 2, idleMs: 1000 }, LIVE), /longer than the 2/);
});

test('a server that sends a byte now and then does not hold a pull for ever', async () => {
  // 100 ms for the pause, and 1,600 bytes at the least rate are another 100 ms.
  await assert.rejects(readBytes(drip(5), { maxBytes: 1600, idleMs: 100 }, LIVE), /it took more than/);
});

test('a server that falls silent is left', async () => {
  await assert.rejects(readBytes(drip(60_000), { maxBytes: 1e6, idleMs: 50 }, LIVE), /nothing came for 0.05 s/);
});
