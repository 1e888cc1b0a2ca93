import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type InstanceId, isJobFinished, isRunFinished, type RunSpec } from '@berth/core';
import type { JobRow, RunRow } from '@berth/store';
import fc from 'fast-check';
import { decideRun, type RunSnapshot } from './decide-run.ts';
import type { Write } from './decision.ts';
import { anyJob, anyRun, countWrites, jobRow, MINUTE, NOW, runRow, written } from './testing/rows.ts';
import { taskSpec } from './testing/specs.ts';
import { RETRY_DELAY } from './timing.ts';

const PLACED = { instanceId: 'i1' as InstanceId, heldFrom: NOW } as const;
const RETRY: RunSpec['retry'] = { onEvents: ['error', 'interruption', 'no-capacity'], durationMs: 60 * MINUTE };

function ended(job: Partial<JobRow> = {}): JobRow {
  return jobRow({ ...PLACED, status: 'done', endReason: 'exited', exitStatus: 0, finishedAt: NOW, ...job });
}

function failed(job: Partial<JobRow> = {}): JobRow {
  return ended({ status: 'failed', exitStatus: 1, ...job });
}

/** The snapshot as the writes leave it, with the jobs of the run's submission. */
function after({ run, jobs }: RunSnapshot, writes: readonly Write[]): RunSnapshot {
  const next = written('runs', run, writes);
  const made = writes.flatMap((write) =>
    'add' in write && write.add === 'jobs'
      ? [{ ...write.row, id: `n${write.row.submission}-${write.row.node}` as JobRow['id'], version: 1 }]
      : [],
  );
  const changed = jobs.map((job) => written('jobs', job, writes));
  return { run: next, jobs: [...changed, ...made].filter((job) => job.submission === next.submission) };
}

/** Decides again and again, as the engine does, until there is nothing more to write. */
function settle(snapshot: RunSnapshot, now = NOW): RunSnapshot & { effects: string[]; wakeAt: number | null } {
  let current = snapshot;
  for (let i = 0; i < 6; i++) {
    const { writes, effects, wakeAt } = decideRun(current, now);
    if (writes.length === 0) return { ...current, effects: effects.map((effect) => effect.kind), wakeAt };
    current = after(current, writes);
  }
  throw new Error('It is never settled.');
}

describe('placing and starting', () => {
  test('jobs without an instance are placed', () => {
    const { effects, run } = settle({ run: runRow(), jobs: [jobRow()] });
    assert.deepEqual(effects, ['place']);
    assert.equal(run.status, 'submitted');
  });

  test('nodes that are ready together are ordered to start, once', () => {
    const ready = jobRow({ ...PLACED, status: 'pulling', agentState: 'ready' });
    const { jobs } = settle({ run: runRow(), jobs: [ready, { ...ready, id: 'j1' as JobRow['id'], node: 1 }] });
    assert.deepEqual(
      jobs.map((job) => job.startOrderedAt),
      [NOW, NOW],
    );
    assert.equal(countWrites('jobs', decideRun({ run: runRow({ status: 'provisioning' }), jobs }, NOW + 1).writes), 0);
  });

  test('a run is as far as the least of its nodes', () => {
    const submitted = jobRow();
    const provisioning = jobRow({ ...PLACED, status: 'provisioning' });
    const pulling = jobRow({ ...PLACED, status: 'pulling' });
    const running = jobRow({ ...PLACED, status: 'running', agentState: 'running' });
    const statusOf = (...jobs: JobRow[]): string =>
      settle({ run: runRow(), jobs: jobs.map((job, node) => ({ ...job, node })) }).run.status;
    assert.equal(statusOf(submitted, submitted), 'submitted');
    assert.equal(statusOf(submitted, running), 'provisioning');
    assert.equal(statusOf(provisioning, running), 'provisioning');
    assert.equal(statusOf(pulling, running), 'provisioning');
    assert.equal(statusOf(running, running), 'running');
    assert.equal(statusOf(ended(), running), 'running');
  });

  test('the time of the first start is kept when a run runs again', () => {
    const jobs = [jobRow({ ...PLACED, status: 'running', agentState: 'running' })];
    assert.equal(settle({ run: runRow(), jobs }).run.startedAt, NOW);
    const again = runRow({ status: 'provisioning', startedAt: NOW - MINUTE, submission: 0 });
    assert.equal(settle({ run: again, jobs }).run.startedAt, NOW - MINUTE);
  });
});

