import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError } from '@berth/backend';
import { identify } from './process-identity.ts';
import { GPU_LESS, gpus, type LocalCloud, localCloud, localCloudAt } from './testing/local-cloud.ts';

const tokens = async (cloud: LocalCloud): Promise<readonly (string | null)[]> =>
  (await cloud.backend.compute.list(cloud.call())).map((instance) => instance.token);

async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    if ((await identify(pid)) === null) return true;
    await sleep(10);
  }
  return false;
}

test('terminate ends the agent and takes its directory and its record away', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  const [pid = 0] = await cloud.pids('a1');
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.ok(await isGone(pid));
  assert.deepEqual(await tokens(cloud), []);
  await assert.rejects(stat(cloud.agentStart('a1').dir), /ENOENT/);
  assert.equal(await cloud.records.read('a1'), null);
});

test('terminate takes away what the jobs of an agent that was killed left elsewhere', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  const [pid = 0] = await cloud.pids('a1');
  process.kill(pid, 'SIGKILL');
  assert.ok(await isGone(pid));
  const job = `left-${process.pid}`;
  const scratch = join(tmpdir(), `berth-${job}`);
  const jobDir = join(cloud.agentStart('a1').dir, 'jobs', job);
  const placed = join(await mkdtemp(join(tmpdir(), 'berth-placed-')), 'file');
  await mkdir(scratch);
  await mkdir(jobDir, { recursive: true });
  await writeFile(placed, 'code');
  const { size, mtimeMs } = await stat(placed);
  const record = { files: [{ path: placed, size, mtimeMs }], dirs: [dirname(placed)], codes: [], uses: [placed] };
  await writeFile(join(jobDir, 'placed.json'), JSON.stringify(record));
  await compute.terminate(cloud.ref('a1'), cloud.call());
  for (const path of [scratch, dirname(placed), cloud.agentStart('a1').dir]) await assert.rejects(stat(path), /ENOENT/);
});

test('terminate of what is not there, or was ended already, or is being ended, is success', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.terminate(cloud.ref('never'), cloud.call());
  await compute.create(cloud.request('a1'), cloud.call());
  await cloud.pids('a1');
  await Promise.all([1, 2, 3].map(() => compute.terminate(cloud.ref('a1'), cloud.call())));
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.deepEqual(await tokens(cloud), []);
});

test("terminate with a token and another machine's id touches nothing", async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  await compute.terminate({ ...cloud.ref('a1'), cloudId: 'local-b2' }, cloud.call());
  assert.deepEqual(await tokens(cloud), ['a1']);
});

test('create and terminate of one token at once leave a listed machine or none, and no process of a machine that is gone', async () => {
  for (const first of ['create', 'terminate']) {
    await using cloud = await localCloud();
    const { compute } = cloud.backend;
    const create = () => compute.create(cloud.request('a1'), cloud.call());
    const terminate = () => compute.terminate(cloud.ref('a1'), cloud.call());
    await Promise.all(first === 'create' ? [create(), terminate()] : [terminate(), create()]);
    assert.deepEqual(await tokens(cloud), first === 'create' ? [] : ['a1']);
    const running = (await cloud.records.readAll()).records.map((record) => record.process?.pid);
    for (const pid of await startedBy(cloud, 'a1')) assert.ok(running.includes(pid) || (await isGone(pid)));
  }
});

async function startedBy(cloud: LocalCloud, token: string): Promise<readonly number[]> {
  await sleep(100); // for an agent that was just started to note its pid
  const text = await readFile(join(cloud.agentStart(token).dir, 'pids'), 'utf8').catch(() => '');
  return text.trim().split('\n').filter(Boolean).map(Number);
}

