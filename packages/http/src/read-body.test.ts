import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpError } from './http-error.ts';
import { readLines, readText } from './read-body.ts';
import { allOf } from './testing/all-of.ts';

const encoder = new TextEncoder();
const never = new AbortController().signal;
const LIMITS = { maxBytes: 1e9, idleMs: 10_000 };

function streamOf(chunks: Iterable<string | Uint8Array>): ReadableStream<Uint8Array> {
  const rest = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = rest.next();
      if (done) controller.close();
      else controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value);
    },
  });
}

const linesOf = (...chunks: readonly (string | Uint8Array)[]): Promise<string[]> =>
  allOf(readLines(streamOf(chunks), LIMITS, 'GET x', never));

test('lines end with LF or CRLF, and the last one with nothing', async () => {
  assert.deepEqual(await linesOf('a\nb\r\nc'), ['a', 'b', 'c']);
  assert.deepEqual(await linesOf('a\n'), ['a']);
  assert.deepEqual(await linesOf('a\n\n\r\nb\n'), ['a', '', '', 'b']);
  assert.deepEqual(await linesOf(''), []);
  assert.deepEqual(await linesOf('last\r'), ['last']);
});

test('it does not matter where the chunks are cut: every byte on its own gives the same lines', async () => {
  const text = 'größe,€ 1\r\n雲,🚀\n\nlast';
  const bytes = encoder.encode(text);
  const expected = ['größe,€ 1', '雲,🚀', '', 'last'];
  assert.deepEqual(await linesOf(...Array.from(bytes, (byte) => Uint8Array.of(byte))), expected);
  for (let at = 1; at < bytes.length; at += 1) {
    assert.deepEqual(await linesOf(bytes.slice(0, at), bytes.slice(at)), expected, `cut at ${at}`);
  }
});

test('a byte order mark belongs to no line', async () => {
  assert.deepEqual(await linesOf(Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf, 0x61, 0x0a)), ['a']);
});

test('a line of 12 MiB in small chunks costs its length, not its square', async () => {
  const piece = 'x'.repeat(1024);
  const began = performance.now();
  const [line, ...others] = await linesOf(...Array.from({ length: 12 * 1024 }, () => piece));
  assert.equal(line?.length, 12 * 1024 * 1024);
  assert.equal(others.length, 0);
  // Its square is 75 GiB of copying, which takes a minute.
  assert.ok(performance.now() - began < 5_000);
});

test('an endless line is given up, and the rest is not read', async () => {
  const piece = 'x'.repeat(1024 * 1024);
  let sent = 0;
  function* endless(): Generator<string> {
    for (;;) {
      sent += 1;
      yield piece;
    }
  }
  const lines = readLines(streamOf(endless()), LIMITS, 'GET x', never);
  await assert.rejects(allOf(lines), /endless line/);
  assert.ok(sent < 20, `${sent} MiB were read`);
});

test('more bytes than allowed are an error that names the bound, as lines and as text', async () => {
  const body = (): ReadableStream<Uint8Array> => streamOf(Array.from({ length: 5 }, () => 'x\n'.repeat(256 * 1024)));
  const limits = { ...LIMITS, maxBytes: 1024 * 1024 };
  await assert.rejects(allOf(readLines(body(), limits, 'GET x', never)), /more than 1 MiB/);
  await assert.rejects(readText(body(), limits.maxBytes, 'GET x'), /more than 1 MiB/);
  assert.equal((await readText(body(), 1e9, 'GET x')).length, 5 * 512 * 1024);
});

test('a pause that is too long is an error that says so', async () => {
  const silent = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(encoder.encode('a\n')) });
  const lines = readLines(silent, { ...LIMITS, idleMs: 20 }, 'GET x', never);
  assert.equal((await lines.next()).value, 'a');
  await assert.rejects(lines.next(), (error) => error instanceof HttpError && error.code === 'transient');
});

test('whoever stops early lets go of the stream', async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encoder.encode('a\nb\n')),
    cancel: () => {
      cancelled = true;
    },
  });
  for await (const line of readLines(body, LIMITS, 'GET x', never)) {
    assert.equal(line, 'a');
    break;
  }
  assert.ok(cancelled);
});

test('an abort ends a read that waits, and a stream that breaks by it harms nobody else', async () => {
  const stop = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(encoder.encode('a\n'));
      stop.signal.addEventListener('abort', () => controller.error(new Error('broken by the abort')));
    },
  });
  const lines = readLines(body, LIMITS, 'GET x', stop.signal);
  await lines.next();
  stop.abort(new Error('enough'));
  // A rejection that nobody hears would end the process, and with it this test.
  await assert.rejects(lines.next(), /enough/);
  await new Promise(setImmediate);
});