describe('ends', () => {
  test('a run whose jobs are all done is done', () => {
    const { run } = settle({ run: runRow({ status: 'running' }), jobs: [ended(), ended({ node: 1 })] });
    assert.deepEqual([run.status, run.endReason, run.live, run.finishedAt], ['done', 'all-jobs-done', false, NOW]);
  });

  test('a node that fails stops the others, and the run fails for its reason', () => {
    const other = jobRow({ ...PLACED, node: 1, status: 'running', agentState: 'running' });
    const first = settle({ run: runRow({ status: 'running' }), jobs: [failed({ exitStatus: 7 }), other] });
    assert.equal(first.run.status, 'terminating');
    assert.deepEqual([first.jobs[1]?.stopRequested, first.jobs[1]?.stopReason], ['stop', 'stopped-by-run']);
    const stopped = ended({ node: 1, status: 'terminated', endReason: 'stopped-by-run' });
    const { run } = settle({ run: first.run, jobs: [failed({ exitStatus: 7 }), stopped] });
    assert.deepEqual(
      [run.status, run.endReason, run.message],
      ['failed', 'job-failed', 'Node 0 exited with status 7.'],
    );
  });

  test('of several failures the earliest counts: the others may be its consequences', () => {
    const cause = failed({ node: 1, endReason: 'interrupted', finishedAt: NOW - 500, message: 'taken back' });
    const consequence = failed({ node: 0, finishedAt: NOW });
    const { run } = settle({ run: runRow({ status: 'running' }), jobs: [consequence, cause] });
    assert.match(run.message ?? '', /^Node 1: interrupted/);
  });

  test('all-done waits for the workers; master-done stops them', () => {
    const worker = jobRow({ ...PLACED, node: 1, status: 'running', agentState: 'running' });
    const all = settle({ run: runRow({ status: 'running' }), jobs: [ended(), worker] });
    assert.equal(all.run.status, 'running');
    const spec = taskSpec({ stopCriteria: 'master-done' });
    const master = settle({ run: runRow({ status: 'running', spec }), jobs: [ended(), worker] });
    assert.equal(master.run.status, 'terminating');
    assert.equal(master.jobs[1]?.stopReason, 'stopped-by-run');
    const stopped = ended({ node: 1, status: 'terminated', endReason: 'stopped-by-run' });
    assert.equal(settle({ run: master.run, jobs: [ended(), stopped] }).run.status, 'done');
  });

  test('master-done: a worker that dies because the master has left does not fail the run', () => {
    const spec = taskSpec({ stopCriteria: 'master-done' });
    const { run } = settle({ run: runRow({ status: 'running', spec }), jobs: [ended(), failed({ node: 1 })] });
    assert.equal(run.status, 'done');
  });
});

