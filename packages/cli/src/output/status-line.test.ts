import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusLine } from './status-line.ts';

function stream(isTTY: boolean) {
  const written: string[] = [];
  const fake = { isTTY, columns: 40, write: (text: string) => written.push(text) };
  return { written, fake, stream: fake as unknown as NodeJS.WriteStream }; // all that is asked of it
}

test('bug: every percent was a line of its own in a pipe, and what was said came again', () => {
  const { written, stream: to } = stream(false);
  const line = statusLine(to, true);
  for (const text of ['x: pulling', 'x: pulling: 0 %', 'x: pulling: 50 % of 2 GB', 'x: pulling', 'x: running'])
    line.show(text);
  line.clear();
  assert.deepEqual(written, ['x: pulling\n', 'x: running\n']);
});

test('bug: progress was written as often as it came: the same words with other numbers come every 50 ms at most', () => {
  let now = 0;
  const { written, stream: to } = stream(true);
  const line = statusLine(to, false, () => now);
  for (const [at, text] of [
    [0, 'sending 1.5 MB'],
    [10, 'sending 2 MB'],
    [49, 'sending 3 MB'],
    [50, 'sending 4 MB'],
    [51, 'planning'],
  ] as const) {
    now = at;
    line.show(text);
  }
  assert.deepEqual(written, ['\r\x1b[Jsending 1.5 MB', '\r\x1b[Jsending 4 MB', '\r\x1b[Jplanning']);
});

test('bug: a window that became narrower kept pieces of the line', () => {
  const { written, fake, stream: to } = stream(true);
  const line = statusLine(to);
  line.show('x'.repeat(60));
  assert.equal(written.pop(), `\r\x1b[J${'x'.repeat(38)}…`);
  fake.columns = 20;
  line.clear();
  assert.equal(written.pop(), '\r\x1b[1A\x1b[J');
  line.clear();
  assert.equal(written.length, 0, 'what is away is not taken away again');
});
