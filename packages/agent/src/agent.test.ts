import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from './connection.ts';
import { encodeFrame, FULL_LIMITS } from './frame.ts';
import { otherUsersScratch } from './job-files.ts';
import { AgentLinkError } from './link-error.ts';
import { findProcess } from './process-table.ts';
import { type AgentMessage, LOG_WINDOW } from './protocol.ts';
import { testAssignment } from './testing/assignment.ts';
import { TestAgent } from './testing/test-agent.ts';
import { ALONE, TestServer } from './testing/test-server.ts';
import { useBench } from './testing/test-suite.ts';

const bench = useBench({ args: ['--metrics-ms', '200'], env: { BERTH_TEST_LEAK: 'x' } });

const refusedWith = (code: string) => (error: unknown) => error instanceof AgentLinkError && error.reason === code;

describe('the hello', () => {
  it('tells of the agent and its machine, and of no secret', () => {
    const { agent: hello } = bench.server.link;
    assert.equal(hello.pid, bench.agent.pid);
    assert.equal(hello.instance, bench.agent.instance);
    assert.ok(hello.host.resources.cpus >= 1 && hello.host.resources.memoryMiB > 100);
    assert.ok((hello.host.docker === null) === (hello.host.dockerProblem !== null));
    assert.doesNotMatch(JSON.stringify(hello), /open sesame/);
  });

  it('with a wrong secret is refused', async () => {
    const stranger = new TestServer(bench.agent.instance);
    await assert.rejects(
      stranger.connect({ socketPath: bench.agent.socketPath }, 'guess'),
      refusedWith('refused-secret'),
    );
  });

  it('for another instance is refused', async () => {
    const lost = new TestServer('someone-else' as typeof bench.agent.instance);
    await assert.rejects(lost.connect({ socketPath: bench.agent.socketPath }), refusedWith('refused-instance'));
  });

  it('from a server that speaks another protocol is refused', async () => {
    const socket = connect(bench.agent.socketPath);
    const hello = {
      t: 'hello',
      protocol: 99,
      server: 's',
      secret: 'open sesame',
      instance: bench.agent.instance,
      resume: { event: 0, logs: {} },
    };
    for (const piece of encodeFrame(hello)) socket.write(piece);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /"refused".*"protocol"/);
    await once(socket, 'close');
  });

  it('of a new server takes over from the old one', async () => {
    const closes = bench.server.closes;
    const second = await bench.agent.connect();
    await bench.server.until('the old server was let go', () => bench.server.closes > closes);
    await assert.rejects(bench.server.link.request('blob.missing', { hashes: [] }), refusedWith('closed'));
    second.link.close();
    await bench.agent.connect(bench.server);
  });
});

describe('a connection that speaks something else', () => {
  const hello = encodeFrame({ t: 'hello' });
  const strange: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['rubbish', [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]],
    ['a giant frame', [Buffer.from([255, 255, 255, 255, 0, 0, 0, 0])]],
    ['a request before its hello', encodeFrame({ t: 'req', id: 1, method: 'agent.shutdown', params: {} })],
    ['an incomplete hello', hello],
    ['half a frame and goes', [Buffer.from([0, 0, 0, 9, 0])]],
  ];
  for (const [what, pieces] of strange) {
    it(`with ${what} is closed, and the agent lives on`, async () => {
      const socket = connect(bench.agent.socketPath);
      socket.resume();
      for (const piece of pieces) socket.write(piece);
      if (what.startsWith('half')) socket.end();
      await once(socket, 'close');
      assert.deepEqual(await bench.server.link.request('blob.missing', { hashes: [] }), { missing: [] });
    });
  }

  it('is answered when it asks for what this agent does not know', async () => {
    const request = bench.server.link.request.bind(bench.server.link) as (
      method: string,
      params: object,
    ) => Promise<unknown>;
    await assert.rejects(request('job.dance', {}), refusedWith('bad-request'));
    await assert.rejects(request('job.stop', { job: '../..', graceMs: 1 }), refusedWith('bad-request'));
    await assert.rejects(request('__proto__', {}), refusedWith('bad-request'));
  });
});