describe('stopping', () => {
  for (const status of ['pending', 'submitted', 'provisioning', 'running', 'terminating'] as const) {
    test(`a run that is ${status} can be stopped, also when no job is left to stop`, () => {
      const run = runRow({ status, stopRequested: 'stop' });
      const live = settle({ run, jobs: [jobRow()] });
      assert.deepEqual([live.run.status, live.jobs[0]?.stopReason], ['terminating', 'stopped-by-user']);
      const { run: gone } = settle({ run, jobs: [failed()] });
      assert.deepEqual([gone.status, gone.endReason, gone.live], ['terminated', 'stopped-by-user', false]);
    });
  }

  test('an abort overtakes a stop', () => {
    const stopping = jobRow({ ...PLACED, status: 'terminating', stopRequested: 'stop', stopReason: 'stopped-by-user' });
    const { jobs } = settle({ run: runRow({ status: 'terminating', stopRequested: 'abort' }), jobs: [stopping] });
    assert.deepEqual([jobs[0]?.stopRequested, jobs[0]?.stopReason], ['abort', 'aborted-by-user']);
  });

  test('a wish to stop that comes when all is done changes nothing', () => {
    const { run } = settle({ run: runRow({ status: 'running', stopRequested: 'stop' }), jobs: [ended()] });
    assert.deepEqual([run.status, run.endReason], ['done', 'all-jobs-done']);
  });

  test('a wish to stop that comes while the run ends by itself does not change its reason', () => {
    const closing = runRow({ status: 'terminating', endReason: 'job-failed', message: 'why', stopRequested: 'stop' });
    const { run } = settle({ run: closing, jobs: [failed()] });
    assert.deepEqual([run.status, run.endReason, run.message], ['failed', 'job-failed', 'why']);
  });

  test('a run that is stopped is not tried again', () => {
    const spec = taskSpec({ retry: RETRY });
    const run = runRow({ status: 'terminating', stopRequested: 'stop', nextAttemptAt: NOW + MINUTE, spec });
    assert.equal(settle({ run, jobs: [failed()] }).run.status, 'terminated');
  });
});

describe('retries', () => {
  const spec = taskSpec({ retry: RETRY });

  test('a failure that is retried makes the run wait, then gives it new jobs', () => {
    const waiting = settle({ run: runRow({ status: 'running', spec }), jobs: [failed()] });
    assert.deepEqual([waiting.run.status, waiting.run.nextAttemptAt], ['pending', NOW + RETRY_DELAY.minMs]);
    assert.equal(waiting.wakeAt, NOW + RETRY_DELAY.minMs);
    const again = settle(waiting, NOW + RETRY_DELAY.minMs);
    assert.equal(again.run.status, 'submitted');
    assert.deepEqual(
      again.jobs.map((job) => [job.submission, job.status, job.node]),
      [[1, 'submitted', 0]],
    );
    assert.deepEqual(again.effects, ['place']);
  });

  test('the other nodes are stopped first, and all are submitted again together', () => {
    const two = taskSpec({ retry: RETRY, nodes: 2 });
    const other = jobRow({ ...PLACED, node: 1, status: 'running', agentState: 'running' });
    const stopping = settle({ run: runRow({ status: 'running', spec: two }), jobs: [failed(), other] });
    assert.equal(stopping.run.status, 'terminating');
    const stopped = ended({ node: 1, status: 'terminated', endReason: 'stopped-by-run' });
    const waiting = settle({ run: stopping.run, jobs: [failed(), stopped] });
    assert.equal(waiting.run.status, 'pending');
    assert.equal(settle(waiting, NOW + MINUTE).jobs.length, 2);
  });

  test('what was refused is avoided by the next submission too', () => {
    const run = runRow({ status: 'pending', nextAttemptAt: NOW, spec });
    const { jobs } = settle({ run, jobs: [failed({ avoidOffers: { a: NOW + MINUTE, b: NOW - 1 } })] });
    assert.deepEqual(jobs[0]?.avoidOffers, { a: NOW + MINUTE });
  });

  test('an event that is not named ends the run', () => {
    const only = taskSpec({ retry: { onEvents: ['interruption'], durationMs: 60 * MINUTE } });
    const { run } = settle({ run: runRow({ status: 'running', spec: only }), jobs: [failed()] });
    assert.deepEqual([run.status, run.endReason], ['failed', 'job-failed']);
  });

  test('after `retry.duration` the run fails', () => {
    const run = runRow({ status: 'running', spec, retryWindowAt: NOW - 60 * MINUTE });
    assert.equal(settle({ run, jobs: [failed({ startedAt: NOW - 1_000 })] }).run.endReason, 'retry-limit-exceeded');
    const { run: none } = settle({ run, jobs: [failed({ endReason: 'no-capacity', message: 'sold out' })] });
    assert.deepEqual([none.endReason, none.message], ['no-capacity', 'sold out.']);
  });

  test('a run that is interrupted after five hours has its whole window, and waits the shortest time', () => {
    const run = runRow({ status: 'running', spec, retryWindowAt: NOW - 300 * MINUTE });
    const job = failed({ endReason: 'interrupted', startedAt: NOW - 299 * MINUTE });
    const { run: waiting } = settle({ run, jobs: [job] });
    assert.deepEqual(
      [waiting.status, waiting.retryWindowAt, waiting.nextAttemptAt],
      ['pending', NOW, NOW + RETRY_DELAY.minMs],
    );
  });

  test('a program that crashes at once uses its window up', () => {
    let snapshot: RunSnapshot = { run: runRow({ status: 'running', spec }), jobs: [failed({ startedAt: NOW })] };
    let now = NOW;
    let submissions = 1;
    for (; submissions < 100; submissions++) {
      const waiting = settle(snapshot, now);
      if (isRunFinished(waiting.run.status)) break;
      now = waiting.run.nextAttemptAt ?? now;
      const again = settle(waiting, now);
      const crash = { status: 'failed', endReason: 'exited', exitStatus: 1, startedAt: now, finishedAt: now } as const;
      snapshot = { run: { ...again.run, status: 'running' }, jobs: again.jobs.map((job) => ({ ...job, ...crash })) };
    }
    assert.ok(submissions > 5 && submissions < 15, `${submissions} submissions in an hour`);
    assert.ok(now - NOW <= 70 * MINUTE);
  });

  test('a run does not wait longer than the longest wait, should the clock be set back', () => {
    const run = runRow({ status: 'pending', nextAttemptAt: NOW + 60 * MINUTE, spec });
    assert.equal(settle({ run, jobs: [failed()] }).run.status, 'submitted');
  });
});

