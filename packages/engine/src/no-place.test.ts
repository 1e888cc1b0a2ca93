import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceId, RunSpec } from '@berth/core';
import { noPlace } from './no-place.ts';
import { countWrites, jobRow, MINUTE, NOW, runRow, written } from './testing/rows.ts';
import { taskSpec } from './testing/specs.ts';

const RETRY: RunSpec['retry'] = { onEvents: ['no-capacity'], durationMs: 60 * MINUTE };
const waiting = [jobRow({ node: 0 }), jobRow({ node: 1 })];

test('without retry, every job that waits fails for want of capacity', () => {
  const writes = noPlace(runRow(), waiting, 'sold out', null, NOW);
  assert.equal(countWrites('jobs', writes), 2);
  assert.equal(countWrites('runs', writes), 0);
  for (const job of waiting) {
    const after = written('jobs', job, writes);
    assert.deepEqual([after.status, after.endReason, after.message], ['failed', 'no-capacity', 'sold out']);
  }
});

test('with retry the run waits with the jobs it has: a stock-out makes no rows, however long it lasts', () => {
  let run = runRow({ spec: taskSpec({ retry: RETRY }) });
  const attempts: number[] = [];
  for (let now = NOW; attempts.length < 20; now = run.nextAttemptAt ?? 0) {
    const writes = noPlace(run, waiting, 'sold out', null, now);
    assert.ok(writes.every((write) => !('add' in write)));
    if (countWrites('jobs', writes) > 0) break;
    run = { ...written('runs', { ...run, status: 'submitted' }, writes), status: 'pending' };
    attempts.push(((run.nextAttemptAt ?? 0) - NOW) / 1000);
  }
  // Seconds after the beginning; each wait as long as all before it, at most 10 min, for an hour.
  assert.deepEqual(attempts, [15, 30, 60, 120, 240, 480, 960, 1560, 2160, 2760, 3360, 3960]);
});

test('it waits until an avoided offer may be tried again, but not beyond the longest wait', () => {
  const run = runRow({ spec: taskSpec({ retry: RETRY }) });
  const next = (retryAt: number | null) => written('runs', run, noPlace(run, waiting, '', retryAt, NOW)).nextAttemptAt;
  assert.equal(next(null), NOW + 15_000);
  assert.equal(next(NOW + 1_000), NOW + 15_000);
  assert.equal(next(NOW + 5 * MINUTE), NOW + 5 * MINUTE);
  assert.equal(next(NOW + 24 * 60 * MINUTE), NOW + 10 * MINUTE);
});

test('nodes that hold machines do not wait for a peer that finds no place: the waiting ones fail', () => {
  const run = runRow({ status: 'provisioning', spec: taskSpec({ retry: RETRY, nodes: 2 }) });
  const holding = jobRow({ node: 0, status: 'provisioning', instanceId: 'i1' as InstanceId });
  const writes = noPlace(run, [holding, jobRow({ node: 1 })], 'sold out', null, NOW);
  assert.equal(countWrites('runs', writes), 0);
  assert.equal(written('jobs', jobRow({ node: 1 }), writes).status, 'failed');
  assert.equal(written('jobs', holding, writes), holding);
});
