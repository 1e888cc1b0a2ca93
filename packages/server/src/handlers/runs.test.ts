import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { InstanceId, JobId, RunId } from '@berth/core/ids';
import type { ReadTable, Store } from '@berth/store';
import { openSqliteStore } from '@berth/store/sqlite';
import { TABLE_NAMES } from '@berth/store/tables';
import { artifactPath } from '../config/home.ts';
import { instanceRow, jobRow, runRow, taskSpec } from '../testing/rows.ts';
import { startTestApi } from '../testing/test-api.ts';

async function setup(t: TestContext, store?: Store) {
  const api = await startTestApi(t, store === undefined ? {} : { store });
  const user = await api.user('ada');
  const project = await api.project('main', user);
  const token = await api.token(user, { lastUsedAt: api.clock.now() });
  return { api, user, project, token };
}

/** Counts the queries that a store is asked. */
function counted(store: Store): { store: Store; count(): number; reset(): void } {
  let queries = 0;
  const read = Object.fromEntries(
    TABLE_NAMES.map((name) => {
      const real = store.read[name] as ReadTable<unknown>;
      const asked = <T>(answer: T): T => {
        queries++;
        return answer;
      };
      const counting: ReadTable<unknown> = {
        get: (id) => asked(real.get(id)),
        find: (query) => asked(real.find(query)),
        first: (query) => asked(real.first(query)),
        count: (where) => asked(real.count(where)),
      };
      return [name, counting];
    }),
  );
  return {
    store: {
      read: read as unknown as Store['read'],
      transaction: (work) => store.transaction(work),
      onCommit: (listener) => store.onCommit(listener),
      onAnnouncement: (...listeners) => store.onAnnouncement(...listeners),
      announce: (message) => store.announce(message),
      close: () => store.close(),
    },
    count: () => queries,
    reset: () => {
      queries = 0;
    },
  };
}

test('a page of a thousand runs costs a handful of queries, and pages lead through all of them', async (t) => {
  const counting = counted(openSqliteStore({ path: ':memory:' }));
  const { api, user, project, token } = await setup(t, counting.store);
  const spec = taskSpec('r');
  await api.store.transaction(async (tables) => {
    for (let n = 0; n < 1000; n++) {
      const id = `run${String(n).padStart(4, '0')}` as RunId;
      const live = n % 10 === 0;
      await tables.runs.insert(
        runRow({
          id,
          name: `r${n}`,
          projectId: project.id,
          userId: user.id,
          spec,
          live,
          status: live ? 'running' : 'done',
          submittedAt: Math.floor(n / 3),
        }),
      );
      await tables.instances.insert(instanceRow({ id: `i${n}` as InstanceId, projectId: project.id, name: `i${n}` }));
      for (const submission of [0, 1])
        await tables.jobs.insert(
          jobRow({
            id: `job${n}-${submission}` as JobId,
            runId: id,
            projectId: project.id,
            submission,
            instanceId: `i${n}` as InstanceId,
          }),
        );
    }
  });
  await api.ask('GET /projects/main/runs', { token });
  counting.reset();
  const first = await api.ask('GET /projects/main/runs?limit=50', { token });
  assert.ok(counting.count() <= 6, `${counting.count()} queries`);
  assert.equal(first.json.runs.length, 50);
  assert.equal(first.json.runs[0].name, 'r999');
  assert.deepEqual(
    first.json.runs[0].jobs.map((job: { submission: number }) => job.submission),
    [1],
  );

  const all = async (filter: string): Promise<string[]> => {
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const { json } = await api.ask(`GET /projects/main/runs?limit=30${filter}${after}`, { token });
      seen.push(...json.runs.map((run: { name: string }) => run.name));
      if (json.next === null) return seen;
      after = `&after=${json.next}`;
    }
  };
  const newestFirst = Array.from({ length: 1000 }, (_, n) => 999 - n);
  assert.deepEqual(
    await all(''),
    newestFirst.map((n) => `r${n}`),
  );
  assert.deepEqual(
    await all('&live=true'),
    newestFirst.filter((n) => n % 10 === 0).map((n) => `r${n}`),
  );
  assert.deepEqual(
    await all('&live=false'),
    newestFirst.filter((n) => n % 10 !== 0).map((n) => `r${n}`),
  );
  assert.equal(
    (await api.ask('GET /projects/main/runs?live=true&after=nothing', { token })).json.error.code,
    'invalid-request',
  );
  assert.equal((await api.ask('GET /projects/main/runs?after=nothing', { token })).json.error.code, 'invalid-request');
});

