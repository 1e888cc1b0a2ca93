import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobId } from '@berth/core/ids';
import type { WorkSpec } from '@berth/core/job-spec';
import { AgentLinkError } from './link-error.ts';
import { findProcess, listProcesses } from './process-table.ts';
import { testAssignment } from './testing/assignment.ts';
import { TestAgent } from './testing/test-agent.ts';
import { ALONE } from './testing/test-server.ts';
import { useBench } from './testing/test-suite.ts';

const bench = useBench();

const refusedWith = (code: string) => (error: unknown) => error instanceof AgentLinkError && error.reason === code;
const kinds = (job: JobId): string[] => bench.server.eventsOf(job).map((event) => event.kind);

describe('a job', () => {
  it('prepares, waits for its peers, runs and ends, and tells each step once', async () => {
    const assignment = testAssignment({ commands: ['echo hi'] });
    const { job } = assignment;
    await bench.server.link.request('job.submit', { assignment });
    await bench.server.eventOf(job, 'job-ready');
    await sleep(100);
    assert.deepEqual(kinds(job), ['job-ready'], 'it does not start by itself');
    await bench.server.link.request('job.start', { job, cluster: ALONE });
    const ended = await bench.server.end(job);
    assert.deepEqual(kinds(job), ['job-ready', 'job-running', 'job-ended']);
    assert.deepEqual(
      { ...ended, startedAt: 0, endedAt: 0 },
      {
        kind: 'job-ended',
        job,
        reason: 'exited',
        message: '',
        exitStatus: 0,
        signal: null,
        startedAt: 0,
        endedAt: 0,
        logBytes: 3,
        artifacts: null,
      },
    );
    assert.ok((ended.startedAt ?? 0) > Date.now() - 10_000 && ended.endedAt >= (ended.startedAt ?? 0));
    assert.equal(bench.server.logOf(job).toString(), 'hi\n');
  });

  it('is one job, however often each request is repeated', async () => {
    const assignment = testAssignment({ commands: ['echo once; sleep 0.3'] });
    const { job } = assignment;
    const submit = () => bench.server.link.request('job.submit', { assignment });
    const start = () => bench.server.link.request('job.start', { job, cluster: ALONE });
    await Promise.all([submit(), submit(), submit()]);
    await bench.server.eventOf(job, 'job-ready');
    await submit();
    await Promise.all([start(), start()]);
    await Promise.all([submit(), start()]);
    await bench.server.end(job);
    await Promise.all([submit(), start(), bench.server.link.request('job.stop', { job, graceMs: 0 })]);
    assert.equal(bench.server.logOf(job).toString(), 'once\n');
    assert.equal(kinds(job).filter((kind) => kind === 'job-ended').length, 1);
    const remove = () => bench.server.link.request('job.remove', { job });
    await Promise.all([remove(), remove()]);
    await remove();
    await assert.rejects(submit(), refusedWith('wrong-state'));
    await bench.server.link.request('job.stop', { job, graceMs: 0 });
    await assert.rejects(start(), refusedWith('not-found'));
  });

  it('takes its daemons with it, and does not wait for who still holds its output', async () => {
    const loud = 'while :; do echo loud; sleep 0.05; done';
    const assignment = testAssignment({
      commands: [
        `setsid sh -c '${loud}' &`,
        'setsid sleep 531 & env -i PATH="$PATH" setsid sh -c "sleep 532 >/dev/null & exec timeout 20 yes" &',
        'sleep 0.3; echo bye',
      ],
    });
    const ended = await bench.server.run(assignment);
    assert.deepEqual([ended.reason, ended.exitStatus], ['exited', 0]);
    const left = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' });
    assert.doesNotMatch(left, /sleep 531|echo loud/);
    for (const [, pid] of left.matchAll(/^ *(\d+) (?:sleep 532|timeout 20 yes)$/gm))
      process.kill(Number(pid), 'SIGKILL');
  });

  it('cannot be started before it is ready nor removed before it has ended', async () => {
    const assignment = testAssignment({ commands: ['sleep 10'] });
    const { job } = assignment;
    const submitted = bench.server.link.request('job.submit', { assignment });
    await submitted;
    await bench.server.eventOf(job, 'job-ready');
    await assert.rejects(bench.server.link.request('job.remove', { job }), refusedWith('wrong-state'));
    await bench.server.link.request('job.stop', { job, graceMs: 0 });
    const ended = await bench.server.end(job);
    assert.deepEqual([ended.reason, ended.startedAt, ended.exitStatus], ['stopped', null, null]);
  });

  const ends: readonly (readonly [string, Partial<WorkSpec>, number | null, string | null])[] = [
    ['with its exit status', { commands: ['exit 42'] }, 42, null],
    ['with the status of the first command that fails', { commands: ['true', '(exit 3)', 'exit 0'] }, 3, null],
    ['with the signal that ended it', { commands: ['kill -9 $$'] }, null, 'SIGKILL'],
    ['with the signal that it sent itself', { commands: ['kill -USR1 $$'] }, null, 'SIGUSR1'],
    ['as its entrypoint does', { entrypoint: ['sh', '-c', 'exit 6'] }, 6, null],
  ];
  for (const [claim, work, exitStatus, signal] of ends) {
    it(`ends ${claim}`, async () => {
      const ended = await bench.server.run(testAssignment(work));
      assert.deepEqual(
        [ended.reason, ended.exitStatus, ended.signal, ended.message],
        ['exited', exitStatus, signal, ''],
      );
    });
  }

  it('takes along what it left running, and its end does not wait for it', async () => {
    const assignment = testAssignment({ commands: ['sleep 1000 & (set -m; sleep 1001 &) ; echo $!'] });
    const began = performance.now();
    await bench.server.run(assignment);
    assert.ok(performance.now() - began < 5_000);
    const left = Number(bench.server.logOf(assignment.job).toString());
    assert.equal(findProcess(left), null);
    const { pid } = await bench.server.eventOf(assignment.job, 'job-running');
    assert.deepEqual(
      listProcesses().filter((entry) => entry.session === pid),
      [],
    );
  });

  it('ends although a process that left its session holds its output open', async () => {
    const assignment = testAssignment({ commands: ['setsid sleep 5 & echo out'] });
    const began = performance.now();
    await bench.server.run(assignment);
    assert.ok(performance.now() - began < 3_000);
    assert.equal(bench.server.logOf(assignment.job).toString(), 'out\n');
  });
});

