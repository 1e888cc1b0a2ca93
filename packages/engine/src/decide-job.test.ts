import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type InstanceId, isJobFinished } from '@berth/core';
import type { InstanceRow, JobRow } from '@berth/store';
import fc from 'fast-check';
import { decideJob, type JobSnapshot } from './decide-job.ts';
import type { Write } from './decision.ts';
import {
  anyInstance,
  anyJob,
  anyTime,
  countWrites,
  instanceRow,
  jobRow,
  MINUTE,
  NOW,
  runRow,
  written,
} from './testing/rows.ts';
import { taskSpec } from './testing/specs.ts';
import {
  AVOID_BROKEN_OFFER_MS,
  AVOID_OFFER_MS,
  DRAIN_LIMIT_MS,
  STOP_OVERDUE_MS,
  SUBMIT_LIMIT_MS,
  UNREACHABLE_LIMIT_MS,
} from './timing.ts';

const LONG_AGO = NOW - 24 * 60 * MINUTE;
const HELD = { instanceId: 'i1' as InstanceId, heldFrom: NOW - MINUTE, pricePerHour: 1 } as const;
const GRACE = 10_000;

function snapshot(
  job: Partial<JobRow>,
  instance: Partial<InstanceRow> | null = {},
  more: Partial<JobSnapshot> = {},
): JobSnapshot {
  return {
    job: jobRow({ ...HELD, ...job }),
    run: runRow({ spec: taskSpec({ work: { stopDurationMs: GRACE } }) }),
    instance: instance === null ? null : instanceRow(instance),
    linkedSince: LONG_AGO,
    awakeSince: LONG_AGO,
    hedging: null,
    ...more,
  };
}

function after(before: JobSnapshot, writes: readonly Write[]): JobSnapshot {
  return {
    ...before,
    job: written('jobs', before.job, writes),
    instance: before.instance === null ? null : written('instances', before.instance, writes),
  };
}

function settle(first: JobSnapshot, now = NOW): JobSnapshot & { effects: string[]; wakeAt: number | null } {
  let current = first;
  const effects: string[] = [];
  for (let i = 0; i < 6; i++) {
    const decision = decideJob(current, now);
    effects.push(...decision.effects.map((effect) => effect.kind));
    if (decision.writes.length === 0) return { ...current, effects, wakeAt: decision.wakeAt };
    current = after(current, decision.writes);
  }
  throw new Error('It is never settled.');
}