test('an agent that ignores the request to end is killed within the time that a caller waits', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1', 'local', { FAKE_STUBBORN: '1' }), cloud.call());
  const [pid = 0] = await cloud.pids('a1');
  const began = performance.now();
  const terminating = compute.terminate(cloud.ref('a1'), cloud.call());
  await sleep(200);
  assert.equal((await compute.list(cloud.call()))[0]?.state, 'terminating');
  await assert.rejects(
    async () => compute.agent?.start(cloud.ref('a1'), cloud.agentStart('a1'), cloud.call()),
    (error) => error instanceof BackendError && error.code === 'not-found',
  );
  await terminating;
  assert.ok(performance.now() - began < 3_500);
  assert.ok(await isGone(pid));
  assert.deepEqual(await tokens(cloud), []);
});

test('a machine on its way out keeps its GPUs until it is gone', async () => {
  await using cloud = await localCloud({ ...GPU_LESS, gpus: gpus(1) });
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1', 'local-gpu-1', { FAKE_STUBBORN: '1' }), cloud.call());
  await cloud.pids('a1');
  const terminating = compute.terminate(cloud.ref('a1'), cloud.call());
  await sleep(100);
  await assert.rejects(compute.create(cloud.request('b2', 'local-gpu-1'), cloud.call()), /Fewer than 1/);
  await terminating;
  await compute.create(cloud.request('b2', 'local-gpu-1'), cloud.call());
});

test('a termination that a crash cut short goes on when it is asked for again', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  const [pid = 0] = await cloud.pids('a1');
  const record = await cloud.records.read('a1');
  assert.ok(record !== null && 'process' in record);
  await cloud.records.write({ ...record, terminating: true });
  assert.equal((await compute.list(cloud.call()))[0]?.state, 'terminating');
  assert.equal((await compute.create(cloud.request('a1'), cloud.call())).state, 'terminating'); // still the same machine
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.ok(await isGone(pid));
  assert.deepEqual(await tokens(cloud), []);
});

test('an agent whose pid was never noted is ended too', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  const [pid = 0] = await cloud.pids('a1');
  const record = await cloud.records.read('a1');
  assert.ok(record !== null && 'process' in record);
  await cloud.records.write({ ...record, process: null });
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.ok(await isGone(pid));
});

test('processes of a job that outlived a dead agent are ended', { skip: process.platform !== 'linux' }, async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  for (const [token, variable] of [
    ['a1', `DSTACK_WORKING_DIR=${cloud.agentStart('a1').dir}/jobs/one`],
    ['a2', 'BERTH_JOB_ID=one'],
  ] as const) {
    const { dir } = cloud.agentStart(token);
    await compute.create(cloud.request(token, 'local', { FAKE_JOB: variable }), cloud.call());
    const [agent = 0] = await cloud.pids(token);
    let job = 0;
    while (job === 0) job = Number(await readFile(join(dir, 'job-pid'), 'utf8').catch(() => '0'));
    const bare = Number(await readFile(join(dir, 'bare-pid'), 'utf8')); // it dropped its environment
    process.kill(-agent, 'SIGKILL');
    assert.ok(await isGone(agent));
    assert.notEqual(await identify(job), null);
    assert.notEqual(await identify(bare), null);
    await compute.terminate(cloud.ref(token), cloud.call());
    assert.ok(await isGone(job));
    assert.ok(await isGone(bare));
  }
});

test('a token whose machine was ended makes no other one (C2)', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  await compute.terminate(cloud.ref('a1'), cloud.call());
  await assert.rejects(compute.create(cloud.request('a1'), cloud.call()), { code: 'config' });
  assert.deepEqual(await compute.list(cloud.call()), []);
});

test('who only stands in the directory, or has the job of another instance, is left alone', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  await cloud.pids('a1');
  const visitor = spawn('/bin/sh', ['-c', 'sleep 20 & wait'], {
    cwd: cloud.agentStart('a1').dir,
    env: { BERTH_JOB_ID: 'another', BERTH_WORKING_DIR: `${cloud.agentStart('a1').dir}0/jobs` },
    stdio: 'ignore',
    detached: true,
  });
  await once(visitor, 'spawn');
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.notEqual(await identify(visitor.pid ?? 0), null);
  process.kill(-(visitor.pid ?? 0), 'SIGKILL');
});

