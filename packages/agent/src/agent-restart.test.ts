import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkSpec } from '@berth/core/job-spec';
import { findProcess, listProcesses } from './process-table.ts';
import { testAssignment } from './testing/assignment.ts';
import { requirePart, TEST_IMAGE } from './testing/parts.ts';
import { TestAgent } from './testing/test-agent.ts';

/** Lines with their number, so that a gap or a repeat shows; a little faster than a terminal. */
const CHATTY = (lines: number): string =>
  `i=0; while [ $i -lt ${lines} ]; do echo "line $i of this job"; i=$((i+1)); [ $((i%20)) = 0 ] && sleep 0.01; done`;
const chattyLog = (lines: number): string =>
  Array.from({ length: lines }, (_, i) => `line ${i} of this job\n`).join('');

describe('an agent that is killed and started again', () => {
  it('tells what it had not been able to tell, once', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const assignment = testAssignment({ commands: ['sleep 0.3; echo out'] });
    await server.begin(assignment);
    server.link.close();
    await sleep(800);
    await agent.kill();
    await agent.spawn();
    await agent.connect(server);
    const ended = await server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus], ['exited', 0]);
    assert.equal(server.logOf(assignment.job).toString(), 'out\n');
    await agent.kill();
    await agent.spawn();
    await agent.connect(server);
    await sleep(100);
    assert.equal(server.eventsOf(assignment.job).filter((event) => event.kind === 'job-ended').length, 1);
    assert.deepEqual(server.faults, []);
  });

  it('ends its process jobs as lost, with what was logged, and leaves none of their processes', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const boot = server.link.agent.bootId;
    const commands = ['trap "" TERM PIPE HUP; sleep 500 & echo logged; sleep 500; sleep 500'];
    const assignment = testAssignment({ commands, artifacts: ['x'] });
    await server.begin(assignment);
    await server.until('its log', () => server.logBytes(assignment.job) > 0);
    const { pid } = await server.eventOf(assignment.job, 'job-running');
    await agent.kill();
    assert.notEqual(findProcess(pid ?? 0), null, 'the job did not go with the agent');
    await agent.spawn();
    await agent.connect(server);
    assert.notEqual(server.link.agent.bootId, boot);
    const ended = await server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus, ended.logBytes], ['agent-lost', null, 7]);
    assert.ok((ended.startedAt ?? 0) > 0);
    assert.match(ended.message, /agent was restarted/);
    assert.equal(server.logOf(assignment.job).toString(), 'logged\n');
    await sleep(50);
    assert.deepEqual(
      listProcesses().filter((entry) => entry.session === pid),
      [],
    );
    assert.deepEqual(server.faults, []);
  });

  it('goes on with the artifacts of a process job that had ended, and knows how', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const commands = ['echo all; head -c 300000000 /dev/urandom > big; exit 3'];
    const assignment = testAssignment({ commands, artifacts: ['big'] });
    await server.begin(assignment);
    const { pid } = await server.eventOf(assignment.job, 'job-running');
    const archive = join(agent.dir, 'jobs', assignment.job, 'artifacts.tar.gz');
    while (findProcess(pid ?? 0) !== null || !existsSync(archive)) await sleep(5);
    await agent.kill();
    assert.equal(server.eventsOf(assignment.job).at(-1)?.kind, 'job-running', 'they were still being collected');
    await agent.spawn();
    await agent.connect(server);
    const ended = await server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus, ended.message], ['exited', 3, '']);
    assert.ok((ended.artifacts?.bytes ?? 0) >= 300_000_000);
    assert.equal(server.logOf(assignment.job).toString(), 'all\n');
  });

  it('does not kill a process that has the pid of an old job by chance', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const assignment = testAssignment({ commands: ['sleep 500'] });
    await server.begin(assignment);
    await server.eventOf(assignment.job, 'job-running');
    await agent.kill();
    const path = join(agent.dir, 'jobs', assignment.job, 'job.json');
    const record = JSON.parse(await readFile(path, 'utf8'));
    process.kill(record.process.pid, 'SIGKILL');
    // As if this test had got the pid since.
    await writeFile(path, JSON.stringify({ ...record, process: { ...record.process, pid: process.pid } }));
    await agent.spawn();
    await agent.connect(server);
    assert.equal((await server.end(assignment.job)).reason, 'agent-lost');
  });

  it('has forgotten a job that had not been started, so that it can be submitted again', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const assignment = testAssignment({ commands: ['echo ran'] });
    await server.link.request('job.submit', { assignment });
    await server.eventOf(assignment.job, 'job-ready');
    await agent.kill();
    await agent.spawn();
    await agent.connect(server);
    assert.deepEqual(server.link.agent.jobs, []);
    assert.deepEqual(server.link.agent.unstarted, [assignment.job], 'and says that it had not been');
    assert.deepEqual(await readdir(join(agent.dir, 'jobs')), []);
    await agent.kill();
    await agent.spawn();
    await agent.connect(server);
    assert.deepEqual(server.link.agent.unstarted, [assignment.job], 'also after another restart');
    await server.link.request('job.submit', { assignment });
    await server.until(
      'it is ready again',
      () => server.eventsOf(assignment.job).filter((event) => event.kind === 'job-ready').length === 2,
    );
    await server.begin(assignment);
    assert.equal((await server.end(assignment.job)).exitStatus, 0);
    server.link.close();
    await agent.connect(server);
    assert.deepEqual(server.link.agent.unstarted, []);
  });

  it('ends a job as lost that it cannot prove not to have been started', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const assignment = testAssignment({ commands: ['sleep 500'] });
    await server.begin(assignment);
    const { pid } = await server.eventOf(assignment.job, 'job-running');
    await agent.kill();
    // As if the disk had been full: the record is that of a job that is being prepared.
    const path = join(agent.dir, 'jobs', assignment.job, 'job.json');
    const record = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...record, state: 'preparing', process: null, started: null }));
    await agent.spawn();
    await agent.connect(server);
    assert.deepEqual(server.link.agent.unstarted, []);
    assert.equal((await server.end(assignment.job)).reason, 'agent-lost');
    assert.equal(findProcess(pid ?? 0), null, 'and it runs no more');
  });

  it('does not run a removed job again', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const assignment = testAssignment({ commands: ['true'] });
    await server.run(assignment);
    await server.link.request('job.remove', { job: assignment.job });
    await agent.kill();
    await agent.spawn();
    await agent.connect(server);
    await assert.rejects(server.link.request('job.submit', { assignment }), /does not run again/);
  });
});

