import assert from 'node:assert/strict';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { BackendError } from '@berth/backend';
import { identify } from './process-identity.ts';
import { processStart } from './start-check.ts';
import { GPU_LESS, gpus, type LocalCloud, localCloud } from './testing/local-cloud.ts';

const is = (code: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BackendError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

const states = async (cloud: LocalCloud): Promise<readonly string[]> =>
  (await cloud.backend.compute.list(cloud.call())).map(({ token, state }) => `${token} ${state}`);

test('create gives a running machine with an address, an agent in a session of its own, and what it has', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  const created = await compute.create(cloud.request('a1'), cloud.call());
  assert.equal(created.cloudId, 'local-a1');
  assert.equal(created.state, 'running');
  assert.deepEqual(created.address, { kind: 'unix', path: cloud.agentStart('a1').socketPath });
  assert.match(created.internalIp ?? '', process.platform === 'linux' ? /^127\.77\.\d+\.\d+$/ : /^127\.0\.0\.1$/);
  assert.deepEqual(await compute.list(cloud.call()), [created]);

  const { dir } = cloud.agentStart('a1');
  assert.deepEqual(JSON.parse(await readFile(join(dir, 'host-info.json'), 'utf8')), created.resources);
  assert.equal((await stat(dir)).mode & 0o777, 0o700);
  assert.equal((await stat(join(dir, 'agent.log'))).mode & 0o777, 0o600);
  assert.equal((await stat(join(cloud.stateDir, 'instances', 'a1.json'))).mode & 0o777, 0o600);
  const [pid] = await cloud.pids('a1');
  if (process.platform === 'linux') {
    const session = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[3];
    assert.equal(session, String(pid));
  }
});

test("the agent sees the agentStart's environment and none of the server's secrets", async (t) => {
  process.env.BERTH_TEST_SECRET = 'hunter2';
  t.after(() => delete process.env.BERTH_TEST_SECRET);
  await using cloud = await localCloud();
  await cloud.backend.compute.create(cloud.request('a1', 'local', { BERTH_AGENT_KEY: 'k-1' }), cloud.call());
  await cloud.pids('a1');
  const environment = await readFile(join(cloud.agentStart('a1').dir, 'environment'), 'utf8');
  assert.match(environment, /^BERTH_AGENT_KEY=k-1$/m);
  assert.match(environment, /^PATH=/m);
  assert.doesNotMatch(environment, /hunter2/);
  assert.doesNotMatch(await readFile(join(cloud.stateDir, 'instances', 'a1.json'), 'utf8'), /k-1/);
});

test('create with one token, again and at once, is one machine and one process', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  const all = await Promise.all([1, 2, 3].map(() => compute.create(cloud.request('a1'), cloud.call())));
  all.push(await compute.create(cloud.request('a1'), cloud.call()));
  for (const other of all) assert.deepEqual(other, all[0]);
  await cloud.pids('a1');
  assert.deepEqual(await states(cloud), ['a1 running']);
  const record = await cloud.records.read('a1');
  assert.ok(record !== null && 'process' in record);
  assert.deepEqual(await cloud.pids('a1'), [record.process?.pid]);
});

test('a server that died before it started the agent finds the machine on its books and starts it', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  const [first = 0] = await cloud.pids('a1');
  const record = await cloud.records.read('a1');
  assert.ok(record !== null && 'process' in record);
  // What was on the disk at that moment: the record, and no process.
  process.kill(-first, 'SIGKILL');
  while ((await identify(first)) !== null) await new Promise((resolve) => setTimeout(resolve, 5));
  await cloud.records.write({ ...record, process: null });

  assert.deepEqual(await states(cloud), ['a1 starting']);
  const again = await compute.create(cloud.request('a1'), cloud.call());
  assert.equal(again.state, 'running');
  assert.equal(again.internalIp, record.internalIp);
  assert.equal((await cloud.pids('a1', 2)).length, 2);
  assert.deepEqual(await states(cloud), ['a1 running']);
});

