import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunSpec } from '@berth/core';
import type { JobRow } from '@berth/store';
import fc from 'fast-check';
import { startable } from './startup.ts';
import { anyJob, jobRow, runRow } from './testing/rows.ts';
import { taskSpec } from './testing/specs.ts';

type State = 'preparing' | 'ready' | 'running';

function started(startupOrder: RunSpec['startupOrder'], ...states: State[]): number[] {
  const jobs = states.map((agentState, node) =>
    jobRow({ node, agentState, status: agentState === 'running' ? 'running' : 'pulling' }),
  );
  return startable(runRow({ spec: taskSpec({ startupOrder, nodes: states.length }) }), jobs).map((job) => job.node);
}

test('nobody starts before everybody is ready', () => {
  assert.deepEqual(started('any', 'ready', 'preparing', 'ready'), []);
  assert.deepEqual(started('any', 'ready', 'ready', 'ready'), [0, 1, 2]);
});

test('master-first: the workers start when the master runs', () => {
  assert.deepEqual(started('master-first', 'ready', 'ready', 'ready'), [0]);
  assert.deepEqual(started('master-first', 'running', 'ready', 'ready'), [1, 2]);
});

test('workers-first: the master starts when all workers run', () => {
  assert.deepEqual(started('workers-first', 'ready', 'ready', 'ready'), [1, 2]);
  assert.deepEqual(started('workers-first', 'ready', 'running', 'ready'), [2]);
  assert.deepEqual(started('workers-first', 'ready', 'running', 'running'), [0]);
});

test('a node that runs already is not started again', () => {
  assert.deepEqual(started('any', 'running', 'ready'), [1]);
});

test('whatever the jobs are: to start one, all must be ready or have begun', () => {
  const canBegin = (job: JobRow): boolean =>
    (job.status === 'pulling' && job.agentState === 'ready') ||
    job.agentState === 'running' ||
    job.agentState === 'ended';
  fc.assert(
    fc.property(
      fc.array(anyJob, { minLength: 1, maxLength: 4 }),
      fc.constantFrom<RunSpec['startupOrder']>('any', 'master-first', 'workers-first'),
      (drawn, startupOrder) => {
        const jobs = drawn.map((job, node) => ({ ...job, node }));
        const chosen = startable(runRow({ spec: taskSpec({ startupOrder }) }), jobs);
        if (chosen.length > 0) assert.ok(jobs.every(canBegin));
        for (const job of chosen) assert.equal(job.agentState, 'ready');
      },
    ),
  );
});