test('cost, price and exit status are told as the books say', async (t) => {
  const { api, project, user, token } = await setup(t);
  const hour = 3_600_000;
  const now = api.clock.now();
  const run = await api.store.transaction(async (tables) => {
    const row = await tables.runs.insert(
      runRow({ projectId: project.id, userId: user.id, name: 'train', status: 'running' }),
    );
    const job = (n: number, more: object) =>
      tables.jobs.insert(jobRow({ id: `job${n}` as JobId, projectId: project.id, pricePerHour: 2, ...more }));
    await job(0, {
      submission: 0,
      heldFrom: now - 5 * hour,
      heldUntil: now - 4 * hour,
      status: 'failed',
      exitStatus: 9,
    });
    await job(1, {
      submission: 1,
      heldFrom: now - 3 * hour,
      heldUntil: now - 2 * hour,
      node: 0,
      status: 'terminated',
      finishedAt: 6,
    });
    await job(2, { submission: 1, heldFrom: now - hour / 2, node: 1, status: 'running' });
    return row;
  });
  const running = (await api.ask('GET /projects/main/runs/train', { token })).json;
  assert.equal(running.cost, 2 + 2 + 1);
  assert.equal(running.price_per_hour, 2);
  assert.equal(running.exit_status, null);
  assert.equal(running.user, 'ada');
  assert.deepEqual(
    running.jobs.map((job: { id: string }) => job.id),
    ['job1', 'job2'],
  );
  assert.equal((await api.ask('GET /projects/main/runs/train?all_jobs=true', { token })).json.jobs.length, 3);

  const end = (patch: object) =>
    api.store.transaction(async (tables) => {
      const job = await tables.jobs.get('job2');
      const row = await tables.runs.get(run.id);
      if (job === null || row === null) throw new Error('they are there');
      await tables.jobs.update('job2', job.version, patch);
      await tables.runs.update(row.id, row.version, { live: false, status: 'failed' });
    });
  await end({ status: 'failed', exitStatus: null, signal: 'SIGKILL', finishedAt: 5, heldUntil: now });
  assert.equal((await api.ask('GET /projects/main/runs/train', { token })).json.exit_status, 137);
  await end({ exitStatus: 3, signal: null });
  const failed = (await api.ask('GET /projects/main/runs/train', { token })).json;
  assert.equal(failed.exit_status, 3);
  assert.equal(failed.price_per_hour, 0);
  api.clock.time += hour;
  assert.equal((await api.ask('GET /projects/main/runs/train', { token })).json.cost, 5, 'what is over costs no more');
});

test('a name means the latest run, an id any; those of other projects are not there', async (t) => {
  const { api, project, token } = await setup(t);
  const id = (n: number): RunId => `0123456789abcdefghjkmnpq${n}0` as RunId;
  const bob = await api.user('bob');
  const other = await api.project('other', bob);
  await api.store.transaction(async (tables) => {
    await tables.runs.insert(runRow({ id: id(1), projectId: project.id, live: false, status: 'done', submittedAt: 1 }));
    await tables.runs.insert(runRow({ id: id(2), projectId: project.id, submittedAt: 2 }));
    await tables.runs.insert(runRow({ id: id(3), projectId: other.id, submittedAt: 3 }));
  });
  assert.equal((await api.ask('GET /projects/main/runs/run', { token })).json.id, id(2));
  assert.equal((await api.ask(`GET /projects/main/runs/${id(1)}`, { token })).json.id, id(1));
  assert.equal((await api.ask(`GET /projects/main/runs/${id(3)}`, { token })).status, 404);
});

