import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JOB_END_REASONS } from '@berth/core';
import { avoidedOffers, isWithinWindow, retryDelay, retryEvent, retryWindow, wantsRetry } from './retry.ts';
import { jobRow, MINUTE, NOW, runRow } from './testing/rows.ts';
import { taskSpec } from './testing/specs.ts';

test('every end of a job is one event of `retry.on_events`, or none', () => {
  assert.deepEqual(Object.fromEntries(JOB_END_REASONS.map((reason) => [reason, retryEvent(reason)])), {
    exited: 'error',
    'no-capacity': 'no-capacity',
    interrupted: 'interruption',
    'agent-lost': 'interruption',
    'provisioning-failed': 'no-capacity',
    'image-error': 'error',
    'setup-error': 'error',
    'max-duration': null,
    'stopped-by-user': null,
    'aborted-by-user': null,
    'stopped-by-run': null,
  });
});

test('an event that is not named is not retried, and without `retry` none is', () => {
  const run = runRow({ spec: taskSpec({ retry: { onEvents: ['interruption'], durationMs: MINUTE } }) });
  assert.equal(wantsRetry(run, 'interruption'), true);
  assert.equal(wantsRetry(run, 'error'), false);
  assert.equal(wantsRetry(run, null), false);
  assert.equal(wantsRetry(runRow(), 'error'), false);
});

test('a stock-out after an interruption belongs to the interruption', () => {
  const spec = taskSpec({ retry: { onEvents: ['interruption'], durationMs: MINUTE } });
  assert.equal(wantsRetry(runRow({ spec, submission: 0 }), 'no-capacity'), false);
  assert.equal(wantsRetry(runRow({ spec, submission: 1 }), 'no-capacity'), true);
});

test('the wait is as long as it has been tried so far, between 15 s and 10 min', () => {
  const waits = [0, 10_000, 15_000, 30_000, 5 * MINUTE, 10 * MINUTE, 600 * MINUTE].map((soFar) =>
    retryDelay(NOW - soFar, NOW),
  );
  assert.deepEqual(waits, [15_000, 15_000, 15_000, 30_000, 5 * MINUTE, 10 * MINUTE, 10 * MINUTE]);
  assert.equal(retryDelay(NOW + 60 * MINUTE, NOW), 15_000, 'the clock was set back');
});

test('the window ends with `retry.duration`', () => {
  const run = runRow({ spec: taskSpec({ retry: { onEvents: ['error'], durationMs: MINUTE } }) });
  assert.equal(isWithinWindow(run, NOW - MINUTE + 1, NOW), true);
  assert.equal(isWithinWindow(run, NOW - MINUTE, NOW), false);
  assert.equal(isWithinWindow(runRow(), NOW, NOW), false);
});

test('the window begins anew when a job had run well, and not when it crashes in a loop', () => {
  const run = runRow({ retryWindowAt: NOW - 50 * MINUTE });
  const ran = (ms: number) => jobRow({ status: 'failed', startedAt: NOW - ms, finishedAt: NOW });
  assert.equal(retryWindow(run, ran(300 * MINUTE), NOW), NOW);
  assert.equal(retryWindow(run, ran(MINUTE), NOW), NOW - 50 * MINUTE);
  assert.equal(retryWindow(run, jobRow({ status: 'failed', finishedAt: NOW }), NOW), NOW - 50 * MINUTE);
});

test('what any job still avoids is avoided by the next submission, until the latest time', () => {
  const jobs = [{ avoidOffers: { a: NOW + 1, b: NOW - 1 } }, { avoidOffers: { a: NOW + 5, c: NOW + 2 } }];
  assert.deepEqual(avoidedOffers(jobs, NOW), { a: NOW + 5, c: NOW + 2 });
});