describe('a log that nobody acknowledges', () => {
  it('stops at the window, and goes on with every acknowledgement', async (t) => {
    const own = await TestAgent.start(t);
    const job = testAssignment({ commands: ['head -c 20000000 /dev/zero'] });
    const got = { bytes: 0, hello: Promise.withResolvers<void>(), ready: Promise.withResolvers<void>() };
    const reached = async (bytes: number): Promise<void> => {
      while (got.bytes < bytes) await sleep(20);
    };
    const socket = connect(own.socketPath);
    const raw: Connection = new Connection(socket, FULL_LIMITS, {
      onFrame: ({ header, payload }) => {
        const message = header as AgentMessage;
        if (message.t === 'hello') got.hello.resolve();
        if (message.t === 'log') got.bytes += payload.length;
        if (message.t === 'event' && message.event.kind === 'job-ready') got.ready.resolve();
      },
      onClose: () => undefined,
    });
    const resume = { event: 0, logs: {} };
    raw.send({ t: 'hello', protocol: 1, server: 's', secret: 'open sesame', instance: own.instance, resume });
    await got.hello.promise;
    raw.send({ t: 'req', id: 1, method: 'job.submit', params: { assignment: job } });
    await got.ready.promise;
    raw.send({ t: 'req', id: 2, method: 'job.start', params: { job: job.job, cluster: ALONE } });
    await reached(LOG_WINDOW);
    await sleep(300); // in which more would come
    assert.equal(got.bytes, LOG_WINDOW);
    raw.send({ t: 'logAck', job: job.job, offset: 1_000_000 });
    // An acknowledgement of what was never sent opens nothing.
    raw.send({ t: 'logAck', job: 'another', offset: 9_000_000 });
    await reached(LOG_WINDOW + 1_000_000);
    await sleep(300);
    assert.equal(got.bytes, LOG_WINDOW + 1_000_000);
    raw.destroy();
  });
});

describe("the agent's files", () => {
  it('are for its user alone', async () => {
    const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
    assert.equal(await mode(bench.agent.dir), 0o700);
    assert.equal(await mode(join(bench.agent.root, 'run')), 0o700);
    assert.equal(await mode(bench.agent.socketPath), 0o600);
    for (const name of await readdir(bench.agent.dir)) {
      assert.equal((await mode(join(bench.agent.dir, name))) & 0o077, 0, name);
    }
  });

  it('hold neither the secret nor what a job was given in confidence', async () => {
    const assignment = testAssignment({ commands: ['echo done'], env: { TOKEN: 'hunter2-token' } });
    await bench.server.run(assignment);
    const names = await readdir(bench.agent.dir, { recursive: true, withFileTypes: true });
    for (const entry of names.filter((candidate) => candidate.isFile())) {
      // A file that is being replaced may be gone by now.
      const content = await readFile(join(entry.parentPath, entry.name), 'latin1').catch(() => '');
      assert.doesNotMatch(content, /hunter2|open sesame/, entry.name);
    }
  });

  it('belong to one agent: a second one refuses to start', async () => {
    const second = bench.agent.launch('pipe');
    const [status] = (await once(second, 'exit')) as [number];
    assert.equal(status, 3);
    assert.deepEqual(await bench.server.link.request('blob.missing', { hashes: [] }), { missing: [] });
  });

  it('are not found by a wrong call', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--dir', '/tmp/x'], {
      stdio: 'ignore',
    });
    const [status] = (await once(child, 'exit')) as [number];
    assert.equal(status, 2);
  });
});

describe('metrics', () => {
  it('come while a job runs', async () => {
    const assignment = testAssignment({ commands: ['while :; do :; done'], maxDurationMs: 3_000, stopDurationMs: 100 });
    await bench.server.run(assignment);
    const mine = bench.server.metrics.filter((metrics) => metrics.job === assignment.job);
    // On a busy machine few come, and the job itself hardly runs.
    assert.ok(mine.length >= 2, `${mine.length} came`);
    assert.ok((mine.at(-1)?.cpuMs ?? 0) > 20, JSON.stringify(mine.at(-1)));
    assert.ok((mine.at(-1)?.memoryBytes ?? 0) > 100_000);
    assert.deepEqual(mine.at(-1)?.gpus, []);
  });
});