test('a configuration is checked anew, and nothing is created of a wrong one', async (t) => {
  const { api, token } = await setup(t);
  const submit = (configuration: unknown, route = 'POST /projects/main/runs') =>
    api.ask(route, { token, body: { configuration, code: null, files: [] } });
  for (const route of ['POST /projects/main/runs', 'POST /projects/main/runs/plan']) {
    const wrong = await submit({ type: 'task', comands: ['true'] }, route);
    assert.equal(wrong.status, 422);
    assert.equal(wrong.json.error.code, 'invalid-configuration');
    assert.match(JSON.stringify(wrong.json.error.issues), /commands/);
    assert.equal((await submit({ type: 'service', commands: ['true'] }, route)).json.error.code, 'not-supported');
    assert.equal((await submit({ type: 'fleet', nodes: 1 }, route)).json.error.code, 'invalid-configuration');
  }
  assert.equal(await api.store.read.runs.count(), 0);
  const made = await submit({ type: 'task', name: 'train', commands: ['true'] });
  assert.equal(made.status, 200, made.text);
  assert.equal(made.json.name, 'train');
  assert.equal((await submit({ type: 'task', name: 'train', commands: ['true'] })).json.error.code, 'conflict');
  assert.match((await submit({ type: 'task', commands: ['true'] })).json.name, /^[a-z]+-[a-z]+-\d+$/);
  const stale = await api.ask('POST /projects/main/runs', {
    token,
    body: { configuration: { type: 'task', name: 'train', commands: ['false'] }, code: null, files: [], base: null },
  });
  assert.equal(stale.json.error.code, 'conflict');
});

test('the password of a registry is sealed in the store and shown to nobody', async (t) => {
  const { api, token } = await setup(t);
  const body = (password: string) => ({
    configuration: {
      type: 'task',
      name: 'a',
      image: 'x.test/y',
      commands: ['true'],
      registry_auth: { username: 'ada', password },
    },
    code: null,
    files: [],
  });
  const made = await api.ask('POST /projects/main/runs', { token, body: body('hunter2') });
  assert.deepEqual(made.json.configuration.registry_auth, { username: 'ada', password: '[secret]' });
  const [row] = await api.store.read.runs.find();
  assert.doesNotMatch(JSON.stringify(row), /hunter2/);
  const { password = '' } = row?.spec.work.registryAuth ?? {};
  assert.equal(api.parts.sealer.open(password).reveal(), 'hunter2');

  const same = await api.ask('POST /projects/main/runs/plan', { token, body: body('hunter2') });
  assert.deepEqual(same.json.changes, []);
  const other = await api.ask('POST /projects/main/runs/plan', { token, body: body('hunter3') });
  assert.equal(other.json.changes.length, 1);
  assert.doesNotMatch(same.text + other.text, /hunter|enc:/);
});

test('code must have been sent to this very project', async (t) => {
  const { api, token } = await setup(t);
  const bytes = Buffer.from('the code');
  const hash = createHash('sha256').update(bytes).digest('hex');
  const bob = await api.user('bob');
  await api.project('other', bob);
  const asBob = await api.token(bob);
  assert.equal((await api.ask(`PUT /projects/other/blobs/${hash}`, { token: asBob, body: bytes })).status, 200);

  const ask = () => api.ask('POST /projects/main/blobs/missing', { token, body: { hashes: [hash] } });
  const code = { kind: 'tar', blob: hash, bytes: bytes.length, path: '/workflow', if_exists: 'error' };
  const apply = () =>
    api.ask('POST /projects/main/runs', {
      token,
      body: { configuration: { type: 'task', commands: ['true'] }, code, files: [] },
    });
  assert.deepEqual((await ask()).json, { missing: [hash] });
  const refused = await apply();
  assert.equal(refused.json.error.code, 'conflict');
  assert.match(refused.json.error.hint, /Apply again/);
  assert.equal((await api.ask(`PUT /projects/main/blobs/${hash}`, { token, body: Buffer.from('else') })).status, 400);
  assert.equal((await api.ask('PUT /projects/main/blobs/short', { token, body: bytes })).status, 400);
  assert.equal((await api.ask(`PUT /projects/main/blobs/${hash}`, { token, body: bytes })).status, 200);
  assert.deepEqual((await ask()).json, { missing: [] });
  const made = await apply();
  assert.equal(made.status, 200, made.text);
});

test('a run is deleted with all that it left, and not before it is over everywhere', async (t) => {
  const { api, project, token } = await setup(t);
  const run = await api.store.transaction(async (tables) => {
    await tables.instances.insert(instanceRow({ id: 'i1' as InstanceId, projectId: project.id, name: 'box' }));
    await tables.jobs.insert(jobRow({ id: 'job1' as JobId, projectId: project.id, instanceId: 'i1' as InstanceId }));
    return tables.runs.insert(runRow({ projectId: project.id, status: 'running' }));
  });
  await api.parts.logs.append('job1' as JobId, 0, 1, Buffer.from('log'));
  const path = artifactPath(api.parts.home, run.id, 'job1' as JobId);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'artifacts');
  const remove = () => api.ask('DELETE /projects/main/runs/run', { token });
  assert.match((await remove()).json.error.message, /not finished/);
  await api.store.transaction((tables) => tables.runs.update(run.id, run.version, { live: false, status: 'done' }));
  assert.match((await remove()).json.error.message, /`box` has not yet cleaned up/);
  await api.store.transaction((tables) => tables.jobs.update('job1', 1, { cleanedAt: 1 }));
  assert.equal((await remove()).status, 200);
  assert.equal(await api.store.read.jobs.count(), 0);
  assert.equal(await api.parts.logs.size('job1' as JobId), 0);
  assert.ok(!existsSync(dirname(path)));
  assert.equal((await remove()).status, 404);
});