describe('on the way to the agent', () => {
  test('a job is told to the agent only when its instance is ready and linked, and the books say so first', () => {
    const waiting = settle(snapshot({ status: 'provisioning' }, { status: 'provisioning' }));
    assert.deepEqual([waiting.job.status, waiting.effects], ['provisioning', []]);
    const unlinked = settle(snapshot({ status: 'provisioning' }, {}, { linkedSince: null }));
    assert.deepEqual([unlinked.job.status, unlinked.effects], ['provisioning', []]);
    const first = decideJob(snapshot({ status: 'provisioning' }), NOW);
    assert.deepEqual([countWrites('jobs', first.writes), first.effects], [1, []]);
    const told = settle(snapshot({ status: 'provisioning' }));
    assert.deepEqual([told.job.status, told.effects], ['pulling', ['submit']]);
  });

  test('what the agent has taken is not submitted again', () => {
    for (const agentState of ['preparing', 'ready', 'running'] as const) {
      assert.deepEqual(settle(snapshot({ status: 'pulling', agentState })).effects, []);
    }
  });

  test('a job that is ready begins when its run has ordered it, and its agent is told', () => {
    const ready = { status: 'pulling', agentState: 'ready' } as const;
    assert.deepEqual(settle(snapshot(ready)).effects, []);
    assert.deepEqual(settle(snapshot({ ...ready, startOrderedAt: NOW })).effects, ['start']);
    assert.deepEqual(settle(snapshot({ ...ready, startOrderedAt: NOW }, {}, { linkedSince: null })).effects, []);
    assert.deepEqual(settle(snapshot({ ...ready, startOrderedAt: NOW, agentState: 'running' })).effects, []);
  });

  test('an instance that is lost before it had the job sends the job to another place', () => {
    const lost = { status: 'terminated', endReason: 'create-failed', message: 'sold out', busyBlocks: 0 } as const;
    const { job } = settle(snapshot({ status: 'provisioning', avoidOffers: { old: NOW - 1 } }, lost));
    assert.deepEqual([job.status, job.instanceId, job.heldFrom, job.message], ['submitted', null, null, 'sold out']);
    assert.deepEqual(job.avoidOffers, {}, 'what the cloud refused is remembered for all runs');
  });

  test('an offer whose machine was lost on the way is left alone by this job for a while', () => {
    const { job } = settle(
      snapshot({ status: 'provisioning' }, { status: 'terminated', endReason: 'gone', busyBlocks: 0 }),
    );
    assert.deepEqual(job.avoidOffers, { [instanceRow().offer.id]: NOW + AVOID_OFFER_MS });
  });

  test('an offer whose machine never answered is avoided for much longer, so that two do not take turns for ever', () => {
    const lost = { status: 'terminating', endReason: 'provisioning-timeout' } as const;
    const { job, instance } = settle(snapshot({ status: 'provisioning' }, lost));
    assert.deepEqual(job.avoidOffers, { [instanceRow().offer.id]: NOW + AVOID_BROKEN_OFFER_MS });
    assert.equal(instance?.busyBlocks, 0, 'it does not hold what it has left');
  });

  test('an agent that does not take the job is given up, counted from when it could have', () => {
    const job = { status: 'pulling', heldFrom: NOW - SUBMIT_LIMIT_MS } as const;
    const late = settle(snapshot(job, { readyAt: NOW - SUBMIT_LIMIT_MS }));
    assert.deepEqual([late.job.status, late.job.stopReason], ['terminating', 'setup-error']);
    const ready = settle(snapshot(job, { readyAt: NOW - MINUTE }));
    assert.deepEqual([ready.job.status, ready.effects], ['pulling', ['submit']]);
    const justStarted = settle(snapshot(job, { readyAt: NOW - SUBMIT_LIMIT_MS }, { awakeSince: NOW - MINUTE }));
    assert.equal(justStarted.job.status, 'pulling', 'the server was not there to try');
  });
});

describe('stopping', () => {
  test('a job that no agent knows is ended at once, and its instance is free', () => {
    const { job, instance } = settle(
      snapshot(
        { status: 'provisioning', stopRequested: 'stop', stopReason: 'stopped-by-user' },
        { status: 'provisioning' },
      ),
    );
    assert.deepEqual([job.status, job.endReason, job.heldUntil], ['terminated', 'stopped-by-user', NOW]);
    assert.deepEqual([instance?.status, instance?.busyBlocks], ['provisioning', 0]);
  });

  test('a job at an agent is asked to stop, with its grace, and has until then plus some', () => {
    const request = { stopRequested: 'stop', stopReason: 'stopped-by-user' } as const;
    const { job, effects, wakeAt } = settle(snapshot({ status: 'running', agentState: 'running', ...request }));
    assert.deepEqual([job.status, effects, job.stopBy], ['terminating', ['stop'], NOW + GRACE + STOP_OVERDUE_MS]);
    assert.equal(wakeAt, job.stopBy);
    const [effect] = decideJob(snapshot({ ...job }), NOW).effects;
    assert.equal(effect?.kind === 'stop' && effect.graceMs, GRACE);
  });

  test('an abort has no grace, and takes away what a stop had granted', () => {
    const { job } = settle(
      snapshot({
        status: 'terminating',
        agentState: 'running',
        stopRequested: 'abort',
        stopReason: 'aborted-by-user',
        stopBy: NOW + GRACE + STOP_OVERDUE_MS,
      }),
    );
    assert.equal(job.stopBy, NOW + STOP_OVERDUE_MS);
  });

  const overdue = {
    status: 'terminating',
    agentState: 'running',
    stopRequested: 'stop',
    stopReason: 'stopped-by-user',
    stopBy: NOW,
  } as const;

  test('an agent that does not end the job in time loses it, and its instance is given back', () => {
    const { job, instance } = settle(snapshot(overdue));
    assert.deepEqual([job.status, job.endReason], ['terminated', 'stopped-by-user']);
    assert.deepEqual([instance?.status, instance?.endReason, instance?.busyBlocks], ['terminating', 'unreachable', 0]);
  });

  test('an agent that was out of reach when the time ran out gets a while to say how the job ended', () => {
    const { job, effects, wakeAt } = settle(snapshot(overdue, {}, { linkedSince: NOW - 1_000 }));
    assert.deepEqual([job.status, effects, wakeAt], ['terminating', ['stop'], NOW - 1_000 + STOP_OVERDUE_MS]);
  });

  test('while the link is down nothing is due but the end of patience with the instance', () => {
    const { effects, wakeAt } = settle(snapshot(overdue, { unreachableSince: NOW - MINUTE }, { linkedSince: null }));
    assert.deepEqual([effects, wakeAt], [[], NOW - MINUTE + UNREACHABLE_LIMIT_MS]);
  });
});