describe('the end of an agent', () => {
  it('on request stops its jobs, tells their ends, and leaves neither socket nor lock', async (t) => {
    const own = await TestAgent.start(t);
    const mine = await own.connect();
    const assignment = testAssignment({
      commands: ['trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done'],
    });
    await mine.begin(assignment);
    await mine.until('it is up', () => mine.logBytes(assignment.job) > 0);
    await mine.link.request('agent.shutdown', {});
    const ended = await mine.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus], ['stopped', 5]);
    assert.equal(await own.exited(), 0);
    await assert.rejects(stat(own.socketPath));
    assert.deepEqual(
      (await readdir(own.dir)).filter((name) => name.startsWith('bench.agent.pid')),
      [],
    );
    // The next agent in that directory knows the end.
    await own.spawn();
    await own.connect(mine);
    assert.equal(mine.link.agent.jobs[0]?.state, 'ended');
    assert.deepEqual(mine.faults, []);
  });

  it('by SIGTERM is as good', async (t) => {
    const own = await TestAgent.start(t);
    const mine = await own.connect();
    const assignment = testAssignment({ commands: ['sleep 100'] });
    await mine.begin(assignment);
    own.signal('SIGTERM');
    const ended = await mine.end(assignment.job);
    assert.equal(ended.reason, 'stopped');
    assert.equal(await own.exited(), 0);
  });

  it('does not come with the end of its terminal', async () => {
    bench.agent.signal('SIGHUP');
    await sleep(100);
    assert.deepEqual(await bench.server.link.request('blob.missing', { hashes: [] }), { missing: [] });
  });

  it('comes when no server has called for long and no job runs, not before', async (t) => {
    const own = await TestAgent.start(t, { args: ['--orphan-after', '1500'] });
    const mine = await own.connect();
    const assignment = testAssignment({ commands: ['sleep 2.5'] });
    await mine.begin(assignment);
    const { pid } = await mine.eventOf(assignment.job, 'job-running');
    mine.link.close();
    await sleep(2_000);
    assert.notEqual(findProcess(pid ?? 0), null, 'a job keeps it alive');
    assert.equal(await own.exited(), 0);
  });

  it('comes with the removal of its directory, and its jobs do not stay behind', async (t) => {
    const own = await TestAgent.start(t, { args: ['--orphan-after', '2000'] });
    const mine = await own.connect();
    const assignment = testAssignment({ commands: ['trap "" TERM; sleep 100; sleep 100'] });
    await mine.begin(assignment);
    const { pid } = await mine.eventOf(assignment.job, 'job-running');
    await rm(own.dir, { recursive: true });
    await own.exited();
    await sleep(50);
    assert.equal(findProcess(pid ?? 0), null);
  });

  it('takes away what a job of another user had elsewhere, when its directory is removed', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('needs root');
    const own = await TestAgent.start(t, { args: ['--orphan-after', '2000'] });
    const mine = await own.connect();
    const assignment = testAssignment({ user: 'nobody', commands: ['sleep 100'] });
    await mine.begin(assignment);
    await stat(otherUsersScratch(assignment.job));
    await rm(own.dir, { recursive: true });
    await own.exited();
    await assert.rejects(stat(otherUsersScratch(assignment.job)));
  });
});

describe('what the backend knows of the machine', () => {
  it('is told in the hello and decides what a job sees of its GPUs', async (t) => {
    const resources = {
      cpus: 4,
      cpuArch: 'x86',
      memoryMiB: 1024,
      diskMiB: 10,
      accelerators: [{ name: 'H100', vendor: 'nvidia', count: 2, memoryMiB: 81920, known: true }],
    };
    const file = join(bench.agent.root, 'host.json');
    await writeFile(file, JSON.stringify(resources));
    const own = await TestAgent.start(t, { args: ['--host-info', file] });
    const mine = await own.connect();
    assert.deepEqual(mine.link.agent.host.resources, resources);
    const commands = ['echo "$CUDA_VISIBLE_DEVICES|$NVIDIA_VISIBLE_DEVICES|"; env | grep -c ROCR_VISIBLE || true'];
    const some = testAssignment({ commands }, { limits: { gpuDevices: ['1'] } });
    const none = testAssignment({ commands });
    await mine.run(some);
    await mine.run(none);
    assert.equal(mine.logOf(some.job).toString(), '1|1|\n0\n');
    assert.equal(mine.logOf(none.job).toString(), '|void|\n0\n');
    mine.link.close();
  });
});