test('a server that died before it could note the pid finds the process by its words, and starts no second one', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  const [pid] = await cloud.pids('a1');
  const record = await cloud.records.read('a1');
  assert.ok(record !== null && 'process' in record);
  await cloud.records.write({ ...record, process: null });

  assert.deepEqual(await states(cloud), ['a1 running']);
  await compute.create(cloud.request('a1'), cloud.call());
  assert.deepEqual(await cloud.records.read('a1'), record);
  assert.deepEqual(await cloud.pids('a1'), [pid]);
});

test('an agent that died leaves a machine behind, whose agent can be started again', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  const [pid = 0] = await cloud.pids('a1');
  const start = () => compute.agent?.start(cloud.ref('a1'), cloud.agentStart('a1'), cloud.call());

  assert.deepEqual(await start(), { kind: 'unix', path: cloud.agentStart('a1').socketPath });
  assert.deepEqual(await cloud.pids('a1'), [pid]); // it was alive, so nothing happened

  process.kill(-pid, 'SIGKILL');
  while ((await identify(pid)) !== null) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(await states(cloud), ['a1 running']);
  await Promise.all([start(), start()]);
  const pids = await cloud.pids('a1', 2);
  assert.equal(pids.length, 2);
  assert.notEqual(pids[1], pid);
});

test('an agent of a machine that is not there cannot be started', async () => {
  await using cloud = await localCloud();
  const { agent } = cloud.backend.compute;
  await assert.rejects(
    async () => agent?.start(cloud.ref('a1'), cloud.agentStart('a1'), cloud.call()),
    is('not-found', /local-a1 does not exist/),
  );
});

test('a pid that another process has by now is not taken for the agent', async () => {
  await using cloud = await localCloud();
  const { compute } = cloud.backend;
  await compute.create(cloud.request('a1'), cloud.call());
  await compute.create(cloud.request('b2'), cloud.call());
  const [pid = 0] = await cloud.pids('a1');
  const [stranger = 0] = await cloud.pids('b2');
  const record = await cloud.records.read('a1');
  assert.ok(record !== null && 'process' in record);
  process.kill(-pid, 'SIGKILL');
  await cloud.records.write({ ...record, process: { pid: stranger, startedAt: 'long ago' } });

  await compute.agent?.start(cloud.ref('a1'), cloud.agentStart('a1'), cloud.call());
  assert.equal((await cloud.pids('a1', 2)).length, 2);
  await cloud.records.write({ ...record, process: { pid: stranger, startedAt: 'long ago' } });
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.notEqual(await identify(stranger), null);
  assert.deepEqual(await states(cloud), ['b2 running']);
});

test('every machine has an internal address of its own', { skip: process.platform !== 'linux' }, async () => {
  await using cloud = await localCloud();
  const made = await Promise.all(
    Array.from({ length: 6 }, (_, index) => cloud.backend.compute.create(cloud.request(`t${index}`), cloud.call())),
  );
  assert.equal(new Set(made.map((instance) => instance.internalIp)).size, 6);
});

test('the machine is full at max_instances, and has room again after one has ended', async () => {
  await using cloud = await localCloud(GPU_LESS, { max_instances: 2 });
  const { compute } = cloud.backend;
  const availability = async () => (await cloud.backend.offers(null, cloud.call()))[0]?.availability;
  await Promise.all(['a1', 'b2'].map((token) => compute.create(cloud.request(token), cloud.call())));
  await assert.rejects(compute.create(cloud.request('c3'), cloud.call()), is('no-capacity', /max_instances is 2/));
  assert.equal(await availability(), 'not-available');
  await compute.create(cloud.request('a1'), cloud.call()); // the same machine is no other one
  await compute.terminate(cloud.ref('a1'), cloud.call());
  assert.equal(await availability(), 'available');
  await compute.create(cloud.request('c3'), cloud.call());
  assert.deepEqual(await states(cloud), ['b2 running', 'c3 running']);
});

