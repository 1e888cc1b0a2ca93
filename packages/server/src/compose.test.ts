import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type RunningServer, startServer } from './compose.ts';
import { type Answer, ask } from './testing/http-client.ts';
import { EventReader } from './testing/read-events.ts';

/** The whole server with its real parts, on a home of its own; its jobs are real processes. */
class Site {
  readonly root: string;
  server: RunningServer | null = null;
  url = '';

  constructor(t: TestContext) {
    this.root = mkdtempSync(join(tmpdir(), 'berth-'));
    t.after(async () => {
      // The machines of this test are processes of this machine.
      if (this.server !== null) await this.#giveBackEverything();
      await this.server?.close();
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  async start(): Promise<void> {
    this.server = await startServer({ home: this.root, checkAnswers: true });
    this.url = this.server.url;
  }

  async restart(): Promise<void> {
    await this.server?.close();
    await this.start();
  }

  /** As the command line finds it. */
  get token(): string {
    return /token: (berth_\w+)/.exec(readFileSync(join(this.root, 'config.yml'), 'utf8'))?.[1] ?? '';
  }

  ask(route: string, body?: unknown): Promise<Answer> {
    return ask(this.url, route, { token: this.token, ...(body === undefined ? {} : { body }) });
  }

  async apply(configuration: Record<string, unknown>, code: unknown = null): Promise<string> {
    const answer = await this.ask('POST /projects/main/runs', {
      configuration: { type: 'task', ...configuration },
      code,
      files: [],
    });
    assert.equal(answer.status, 200, answer.text);
    return answer.json.name;
  }

  async log(run: string, query = 'follow=true'): Promise<string> {
    const reader = await EventReader.open(this, `/projects/main/runs/${run}/logs?${query}`, this.token);
    const events = await reader.rest();
    return Buffer.concat(
      events.flatMap(({ event, data }) => (event === 'log' ? [Buffer.from(data.data, 'base64')] : [])),
    ).toString();
  }

  /** Until it is finished; as whoever watches it sees it last. */
  // biome-ignore lint/suspicious/noExplicitAny: the server has checked it against its schema
  async finished(run: string): Promise<any> {
    const reader = await EventReader.open(this, `/projects/main/runs/${run}/watch`, this.token);
    return (await reader.rest()).findLast(({ event }) => event === 'run')?.data;
  }

  async #giveBackEverything(): Promise<void> {
    for (const { name } of (await this.ask('GET /projects/main/runs?live=true')).json.runs)
      await this.ask(`POST /projects/main/runs/${name}/stop`, { abort: true });
    for (const { id, status } of (await this.ask('GET /projects/main/instances')).json)
      if (status !== 'terminating') await this.ask(`DELETE /projects/main/instances/${id}`);
    // The books keep them for a while; that their folders are gone says that their processes are.
    for (let n = 0; n < 200 && readdirSync(join(this.root, 'agents')).length > 0; n++) await sleep(25);
  }
}

test('from an empty home to a finished job, with its log, artifacts and cost', async (t) => {
  const site = new Site(t);
  await site.start();
  assert.equal(statSync(join(site.root, 'config.yml')).mode & 0o777, 0o600);
  assert.equal(statSync(join(site.root, 'server', 'encryption.key')).mode & 0o777, 0o600);
  const { pid, url, startedAt } = JSON.parse(readFileSync(join(site.root, 'server', 'server.json'), 'utf8'));
  assert.deepEqual([pid, url], [process.pid, site.url]);
  assert.ok(Math.abs(Date.now() - startedAt) < 60_000);
  const [local] = (await site.ask('GET /projects/main/backends')).json;
  assert.equal(local.status, 'ready', JSON.stringify(local));

  await site.ask('PUT /projects/main/secrets/WORD', { value: 'sesame' });
  const configuration = {
    name: 'train',
    env: { WORD: `$${'{{ secrets.WORD }}'}` },
    commands: ['echo "$WORD" | wc -c', 'mkdir -p out', 'printf result > out/model', 'exit 3'],
    artifacts: ['out'],
  };
  const plan = await site.ask('POST /projects/main/runs/plan', {
    configuration: { type: 'task', ...configuration },
    code: null,
    files: [],
  });
  assert.equal(plan.json.action, 'create', plan.text);
  assert.ok(plan.json.offers.total > 0);

  await site.apply(configuration);
  assert.equal(await site.log('train'), '7\n');
  const run = await site.finished('train');
  assert.equal(run.status, 'failed');
  assert.equal(run.exit_status, 3);
  assert.equal(run.jobs[0].log_bytes, 2);
  assert.deepEqual(run.jobs[0].artifacts.fetched, true);
  assert.equal(run.price_per_hour, 0);
  assert.ok(run.cost >= 0);
  const archive = await fetch(`${site.url}/api/v1/projects/main/runs/train/artifacts`, {
    headers: { authorization: `Bearer ${site.token}` },
  });
  assert.match(gunzipSync(Buffer.from(await archive.arrayBuffer())).toString('latin1'), /out\/model.*result/s);
  const events = (await site.ask('GET /projects/main/events?run=train&limit=1000')).json.events;
  assert.ok(events.length > 3, JSON.stringify(events));
  const everything = readdirSync(site.root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(berth\.db.*|server\.log)$/.test(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  assert.doesNotMatch(everything.join(), /sesame/);
  assert.doesNotMatch(everything.join(), new RegExp(site.token));
});

test('code that was sent once is there for the job', async (t) => {
  const site = new Site(t);
  await site.start();
  const dir = join(site.root, 'code');
  mkdirSync(dir);
  writeFileSync(join(dir, 'hello.txt'), 'from the code\n');
  const bytes = execFileSync('tar', ['-czf', '-', '-C', dir, 'hello.txt']);
  const hash = createHash('sha256').update(bytes).digest('hex');
  assert.equal((await site.ask(`PUT /projects/main/blobs/${hash}`, bytes)).status, 200);
  const code = { kind: 'tar', blob: hash, bytes: bytes.length, path: '.', if_exists: 'error' };
  const run = await site.apply({ commands: ['cat hello.txt'] }, code);
  assert.equal(await site.log(run), 'from the code\n');
  assert.equal((await site.finished(run)).status, 'done');
});

test('a job outlives its server: the next one has its whole log and its end', async (t) => {
  const site = new Site(t);
  await site.start();
  const run = await site.apply({ commands: ['for n in 1 2 3 4 5 6 7 8 9 10; do echo $n; sleep 0.1; done'] });
  const reader = await EventReader.open(site, `/projects/main/runs/${run}/logs?follow=true`, site.token);
  assert.equal((await reader.next())?.event, 'log');
  await site.server?.close();
  assert.ok(!existsSync(join(site.root, 'server', 'server.json')));
  await sleep(300);
  await site.start();
  assert.equal(await site.log(run), '1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n');
  const { status, exit_status } = await site.finished(run);
  assert.deepEqual([status, exit_status], ['done', 0]);
});

test('what a restart leaves: users, tokens and sealed secrets, and no second first start', async (t) => {
  const site = new Site(t);
  await site.start();
  await site.ask('PUT /projects/main/secrets/KEY', { value: 'kept' });
  const config = readFileSync(join(site.root, 'config.yml'), 'utf8');
  await site.restart();
  assert.equal(readFileSync(join(site.root, 'config.yml'), 'utf8'), config);
  assert.equal((await site.ask('GET /projects/main/secrets/KEY')).json.value, 'kept');
  assert.equal((await site.ask('GET /users')).json.length, 1);

  await site.server?.close();
  site.server = null;
  rmSync(join(site.root, 'server', 'encryption.key'));
  await assert.rejects(startServer({ home: site.root }), {
    code: 'unavailable',
    message: /encryption\.key is missing/,
  });
});

test('one home has one server', async (t) => {
  const site = new Site(t);
  await site.start();
  await assert.rejects(startServer({ home: site.root }), {
    code: 'conflict',
    message: /in use by another Berth server/,
  });
  const port = Number(new URL(site.url).port);
  const another = new Site(t);
  await assert.rejects(startServer({ home: another.root, port }), {
    code: 'unavailable',
    message: new RegExp(`port ${port} is in use`),
  });
  assert.equal((await site.ask('GET /users/me')).json.name, 'admin');
});

test('config.yml is applied at the start and when it changes; a broken one changes nothing, and is told', async (t) => {
  const site = new Site(t);
  mkdirSync(join(site.root, 'server'));
  const path = join(site.root, 'server', 'config.yml');
  writeFileSync(path, 'projects:\n  - name: team\n    backends: [{ type: local }]\n');
  await site.start();
  const backends = async (project: string) =>
    (await site.ask(`GET /projects/${project}/backends`)).json.map(
      (b: { name: string; status: string }) => `${b.name} ${b.status}`,
    );
  const until = async (project: string, expected: string[]): Promise<void> => {
    for (let n = 0; n < 100 && (await backends(project)).join() !== expected.join(); n++) await sleep(30);
    assert.deepEqual(await backends(project), expected);
  };
  await until('team', ['local ready']);
  await until('main', []);
  writeFileSync(path, 'projects:\n  - name: team\n    backends: [{ type: local, name: box }, { type: nowhere }]\n');
  await until('team', ['box ready', 'nowhere unavailable']);
  const reason = (await site.ask('GET /projects/team/backends')).json[1].reason;
  assert.match(reason, /unknown type "nowhere".*line 3/);

  writeFileSync(path, 'projects:\n  - name: team\n    backend: []\n');
  for (let n = 0; n < 100; n++) {
    const { events } = (await site.ask('GET /projects/team/events')).json;
    const told = events.find((event: { kind: string }) => event.kind === 'server.config-broken');
    if (told !== undefined) {
      assert.match(told.message, /line 3: .*backend/);
      break;
    }
    assert.notEqual(n, 99, 'nobody was told');
    await sleep(30);
  }
  assert.deepEqual(await backends('team'), ['box ready', 'nowhere unavailable']);
  await site.restart();
  await until('team', ['box ready', 'nowhere unavailable']);
  assert.equal((await site.ask('DELETE /projects/team')).status, 200);
});

test('a broken config.yml at the very first start is told to whoever starts the server', async (t) => {
  const site = new Site(t);
  mkdirSync(join(site.root, 'server'));
  writeFileSync(join(site.root, 'server', 'config.yml'), 'projects: {');
  await assert.rejects(startServer({ home: site.root }), { code: 'invalid-configuration' });
  assert.ok(!existsSync(join(site.root, 'server', 'server.json')));
});

test('a log store that cannot be written costs a job nothing but time, and is told', async (t) => {
  const site = new Site(t);
  await site.start();
  const logs = join(site.root, 'server', 'logs');
  renameSync(logs, `${logs}.away`);
  writeFileSync(logs, 'in the way');
  const run = await site.apply({ commands: ['echo first', 'echo second >&2'] });
  const kinds = async (): Promise<string[]> =>
    (await site.ask('GET /projects/main/events?limit=1000')).json.events.map((event: { kind: string }) => event.kind);
  for (let n = 0; n < 200 && !(await kinds()).includes('server.log-store-failing'); n++) await sleep(30);
  assert.equal((await kinds()).filter((kind) => kind === 'server.log-store-failing').length, 1);
  assert.equal((await site.ask(`GET /projects/main/runs/${run}`)).json.finished_at, null);
  rmSync(logs);
  renameSync(`${logs}.away`, logs);
  assert.equal(await site.log(run), 'first\nsecond\n');
  assert.equal((await site.finished(run)).exit_status, 0);
});

test('regression: without a config.yml, the users of other projects do not get the rights of the server', async (t) => {
  const site = new Site(t);
  await site.start();
  const names = async (project: string) =>
    (await site.ask(`GET /projects/${project}/backends`)).json.map((b: { name: string }) => b.name);
  assert.deepEqual(await names('main'), ['local']);
  const bob = (await site.ask('POST /users', { name: 'bob' })).json.token;
  const asBob = (route: string, body?: unknown) =>
    ask(site.url, route, { token: bob, ...(body === undefined ? {} : { body }) });
  assert.equal((await asBob('POST /projects', { name: 'team' })).status, 200);
  assert.deepEqual(await names('team'), []);
  const task = { configuration: { type: 'task', name: 'id', commands: ['id'] }, code: null, files: [] };
  for (const route of ['POST /projects/team/runs/plan', 'POST /projects/team/runs']) {
    const { status, json } = await asBob(route, task);
    assert.equal(status, 422, route);
    assert.equal(json.error.code, 'no-offers');
    assert.match(json.error.message, /`team` has no backend/);
    assert.match(json.error.hint, /server\/config\.yml: `projects: \[\{ name: team, backends: /);
  }
  assert.deepEqual((await asBob('GET /projects/team/runs')).json.runs, []);
  assert.equal((await asBob('POST /projects/team/offers', { configuration: task.configuration })).status, 422);

  // Another `main`, of somebody who is no admin, is not the first project.
  assert.equal((await site.ask('DELETE /projects/main')).status, 200);
  assert.equal((await asBob('POST /projects', { name: 'main' })).status, 200);
  assert.deepEqual(await names('main'), []);
  await site.restart();
  assert.deepEqual(await names('main'), []);

  // What the hint says helps.
  writeFileSync(join(site.root, 'server', 'config.yml'), 'projects: [{ name: team, backends: [{ type: local }] }]\n');
  for (let n = 0; n < 100 && (await names('team')).length === 0; n++) await sleep(30);
  assert.equal((await asBob('POST /projects/team/runs/plan', task)).status, 200);
});

test('what is just small enough for an agent’s link reaches the job', async (t) => {
  const site = new Site(t);
  await site.start();
  const env = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`V${at}`, 'x'.repeat(100_000)]));
  const run = await site.apply({ env, commands: ['echo ${#V0} ${#V9}'] });
  assert.equal(await site.log(run), '100000 100000\n');
  assert.equal((await site.finished(run)).exit_status, 0);
  const answer = await site.ask('POST /projects/main/runs/plan', {
    configuration: { type: 'task', env: { ...env, V10: 'x'.repeat(100_000) }, commands: ['true'] },
    code: null,
    files: [],
  });
  assert.equal(answer.status, 413);
  assert.match(answer.json.error.message, /They have 1,0\d\d KiB/);
});

test('regression: a start removes what uploads left that broke off with the server before', async (t) => {
  const site = new Site(t);
  const folder = join(site.root, 'server', 'blobs', 'project', 'ab');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'abcd.0011223344556677.tmp'), 'half');
  await site.start();
  for (let n = 0; n < 100 && readdirSync(folder).length > 0; n++) await sleep(20);
  assert.deepEqual(readdirSync(folder), []);
});