describe('losing the instance', () => {
  const running = { status: 'running', agentState: 'running' } as const;

  test('a job ends with its instance', () => {
    const { job } = settle(snapshot(running, { status: 'terminating', message: 'gone' }, { linkedSince: null }));
    assert.deepEqual([job.status, job.endReason, job.message, job.heldUntil], ['failed', 'agent-lost', 'gone', NOW]);
  });

  test('on a spot instance that is an interruption', () => {
    const { job } = settle(snapshot(running, { status: 'terminated', capacityType: 'spot' }, { linkedSince: null }));
    assert.equal(job.endReason, 'interrupted');
  });

  test('silence is borne for its limit, and only as long as somebody listened', () => {
    const silent = { unreachableSince: NOW - UNREACHABLE_LIMIT_MS };
    assert.equal(settle(snapshot(running, silent, { linkedSince: null })).job.endReason, 'agent-lost');
    const listened = settle(snapshot(running, silent, { linkedSince: null, awakeSince: NOW - MINUTE }));
    assert.deepEqual([listened.job.status, listened.wakeAt], ['running', NOW - MINUTE + UNREACHABLE_LIMIT_MS]);
  });

  test('a job that was being stopped keeps that reason', () => {
    const { job } = settle(
      snapshot(
        { ...running, status: 'terminating', stopRequested: 'stop', stopReason: 'stopped-by-user' },
        { status: 'terminated' },
      ),
    );
    assert.deepEqual([job.status, job.endReason], ['terminated', 'stopped-by-user']);
  });
});