test('no GPU is handed out twice, and what is given back is handed out again', async () => {
  await using cloud = await localCloud({ ...GPU_LESS, gpus: gpus(3) });
  const { compute } = cloud.backend;
  const create = (token: string, type: string) => compute.create(cloud.request(token, type), cloud.call());
  const tried = await Promise.allSettled(['a1', 'b2', 'c3', 'd4'].map((token) => create(token, 'local-gpu-1')));
  const made = tried.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  assert.deepEqual(made.flatMap((instance) => instance.gpuDevices ?? []).sort(), [
    'GPU-rtx3090-0',
    'GPU-rtx3090-1',
    'GPU-rtx3090-2',
  ]);
  assert.deepEqual(made[0]?.resources?.accelerators, [
    { name: 'RTX3090', vendor: 'nvidia', count: 1, memoryMiB: 24_576, known: true },
  ]);
  const refused = tried.find((result) => result.status === 'rejected');
  assert.ok(is('no-capacity', /Fewer than 1 RTX3090/)(refused?.reason));

  // Which of the four was refused is chance.
  const given = made[1];
  assert.ok(given?.token != null);
  await compute.terminate(cloud.ref(given.token), cloud.call());
  await assert.rejects(create('e5', 'local-gpu-2'), is('no-capacity', /Fewer than 2/));
  const freed = given.gpuDevices;
  assert.deepEqual((await create('f6', 'local-gpu-1')).gpuDevices, freed);
  assert.deepEqual((await create('g7', 'local')).gpuDevices, []); // without devices there is always room
});

test('a GPU that an instance of another project holds is not free', async () => {
  const host = { ...GPU_LESS, gpus: gpus(1) };
  await using one = await localCloud(host);
  await using other = await localCloud(host);
  await one.backend.compute.create(one.request('a1', 'local-gpu-1'), one.call());
  const create = () => other.backend.compute.create(other.request('b2', 'local-gpu-1'), other.call());
  await assert.rejects(create(), is('no-capacity', /Fewer than 1 RTX3090/));
  assert.equal((await other.backend.offers(null, other.call()))[1]?.availability, 'not-available');
  await one.backend.compute.terminate(one.ref('a1'), one.call());
  await create();
});

test('a device that vanished since the plan was made is no capacity, and not another device', async () => {
  await using cloud = await localCloud({ ...GPU_LESS, gpus: gpus(1) });
  const create = cloud.backend.compute.create(cloud.request('a1', 'local-gpu-2'), cloud.call());
  await assert.rejects(create, is('no-capacity', /no local-gpu-2 any more/));
  assert.deepEqual(await states(cloud), []);
});

test('a program that cannot be started is told, and leaves neither a machine nor files', async () => {
  await using cloud = await localCloud();
  const request = cloud.request('a1');
  const agentStart = {
    ...processStart(request.agentStart),
    argv: ['/no/such/program', '--dir', processStart(request.agentStart).dir],
  };
  const create = cloud.backend.compute.create({ ...request, agentStart }, cloud.call());
  await assert.rejects(create, is('config', /cannot be started with "\/no\/such\/program": .*ENOENT/));
  assert.deepEqual(await states(cloud), []);
  await assert.rejects(stat(agentStart.dir), /ENOENT/);
});

test('a record that cannot be written is told before anything is made', async () => {
  await using cloud = await localCloud();
  await mkdir(join(cloud.stateDir, 'instances', 'a1.json.new'), { recursive: true });
  await assert.rejects(
    cloud.backend.compute.create(cloud.request('a1'), cloud.call()),
    is('transient', /written down/),
  );
  await assert.rejects(stat(cloud.agentStart('a1').dir), /ENOENT/);
  assert.deepEqual(await states(cloud), []);
});

