import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, mock } from 'node:test';
import { ForwardTime, systemClock } from './clock.ts';
import type { Driver, Execution } from './driver.ts';
import { Job } from './job.ts';
import { JobLog } from './job-log.ts';
import type { JobEnded } from './job-record.ts';
import { LogSpool } from './log-spool.ts';
import type { AgentEvent } from './protocol.ts';
import { testAssignment } from './testing/assignment.ts';

/** A job that ends at once and whose artifacts are collected as a test says. */
interface Collecting {
  readonly job: Job;
  readonly events: AgentEvent[];
  /** Resolves when the collection has begun. */
  readonly begun: Promise<void>;
  end(): Promise<JobEnded>;
}

describe('the artifacts of a job that has ended', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-artifacts-'));
  });
  after(async () => await rm(root, { recursive: true, force: true }));

  async function collecting(artifactsStallMs: number, collect: Execution['collectArtifacts']): Promise<Collecting> {
    const dir = await mkdtemp(join(root, 'job-'));
    const events: AgentEvent[] = [];
    const spool = await LogSpool.open(join(dir, 'log'));
    const log = new JobLog(spool, { onData: () => undefined, onProblem: () => undefined });
    const { work, job: id } = testAssignment({ artifacts: ['out'] });
    const begun = Promise.withResolvers<void>();
    const execution: Execution = {
      pid: null,
      container: null,
      startedAt: 1,
      workingDir: dir,
      exit: Promise.resolve({ exitStatus: 0, signal: null, message: '', lost: false }),
      kill: async () => undefined,
      collectArtifacts: async (...args) => {
        begun.resolve();
        return await collect(...args);
      },
      measure: async () => null,
    };
    const driver: Driver = { prepare: async () => undefined, start: async () => execution };
    const job = Job.accept(
      {
        version: 1,
        job: id,
        driver: 'process',
        state: 'preparing',
        process: null,
        container: null,
        started: null,
        maxDurationMs: work.maxDurationMs,
        stopDurationMs: work.stopDurationMs,
        artifacts: work.artifacts,
        gpuDevices: [],
        ended: null,
      },
      {
        dir,
        clock: systemClock,
        time: new ForwardTime(systemClock),
        log,
        emit: async (event) => void events.push(event),
        artifactsStallMs,
      },
      () => driver,
    );
    while (job.snapshot().state === 'preparing') await new Promise(setImmediate);
    await job.start({ rank: 0, ips: [], gpusPerNode: [] });
    return {
      job,
      events,
      begun: begun.promise,
      end: async () => {
        await job.ended;
        await log.close();
        const ended = events.find((event) => event.kind === 'job-ended');
        assert.ok(ended?.kind === 'job-ended');
        return ended;
      },
    };
  }

  it('are given up when not a byte of them moves, and the job ends all the same', async () => {
    const { end } = await collecting(100, () => new Promise(() => undefined));
    const ended = await end();
    assert.deepEqual([ended.reason, ended.exitStatus, ended.artifacts], ['exited', 0, null]);
    assert.match(ended.message, /Not all artifacts could be brought: Nothing has moved/);
  });

  it('may take long as long as they move', async () => {
    const packed = { bytes: 1, hash: 'a'.repeat(64) as never };
    const { end } = await collecting(200, async (_paths, _target, watch) => {
      for (let i = 0; i < 8; i++) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        watch.progress();
      }
      return { packed, missing: [], problems: [] };
    });
    assert.deepEqual((await end()).artifacts, packed);
  });

  it('are given up some seconds after the job is stopped meanwhile', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { job, begun, end } = await collecting(1_000_000, () => new Promise(() => undefined));
      await begun;
      let now = systemClock.sinceBoot();
      mock.method(systemClock, 'sinceBoot', () => now);
      job.stop(0);
      now += 9_000;
      mock.timers.tick(9_000);
      await new Promise(setImmediate);
      assert.equal(job.isEnded, false);
      now += 2_000;
      mock.timers.tick(2_000);
      const ended = await end();
      assert.deepEqual([ended.reason, ended.exitStatus], ['exited', 0]);
      assert.match(ended.message, /stopped while they were collected/);
    } finally {
      mock.timers.reset();
      mock.restoreAll();
    }
  });
});