describe('whatever the rows are', () => {
  const anySnapshot = fc.tuple(anyRun, fc.array(anyJob, { minLength: 1, maxLength: 4 })).map(([run, jobs]) => ({
    run,
    jobs: jobs.map((job, node) => ({ ...job, id: `j${node}` as JobRow['id'], node, submission: run.submission })),
  }));

  test('decisions come to rest within a few steps, and every step is one that its state table allows', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => void settle(snapshot)),
      { numRuns: 1_000 },
    );
  });

  test('a finished run and a finished job are never changed', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const { writes } = decideRun(snapshot, NOW);
        if (isRunFinished(snapshot.run.status)) assert.deepEqual(writes, []);
        for (const write of writes) {
          if ('change' in write && write.change === 'jobs') assert.ok(!isJobFinished(write.row.status));
        }
      }),
    );
  });

  test('a run that does nothing waits for a time, or for a job that is not finished', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const { run, jobs, effects, wakeAt } = settle(snapshot);
        if (isRunFinished(run.status) || wakeAt !== null || effects.length > 0) return;
        assert.ok(jobs.some((job) => !isJobFinished(job.status)));
      }),
    );
  });

  test('no node is started unless all are ready', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const { writes } = decideRun(snapshot, NOW);
        const starts = writes.filter((write) => 'change' in write && 'startOrderedAt' in write.patch);
        if (starts.length === 0) return;
        assert.ok(snapshot.jobs.every((job) => job.agentState !== null && job.agentState !== 'preparing'));
      }),
    );
  });

  test('a run is submitted again only when its time has come', () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const { writes } = decideRun(snapshot, NOW);
        if (!writes.some((write) => 'add' in write)) return;
        assert.equal(snapshot.run.status, 'pending');
        assert.equal(countWrites('runs', writes), 1);
        const at = snapshot.run.nextAttemptAt ?? NOW;
        assert.ok(at <= NOW || at - NOW > RETRY_DELAY.maxMs);
      }),
    );
  });

  test('after a wish to stop, no run is placed, started or submitted again', () => {
    fc.assert(
      fc.property(anySnapshot, fc.constantFrom('stop', 'abort'), (snapshot, stopRequested) => {
        const run: RunRow = { ...snapshot.run, stopRequested };
        const { writes, effects } = decideRun({ ...snapshot, run }, NOW);
        assert.deepEqual(effects, []);
        assert.ok(writes.every((write) => !('add' in write)));
      }),
    );
  });
});