describe('a job that is stopped', () => {
  it('may end by itself within its grace', async () => {
    const assignment = testAssignment({
      commands: ['trap "echo bye; exit 9" TERM; echo up; while :; do sleep 0.05; done'],
    });
    await bench.server.begin(assignment);
    await bench.server.until('it is up', () => bench.server.logBytes(assignment.job) > 0);
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 10_000 });
    const ended = await bench.server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus, ended.signal], ['stopped', 9, null]);
    // The signal goes to the whole group; some shells remark on a child that it ended.
    assert.match(bench.server.logOf(assignment.job).toString(), /^up\n(Terminated\n)?bye\n$/);
  });

  it('is killed when its grace is over, with all of its group', async () => {
    const assignment = testAssignment({
      commands: ['trap "" TERM; sh -c "trap \\"\\" TERM; echo $$; sleep 500" & echo up; wait; sleep 500'],
    });
    await bench.server.begin(assignment);
    await bench.server.until('it is up', () => bench.server.logOf(assignment.job).toString().split('\n').length > 2);
    const began = performance.now();
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 400 });
    const ended = await bench.server.end(assignment.job);
    const took = performance.now() - began;
    assert.deepEqual([ended.reason, ended.exitStatus, ended.signal], ['stopped', null, 'SIGKILL']);
    assert.ok(took >= 390 && took < 3_000, `${took} ms`);
    const { pid } = await bench.server.eventOf(assignment.job, 'job-running');
    assert.deepEqual(
      listProcesses().filter((entry) => entry.session === pid),
      [],
    );
  });

  it('is killed at once by a second request without grace', async () => {
    const assignment = testAssignment({ commands: ['trap "" TERM; echo up; sleep 500; sleep 500'] });
    await bench.server.begin(assignment);
    await bench.server.until('it is up', () => bench.server.logBytes(assignment.job) > 0);
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 60_000 });
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 0 });
    assert.equal((await bench.server.end(assignment.job, 5_000)).signal, 'SIGKILL');
  });

  it('can be removed at once: the removal waits for its end', async () => {
    const assignment = testAssignment({ commands: ['sleep 500'] });
    const { job } = assignment;
    await bench.server.begin(assignment);
    await assert.rejects(bench.server.link.request('job.remove', { job }), refusedWith('wrong-state'));
    await bench.server.link.request('job.stop', { job, graceMs: 5_000 });
    await bench.server.link.request('job.remove', { job });
    assert.equal((await bench.server.end(job)).reason, 'stopped');
  });

  it('while it waits for its peers has not run', async () => {
    const assignment = testAssignment({ commands: ['echo no'] });
    await bench.server.link.request('job.submit', { assignment });
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 1_000 });
    const ended = await bench.server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.startedAt, ended.logBytes], ['stopped', null, 0]);
    await bench.server.link.request('job.start', { job: assignment.job, cluster: ALONE });
  });
});