describe('an agent that is killed while a container runs', () => {
  function inContainer(claim: string, test: (t: TestContext) => Promise<void>): void {
    it(claim, async (t) => {
      if (await requirePart(t, 'docker')) await test(t);
    });
  }
  const job = (work: Partial<WorkSpec>) => testAssignment({ image: TEST_IMAGE, ...work });

  inContainer('in the middle of its log finds it again: no gap, no repeat, the right end', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const assignment = job({ commands: [CHATTY(4_000), 'exit 5'], artifacts: ['made'], workingDir: '/work' });
    await server.begin(assignment);
    for (const bytes of [2_000, 20_000, 40_000]) {
      await server.until(`${bytes} bytes`, () => server.logBytes(assignment.job) > bytes);
      await agent.kill();
      await agent.spawn();
      await agent.connect(server);
    }
    const ended = await server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus], ['exited', 5]);
    assert.equal(server.logOf(assignment.job).toString(), chattyLog(4_000));
    assert.deepEqual(server.faults, []);
    assert.equal(server.eventsOf(assignment.job).filter((event) => event.kind === 'job-running').length, 1);
    const times = server.logTimes(assignment.job);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
      'time goes forward',
    );
  });

  inContainer('and ends before the agent is back, has its whole log and its end', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const assignment = job({
      commands: [CHATTY(500), 'mkdir out; echo a > out/a; exit 6'],
      artifacts: ['out'],
      workingDir: '/work',
    });
    await server.begin(assignment);
    await server.until('some of its log', () => server.logBytes(assignment.job) > 100);
    const { container } = await server.eventOf(assignment.job, 'job-running');
    await agent.kill();
    execFileSync('docker', ['wait', container ?? '']);
    await agent.spawn();
    await agent.connect(server);
    const ended = await server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus], ['exited', 6]);
    assert.notEqual(ended.artifacts, null);
    assert.equal(server.logOf(assignment.job).toString(), chattyLog(500));
    assert.deepEqual(server.faults, []);
  });

  inContainer('loses no byte of an odd output either', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    // Before and after the kill: bytes that are no text, a long line, empty lines, a line in two parts.
    const odd =
      'printf "\\000\\377\\n\\n\\303("; head -c 100000 /dev/zero; echo; echo; printf "\\033[1mhalf"; sleep 1; echo "-whole"';
    const assignment = job({ commands: [`${odd}; ${odd}`] });
    await server.begin(assignment);
    await server.until('half a line', () => server.logOf(assignment.job).toString('latin1').endsWith('half'));
    await agent.kill();
    await agent.spawn();
    await agent.connect(server);
    await server.end(assignment.job);
    const once = Buffer.concat([
      Buffer.from([0, 0xff, 10, 10, 0xc3, 0x28]),
      Buffer.alloc(100_000),
      Buffer.from('\n\n\u001b[1mhalf-whole\n'),
    ]);
    const log = server.logOf(assignment.job);
    assert.equal(log.length, 2 * once.length);
    assert.ok(log.equals(Buffer.concat([once, once])));
    assert.deepEqual(server.faults, []);
  });

  inContainer('and logs on both streams gets each of them exactly once', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const script =
      'i=0; while [ $i -lt 600 ]; do echo o$i; echo e$i >&2; i=$((i+1)); [ $((i%20)) = 0 ] && sleep 0.02; done';
    const assignment = job({ entrypoint: ['sh', '-c', script] });
    await server.begin(assignment);
    await server.until('some of it', () => server.logBytes(assignment.job) > 500);
    await agent.kill();
    await agent.spawn();
    await agent.connect(server);
    await server.end(assignment.job);
    const lines = server.logOf(assignment.job).toString().trimEnd().split('\n');
    const of = (letter: string): string[] => lines.filter((line) => line.startsWith(letter));
    assert.deepEqual(
      of('o'),
      Array.from({ length: 600 }, (_, i) => `o${i}`),
    );
    assert.deepEqual(
      of('e'),
      Array.from({ length: 600 }, (_, i) => `e${i}`),
    );
  });

  inContainer('can still be stopped, and still knows its max_duration', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const stopped = job({ commands: ['trap "exit 4" TERM; echo up; while :; do sleep 0.05; done'] });
    const limited = job({ commands: ['sleep 500'], maxDurationMs: 2_500, stopDurationMs: 100 });
    await server.begin(stopped);
    await server.begin(limited);
    await server.until('it is up', () => server.logBytes(stopped.job) > 0);
    await sleep(700);
    await agent.kill();
    await agent.spawn();
    await agent.connect(server);
    await server.link.request('job.stop', { job: stopped.job, graceMs: 10_000 });
    const first = await server.end(stopped.job);
    assert.deepEqual([first.reason, first.exitStatus], ['stopped', 4]);
    const second = await server.end(limited.job);
    assert.equal(second.reason, 'max-duration');
    const ran = second.endedAt - (second.startedAt ?? 0);
    assert.ok(ran >= 2_450 && ran < 4_500, `it ran for ${ran} ms`);
  });

  inContainer('in the moment of its start neither loses nor doubles it', async (t) => {
    for (const delay of [30, 60, 90, 120, 160]) {
      const agent = await TestAgent.start(t);
      const server = await agent.connect();
      const assignment = job({ commands: ['echo ran; sleep 0.2'] });
      await server.link.request('job.submit', { assignment });
      await server.eventOf(assignment.job, 'job-ready');
      void server.link
        .request('job.start', { job: assignment.job, cluster: { rank: 0, ips: ['127.0.0.1'], gpusPerNode: [0] } })
        .catch(() => undefined);
      await sleep(delay);
      await agent.kill();
      await agent.spawn();
      await agent.connect(server);
      // What a server does: it submits what the agent does not know and starts what has not begun.
      if (server.link.agent.jobs.length === 0) {
        await server.link.request('job.submit', { assignment });
        await server.until('ready', () => server.eventsOf(assignment.job).some((event) => event.kind === 'job-ready'));
        await sleep(100);
        await server.link.request('job.start', {
          job: assignment.job,
          cluster: { rank: 0, ips: ['127.0.0.1'], gpusPerNode: [0] },
        });
      }
      const ended = await server.end(assignment.job);
      assert.deepEqual([ended.reason, ended.exitStatus, ended.message], ['exited', 0, ''], `killed after ${delay} ms`);
      assert.equal(server.logOf(assignment.job).toString(), 'ran\n', `killed after ${delay} ms`);
      assert.deepEqual(server.faults, []);
      await agent.kill();
    }
  });

  inContainer('and has lost its records leaves no container behind', async (t) => {
    const agent = await TestAgent.start(t);
    const server = await agent.connect();
    const assignment = job({ commands: ['sleep 500'] });
    await server.begin(assignment);
    const { container } = await server.eventOf(assignment.job, 'job-running');
    await agent.kill();
    execFileSync('rm', ['-rf', join(agent.dir, 'jobs', assignment.job)]);
    await agent.spawn();
    for (let attempt = 0; attempt < 100; attempt++) {
      const left = execFileSync('docker', ['ps', '-aq', '--no-trunc', '--filter', `id=${container}`], {
        encoding: 'utf8',
      });
      if (left === '') return;
      await sleep(100);
    }
    assert.fail('the container is still there');
  });
});
