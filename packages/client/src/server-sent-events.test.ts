import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readServerSentEvents } from './server-sent-events.ts';

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[i % sizes.length] ?? 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(text: string, sizes: readonly number[] = []) {
  const events = [];
  for await (const event of readServerSentEvents(inPieces(Buffer.from(text), sizes))) events.push(event);
  return events;
}

test('an event has a name, data and the last id', async () => {
  assert.deepEqual(await read('event: log\nid: 7\ndata: {"a":1}\n\ndata: x\n\n'), [
    { event: 'log', data: '{"a":1}', id: '7' },
    { event: 'message', data: 'x', id: '7' },
  ]);
});

test('several data lines are one text, CRLF ends a line, comments are swallowed', async () => {
  assert.deepEqual(await read(': ping\r\n\r\ndata: a\r\ndata:b\r\n\r\n'), [
    { event: 'message', data: 'a\nb', id: null },
  ]);
});

test('an event that the end cuts off is dropped', async () => {
  assert.deepEqual(await read('data: whole\n\ndata: half\n'), [{ event: 'message', data: 'whole', id: null }]);
});

test('how the bytes are cut into pieces changes nothing, not even within a character', async () => {
  const text = 'event: log\nid: 1\ndata: grün 🌱\n\n: ping\n\nid: 2\r\ndata: zwei\r\n\r\n';
  const whole = await read(text);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (sizes) => {
      assert.deepEqual(await read(text, sizes), whole);
    }),
    { numRuns: 50 },
  );
});

test("the server's wish for the next attempt is passed on", async () => {
  const wishes: number[] = [];
  const stream = readServerSentEvents(inPieces(Buffer.from('retry: 1500\n\nretry: soon\n\n'), []), (ms) =>
    wishes.push(ms),
  );
  for await (const event of stream) assert.fail(`no event was sent, but ${event.data}`);
  assert.deepEqual(wishes, [1500]);
});
