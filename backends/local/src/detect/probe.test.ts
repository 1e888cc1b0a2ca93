import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProbe } from './probe.ts';

const patient = (): AbortSignal => new AbortController().signal;

test('a program that is not there is absent', async () => {
  assert.deepEqual(await runProbe('berth-no-such-program', [], patient()), { kind: 'absent' });
});

test('what a program writes is returned, errors included, with its exit code', async () => {
  const outcome = await runProbe('/bin/sh', ['-c', 'echo out; echo err >&2; exit 9'], patient());
  assert.deepEqual(outcome, { kind: 'done', output: 'out\nerr\n', exitCode: 9 });
});

test('a program that hangs, and whose children hold its output open, is not waited for', async () => {
  const began = performance.now();
  const outcome = await runProbe('/bin/sh', ['-c', 'trap "" TERM; sleep 3 & wait'], AbortSignal.timeout(50));
  assert.deepEqual(outcome, { kind: 'late' });
  assert.ok(performance.now() - began < 2000);
});

test('a program that writes without end is stopped', async () => {
  const outcome = await runProbe('/bin/sh', ['-c', 'exec cat /dev/zero'], patient());
  assert.equal(outcome.kind, 'done');
  assert.ok(outcome.kind === 'done' && outcome.output.length <= 1024 * 1024);
});