test('artifacts come as the file that they are, or with the reason why not', async (t) => {
  const { api, project, token } = await setup(t);
  const job = await api.store.transaction(async (tables) => {
    await tables.runs.insert(runRow({ projectId: project.id, status: 'running' }));
    return tables.jobs.insert(jobRow({ projectId: project.id, status: 'running' }));
  });
  const get = () => api.ask('GET /projects/main/runs/run/artifacts', { token });
  assert.match((await get()).json.error.message, /not yet|no artifacts yet/);
  await api.store.transaction((tables) => tables.jobs.update(job.id, job.version, { status: 'done' }));
  assert.match((await get()).json.error.message, /left no artifacts/);
  const path = artifactPath(api.parts.home, job.runId, job.id);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'x'.repeat(200_000));
  const answer = await get();
  assert.equal(answer.headers.get('content-length'), '200000');
  assert.equal(answer.headers.get('content-type'), 'application/gzip');
  assert.match(answer.headers.get('content-disposition') ?? '', /run-0-0\.tar\.gz/);
  assert.equal(answer.text.length, 200_000);
  assert.match(
    (await api.ask('GET /projects/main/runs/run/artifacts?node=7', { token })).json.error.message,
    /no job at replica 0, node 7/,
  );
});

test('offers and fleets are planned from a configuration of either kind', async (t) => {
  const { api, token } = await setup(t);
  for (const configuration of [
    { type: 'task', commands: ['true'] },
    { type: 'fleet', nodes: 2 },
  ]) {
    const offers = await api.ask('POST /projects/main/offers', { token, body: { configuration } });
    assert.deepEqual(offers.json.misfits, [{ reason: 'this engine is a fake', count: 1 }], offers.text);
  }
  const plan = await api.ask('POST /projects/main/fleets/plan', {
    token,
    body: { configuration: { type: 'fleet', name: 'f', nodes: 2 } },
  });
  assert.equal(plan.json.name, 'f');
  assert.equal(
    (
      await api.ask('POST /projects/main/fleets/plan', {
        token,
        body: { configuration: { type: 'task', commands: ['x'] } },
      })
    ).status,
    422,
  );
});

test('regression: after the clock was set back, a name still means the run that lives', async (t) => {
  const { api, project, token } = await setup(t);
  await api.store.transaction(async (tables) => {
    const mine = { projectId: project.id, name: 'train' };
    const over = { live: false, status: 'done' as const };
    await tables.runs.insert(runRow({ ...mine, ...over, id: 'run-older' as RunId, submittedAt: 8_000 }));
    await tables.runs.insert(runRow({ ...mine, ...over, id: 'run-finished' as RunId, submittedAt: 9_000 }));
    await tables.runs.insert(runRow({ ...mine, id: 'run-alive' as RunId, submittedAt: 5_000 }));
    const machine = { projectId: project.id, name: 'box' };
    await tables.instances.insert(
      instanceRow({ ...machine, id: 'box-over' as InstanceId, status: 'terminated', createdAt: 9_000 }),
    );
    await tables.instances.insert(instanceRow({ ...machine, id: 'box-alive' as InstanceId, createdAt: 5_000 }));
  });
  const got = async (): Promise<string> => (await api.ask('GET /projects/main/runs/train', { token })).json.id;
  assert.equal(await got(), 'run-alive');
  assert.equal((await api.ask('GET /projects/main/instances/box', { token })).json.id, 'box-alive');
  assert.equal((await api.ask('POST /projects/main/runs/train/stop', { token, body: {} })).json.id, 'run-alive');

  await api.store.transaction(async (tables) => {
    const row = await tables.runs.get('run-alive' as RunId);
    assert.ok(row !== null);
    await tables.runs.update(row.id, row.version, { live: false, status: 'done' });
  });
  assert.equal(await got(), 'run-finished', 'of those that are over, the latest');
});