describe('max_duration', () => {
  it('is kept by the agent alone, with the grace of stop_duration', async () => {
    const assignment = testAssignment({
      commands: ['trap "echo soon" TERM; while :; do sleep 0.05; done'],
      maxDurationMs: 500,
      stopDurationMs: 300,
    });
    const began = performance.now();
    await bench.server.begin(assignment);
    // Nobody watches.
    bench.server.link.close();
    await sleep(1_500);
    await bench.agent.connect(bench.server);
    const ended = await bench.server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.signal], ['max-duration', 'SIGKILL']);
    assert.match(ended.message, /max_duration/);
    const ran = ended.endedAt - (ended.startedAt ?? 0);
    assert.ok(ran >= 780 && ran < 2_000, `${ran} ms of ${performance.now() - began}`);
    assert.match(bench.server.logOf(assignment.job).toString(), /^(Terminated\n)?soon\n$/);
  });

  it('does not matter to a job that is faster', async () => {
    const ended = await bench.server.run(testAssignment({ commands: ['true'], maxDurationMs: 60_000 }));
    assert.equal(ended.reason, 'exited');
  });
});

describe('a job that cannot be prepared', () => {
  const failures: readonly (readonly [string, Partial<WorkSpec>, RegExp])[] = [
    ['without a shell', { shell: 'no-such-shell', commands: ['x'] }, /There is no "no-such-shell".*shell:/],
    ['with nothing to run', {}, /nothing to run/],
    ['with a NUL in a command', { commands: ['true', 'echo a\0b'] }, /^Command 2 holds a NUL/],
    ['with a NUL in its environment', { commands: ['x'], env: { A: 'b\0' } }, /^`env` A holds a NUL/],
    ['as a user who is not there', { user: 'nobody-here', commands: ['x'] }, /no user "nobody-here"/],
    [
      'with a mount',
      { commands: ['x'], mounts: [{ instancePath: '/a', path: '/b', optional: false }] },
      /only in a container/,
    ],
    [
      'with code that did not come',
      {
        commands: ['x'],
        code: { kind: 'tar', blob: 'a'.repeat(64) as never, bytes: 1, path: '.', ifExists: 'error' },
      },
      /did not arrive/,
    ],
    ['with commands that are too long', { commands: [`: ${'x'.repeat(200_000)}`] }, /128 KiB/],
  ];
  for (const [what, work, message] of failures) {
    it(`${what} ends with a setup error that says what to do`, async () => {
      const ended = await bench.server.run(testAssignment(work));
      assert.equal(ended.reason, 'setup-error');
      assert.match(ended.message, message);
      assert.equal(ended.exitStatus, null);
    });
  }

  it('does not disturb the agent', async () => {
    assert.equal((await bench.server.run(testAssignment({ commands: ['true'] }))).exitStatus, 0);
  });
});

describe('an image without Docker', () => {
  it('is an image error that says what to do', async (t) => {
    const own = await TestAgent.start(t, { env: { DOCKER_HOST: 'unix:///no/docker.sock' } });
    const mine = await own.connect();
    assert.equal(mine.link.agent.host.docker, null);
    assert.match(mine.link.agent.host.dockerProblem ?? '', /No Docker Engine answers/);
    const ended = await mine.run(testAssignment({ image: 'ubuntu', commands: ['true'] }));
    assert.equal(ended.reason, 'image-error');
    assert.match(ended.message, /install and start Docker .* or remove `image`/);
    mine.link.close();
  });

  it('holds nothing up: the ended job is removed although Docker never answers', async (t) => {
    const own = await TestAgent.start(t, { env: { DOCKER_HOST: 'unix:///no/docker.sock' } });
    const mine = await own.connect();
    const assignment = testAssignment({ image: 'ubuntu', commands: ['true'] });
    await mine.run(assignment);
    await mine.link.request('job.remove', { job: assignment.job });
    mine.link.close();
    const again = await own.connect();
    assert.deepEqual(again.link.agent.jobs, []);
    again.link.close();
  });
});