test('nothing outside of the directory of an instance is deleted, whatever a record says', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  await cloud.pids('a1');
  const record = await cloud.records.read('a1');
  assert.ok(record !== null && 'process' in record);
  const precious = join(dirname(cloud.stateDir), 'precious');
  await writeFile(precious, 'keep');
  await cloud.records.write({ ...record, dir: dirname(cloud.stateDir) });
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.equal(await readFile(precious, 'utf8'), 'keep');
  assert.ok(cloud.logged.some((line) => line.includes('no directory of an instance')));
  assert.deepEqual(await tokens(cloud), []);
});

/** An engine with these containers of one instance; tells what it was asked to delete. */
async function fakeEngine(ids: readonly string[], statusOfDelete = 204) {
  const dir = await mkdtemp(join(tmpdir(), 'berth-engine-'));
  const socket = join(dir, 'engine.sock');
  const asked: string[] = [];
  const engine = createServer((request, response) => {
    asked.push(`${request.method} ${decodeURIComponent(request.url ?? '')}`);
    if (request.method === 'DELETE')
      response.writeHead(statusOfDelete).end(statusOfDelete < 300 ? '' : '{"message":"no"}');
    else response.end(JSON.stringify(ids.map((Id) => ({ Id }))));
  }).listen(socket);
  await once(engine, 'listening');
  const before = process.env.DOCKER_HOST;
  process.env.DOCKER_HOST = `unix://${socket}`;
  return {
    asked,
    socket,
    [Symbol.asyncDispose]: async () => {
      if (before === undefined) delete process.env.DOCKER_HOST;
      else process.env.DOCKER_HOST = before;
      engine.closeAllConnections();
      engine.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

test("the instance's containers are removed, and no others are asked for", async () => {
  await using cloud = await localCloud();
  await using engine = await fakeEngine(['c0ffee', 'beef']);
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.match(
    engine.asked[0] ?? '',
    /^GET \/containers\/json\?all=true&filters=\{"label":\["berth\.instance=ia1"\]\}$/,
  );
  assert.deepEqual(engine.asked.slice(1), [
    'DELETE /containers/c0ffee?force=true&v=true',
    'DELETE /containers/beef?force=true&v=true',
  ]);
  assert.deepEqual(await tokens(cloud), []);
});

test('a container that cannot be removed keeps the machine on the books, one that is gone does not', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  {
    await using _engine = await fakeEngine(['c0ffee'], 500);
    await assert.rejects(
      compute.terminate(cloud.ref('a1'), cloud.call()),
      (error) =>
        error instanceof BackendError && error.code === 'unknown' && /Containers .* may be left/.test(error.message),
    );
    assert.equal((await compute.list(cloud.call()))[0]?.state, 'terminating');
  }
  await using _engine = await fakeEngine(['c0ffee'], 404);
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.deepEqual(await tokens(cloud), []);
});

test('a machine outlives the server that made it, and the next server ends it', async () => {
  const base = await mkdtemp(join(tmpdir(), 'berth-local-'));
  const script = `
    const { GPU_LESS, localCloudAt } = await import(${JSON.stringify(join(import.meta.dirname, 'testing/local-cloud.ts'))});
    const cloud = await localCloudAt(${JSON.stringify(base)}, GPU_LESS);
    await cloud.backend.compute.create(cloud.request('a1'), cloud.call());
    await cloud.pids('a1');
    process.kill(process.pid, 'SIGKILL');`;
  const server = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const [, signal] = await once(server, 'exit');
  assert.equal(signal, 'SIGKILL');

  await using cloud = await localCloudAt(base, GPU_LESS);
  const [pid = 0] = await cloud.pids('a1');
  assert.notEqual(await identify(pid), null);
  assert.equal((await cloud.backend.compute.list(cloud.call()))[0]?.state, 'running');
  await cloud.backend.compute.terminate(cloud.ref('a1'), cloud.call());
  assert.ok(await isGone(pid));
  assert.deepEqual(await tokens(cloud), []);
});