describe('draining', () => {
  const over = {
    status: 'terminating',
    agentState: 'ended',
    endReason: 'exited',
    exitStatus: 0,
    finishedAt: NOW - 60 * MINUTE,
    stopBy: NOW + DRAIN_LIMIT_MS,
  } as const;

  test('the instance is held until log and artifacts are here; the end is as it was reported', () => {
    const { job, effects, wakeAt } = settle(snapshot(over));
    assert.deepEqual([job.status, effects, wakeAt], ['terminating', ['drain'], NOW + DRAIN_LIMIT_MS]);
    const done = settle(snapshot({ ...over, cleanedAt: NOW }));
    assert.deepEqual([done.job.status, done.job.finishedAt, done.job.heldUntil], ['done', NOW - 60 * MINUTE, NOW]);
    assert.deepEqual([done.instance?.status, done.instance?.busyBlocks, done.instance?.idleSince], ['idle', 0, NOW]);
  });

  test('an end by the agent’s own clock, however wrong, does not shorten the time for it', () => {
    assert.deepEqual(settle(snapshot({ ...over, finishedAt: NOW - 1_000 * MINUTE })).effects, ['drain']);
  });

  test('what cannot be stored in time is given up, said, and removed at the agent', () => {
    const { job, effects } = settle(snapshot({ ...over, stopBy: NOW }));
    assert.deepEqual([job.status, effects], ['done', ['forget']]);
    assert.match(job.message ?? '', /The rest of its log is lost: it could not be stored in time\./);
  });

  test('a server that was away when the time ran out still fetches it', () => {
    assert.deepEqual(settle(snapshot({ ...over, stopBy: LONG_AGO }, {}, { linkedSince: NOW })).effects, ['drain']);
    assert.deepEqual(
      settle(snapshot({ ...over, stopBy: LONG_AGO }, {}, { linkedSince: null })).job.status,
      'terminating',
    );
  });

  test('with the instance, the rest of the log is lost, not the outcome', () => {
    const artifacts = { bytes: 1, hash: 'h' as never, fetched: false };
    const { job } = settle(snapshot({ ...over, artifacts }, { status: 'terminated' }, { linkedSince: null }));
    assert.deepEqual([job.status, job.exitStatus], ['done', 0]);
    assert.match(job.message ?? '', /The rest of its log and its artifacts are lost: its instance is gone\./);
  });
});

describe('whatever the rows are', () => {
  const anySnapshot = fc
    .record({
      job: anyJob,
      instance: fc.option(anyInstance, { nil: null }),
      linkedSince: fc.option(anyTime, { nil: null }),
      awakeSince: anyTime,
      hedging: fc.constant(null),
    })
    .map(
      (drawn): JobSnapshot => ({
        ...drawn,
        instance: drawn.job.instanceId === null ? null : drawn.instance,
        run: runRow(),
      }),
    );

  test('decisions come to rest within a few steps, and every step is one that its state table allows', () => {
    fc.assert(
      fc.property(anySnapshot, (drawn) => void settle(drawn)),
      { numRuns: 2_000 },
    );
  });

  test('a finished job is never changed and causes nothing', () => {
    fc.assert(
      fc.property(anySnapshot, (drawn) => {
        if (isJobFinished(drawn.job.status))
          assert.deepEqual(decideJob(drawn, NOW), { writes: [], effects: [], wakeAt: null });
      }),
    );
  });

  test('a job that ends gives back what it holds, once', () => {
    fc.assert(
      fc.property(anySnapshot, (drawn) => {
        const { writes } = decideJob(drawn, NOW);
        const next = after(drawn, writes);
        if (isJobFinished(drawn.job.status) || !isJobFinished(next.job.status)) return;
        if (drawn.job.heldFrom !== null) assert.equal(next.job.heldUntil, NOW);
        assert.notEqual(next.job.endReason, null);
        const { instance } = drawn;
        if (instance === null || instance.status === 'terminated') return;
        assert.equal(next.instance?.busyBlocks, Math.max(0, instance.busyBlocks - 1));
      }),
    );
  });

  test('a job that does nothing waits for a time, for its run, for its instance, or for an agent that is linked', () => {
    fc.assert(
      fc.property(anySnapshot, (drawn) => {
        const { job, instance, linkedSince, effects, wakeAt } = settle(drawn);
        if (isJobFinished(job.status) || effects.length > 0 || wakeAt !== null) return;
        const forRun = job.status === 'submitted';
        // Both have deadlines of their own, and wake the job.
        const forInstance =
          instance !== null &&
          instance.status !== 'terminated' &&
          (job.status === 'provisioning' || linkedSince === null);
        const forAgent =
          linkedSince !== null && (job.status === 'pulling' || job.status === 'running') && job.agentState !== null;
        assert.ok(forRun || forInstance || forAgent);
      }),
      { numRuns: 1_000 },
    );
  });

  test('no order goes to an agent that is not linked', () => {
    fc.assert(
      fc.property(anySnapshot, (drawn) => {
        assert.deepEqual(decideJob({ ...drawn, linkedSince: null }, NOW).effects, []);
      }),
    );
  });
});