test('a socket path that no system takes is refused with a way out', async () => {
  await using cloud = await localCloud();
  const request = cloud.request('a1');
  const socketPath = join(processStart(request.agentStart).dir, 'é'.repeat(50), 's');
  const create = (path: string) =>
    cloud.backend.compute.create(
      { ...request, agentStart: { ...processStart(request.agentStart), socketPath: path } },
      cloud.call(),
    );
  await assert.rejects(create(socketPath), is('config', /has \d+ bytes, and this system allows 10[37].*BERTH_HOME/));
  await assert.rejects(create('relative/socket'), is('config', /not absolute/));
  assert.deepEqual(await states(cloud), []);
});

test('a directory that must not be deleted is refused as the directory of an instance', async () => {
  await using cloud = await localCloud();
  const request = cloud.request('a1');
  for (const dir of [
    '/',
    '/tmp',
    cloud.stateDir,
    dirname(cloud.stateDir),
    `${cloud.stateDir}/../x`,
    process.cwd(),
    'a/b',
  ]) {
    const agentStart = { ...processStart(request.agentStart), dir };
    const create = cloud.backend.compute.create({ ...request, agentStart }, cloud.call());
    await assert.rejects(create, is('config', /cannot be an instance's directory/), dir);
  }
});

test('a token that is no token is refused, and nothing of that name is ever looked for', async () => {
  await using cloud = await localCloud();
  const bad = '../escape';
  await assert.rejects(
    cloud.backend.compute.create({ ...cloud.request('a1'), token: bad }, cloud.call()),
    is('config', /no token/),
  );
  await cloud.backend.compute.terminate({ ...cloud.ref('a1'), token: bad, cloudId: `local-${bad}` }, cloud.call());
  await assert.rejects(
    async () => cloud.backend.compute.agent?.start(cloud.ref(bad), cloud.agentStart('a1'), cloud.call()),
    is('not-found', /does not exist/),
  );
});

test('a record that cannot be read is a machine that can be ended, and until then no GPU is handed out', async () => {
  await using cloud = await localCloud({ ...GPU_LESS, gpus: gpus(1) });
  const { compute } = cloud.backend;
  await mkdir(join(cloud.stateDir, 'instances'), { recursive: true });
  await writeFile(join(cloud.stateDir, 'instances', 'bad1.json'), '{"token":"bad1", "inst');
  assert.deepEqual(await states(cloud), ['bad1 running']);
  assert.ok(cloud.logged.some((line) => line.includes('local-bad1 cannot be read')));
  assert.deepEqual(
    (await cloud.backend.offers(null, cloud.call())).map(
      ({ instanceType, availability }) => `${instanceType} ${availability}`,
    ),
    ['local available', 'local-gpu-1 not-available'],
  );
  await assert.rejects(
    compute.create(cloud.request('a1', 'local-gpu-1'), cloud.call()),
    is('no-capacity', /cannot be read/),
  );
  await assert.rejects(compute.create(cloud.request('bad1'), cloud.call()), is('unknown', /Terminate it/));
  await compute.terminate(cloud.ref('bad1'), cloud.call());
  assert.deepEqual(await states(cloud), []);
});

test('a large log is put aside when the agent is started', async () => {
  await using cloud = await localCloud();
  const { dir } = cloud.agentStart('a1');
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'agent.log'), Buffer.alloc(9 * 1024 * 1024));
  await cloud.backend.compute.create(cloud.request('a1'), cloud.call());
  assert.equal((await stat(join(dir, 'agent.log'))).size, 0);
  assert.equal((await stat(join(dir, 'agent.log.1'))).size, 9 * 1024 * 1024);
});

test('a call that was cancelled before the machine was written down makes nothing', async () => {
  const detected = Promise.withResolvers<typeof GPU_LESS>();
  await using cloud = await localCloud(() => detected.promise);
  const caller = new AbortController();
  const create = cloud.backend.compute.create(cloud.request('a1'), { ...cloud.call(), signal: caller.signal });
  await new Promise((resolve) => setTimeout(resolve, 30)); // it waits for the detection now
  caller.abort();
  await assert.rejects(create, is('unknown', /cancelled while it ran/));
  detected.resolve(GPU_LESS);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(await states(cloud), []);
});
