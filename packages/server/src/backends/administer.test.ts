import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BackendError, backendRegistry, defineBackend, type Logger, owned, secret } from '@berth/backend';
import { BerthError } from '@berth/core/errors';
import { type InstanceId, newId, type ProjectId, type UserId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import type { InstanceRow } from '@berth/store';
import { openSqliteStore } from '@berth/store/sqlite';
import { z } from 'zod';
import { parseServerConfig } from '../config/parse-server-config.ts';
import type { ConfiguredEntry } from '../config/server-config.ts';
import { LOCAL_ENTRY } from '../config/server-config.ts';
import { createSealer } from '../crypto/sealer.ts';
import { eventRecorder } from '../events/record.ts';
import { instanceRow } from '../testing/rows.ts';
import { BackendAdmin } from './administer.ts';
import { BackendDirectory } from './directory.ts';
import { BackendRecords, type Entry } from './records.ts';

const ada = 'u1' as UserId;
const RIGHT = 'right-key-0815';
/** Of another account. */
const ELSEWHERE = 'key-of-others';
const WRONG = 'wrong-key-0815';

interface Site {
  readonly directory: BackendDirectory;
  readonly admin: BackendAdmin;
}

async function setup(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-admin-'));
  const store = openSqliteStore({ path: ':memory:' });
  const clock = { time: 1000, now: () => clock.time++ };
  const written: string[] = [];
  const line = (message: string, fields?: object): void => void written.push(message + JSON.stringify(fields ?? {}));
  const log: Logger = { debug: line, info: line, warn: line, error: line };
  const asked: string[] = [];
  const revoked = new Set<string>();
  const backend = (type: string) =>
    defineBackend({
      type,
      title: type.toUpperCase(),
      kind: 'vm',
      agentStart: 'process',
      limits: { nameLength: 60, tags: true, provisioningTimeoutMs: 1000 },
      credentials: { default: z.strictObject({}), key: z.strictObject({ key: secret() }) } as never,
      config: z.strictObject({ regions: z.array(z.string()).default([]) }),
      configure: async ({ config, credentials }) => {
        const key = (credentials as { key?: Secret<string> }).key?.reveal() ?? '';
        asked.push(key);
        if (key === WRONG || revoked.has(key)) throw new BackendError('auth', `The key ${key} is unknown.`);
        return { config, account: key === ELSEWHERE ? 'others' : 'team', choices: { regions: [{ value: 'eu' }] } };
      },
      catalog: owned({ cacheForMs: 1000, query: async () => [] }),
      compute: ({ credentials }) => ({
        create: () => Promise.reject(),
        list: async () => {
          if (revoked.has((credentials as { key?: Secret<string> }).key?.reveal() ?? '')) {
            throw new BackendError('auth', 'The key was revoked.');
          }
          return [];
        },
        terminate: async () => {},
      }),
    });
  const registry = backendRegistry({
    available: ['fluffy', 'stormy', 'local'].map((type) => ({
      packageName: type,
      dir: type,
      definition: backend(type),
    })),
    unavailable: [{ dir: '/opt/broken', reason: 'Its SDK is missing.' }],
  });
  const key = new Uint8Array(randomBytes(32));
  const project = newId<'ProjectId'>(clock.now(), randomBytes);
  await store.transaction((tables) =>
    tables.projects.insert({ id: project, name: 'main', ownerId: ada, createdAt: 0, deletedAt: null }),
  );
  const directories: BackendDirectory[] = [];
  const open = (sealing: Uint8Array = key): Site => {
    const common = { store, clock, random: randomBytes, log };
    const sealer = createSealer([{ name: 'k', bytes: new Secret(sealing) }], randomBytes);
    const records = new BackendRecords({ ...common, sealer, recordEvent: eventRecorder(clock, randomBytes) });
    const directory = new BackendDirectory({ ...common, records, registry, installation: 'here', stateDir: dir });
    directories.push(directory);
    const admin = new BackendAdmin({
      directory,
      records,
      installed: async () => registry,
      configFile: '/srv/config.yml',
    });
    return { directory, admin };
  };
  t.after(async () => {
    for (const directory of directories) await directory.close();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const machine = (name: string, more: Partial<InstanceRow> = {}): Promise<InstanceRow> =>
    store.transaction((tables) =>
      tables.instances.insert(
        instanceRow({
          id: newId<'InstanceId'>(clock.now(), randomBytes) as InstanceId,
          name,
          projectId: project,
          backend: 'mine',
          ...more,
        }),
      ),
    );
  const gone = ({ id, version }: InstanceRow): Promise<InstanceRow> =>
    store.transaction((tables) => tables.instances.update(id, version, { status: 'terminated' }));
  const told = async (): Promise<string[]> =>
    (await store.read.events.find()).map(({ kind, actor }) => `${kind}${actor === null ? '' : ` by ${actor}`}`);
  return { store, project, open, machine, gone, told, asked, written, dir, revoked, log, clock };
}

const mine = (more: Partial<Entry> = {}): Entry => ({
  name: 'mine',
  type: 'fluffy',
  config: {},
  credentials: { kind: 'key', value: { key: RIGHT } },
  ...more,
});
const keyed = (key: string): Entry => mine({ credentials: { kind: 'key', value: { key } } });
const refusal =
  (code: string, message: RegExp, hint = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof BerthError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
    return true;
  };
const fromFile = (project: ProjectId, ...entries: ConfiguredEntry[]) => new Map([[project, entries]]);
async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let n = 0; n < 200 && !(await condition()); n++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(await condition());
}

test('what is put is usable at once, sealed, and there again after a restart; the event names who did it', async (t) => {
  const { store, project, open, told, asked, written } = await setup(t);
  const first = open();
  const view = await first.admin.put(project, mine({ config: { regions: ['eu'] } }), ada);
  assert.deepEqual([view.status, view.account, view.source, view.holds], ['ready', 'team', 'api', 0]);
  assert.equal(asked.length, 1, 'one cheap call');
  assert.equal(first.directory.usable(project)[0]?.name, 'mine');
  assert.ok(first.directory.has(project));
  await first.directory.close();

  const second = open();
  await second.directory.apply(new Map());
  assert.equal(second.directory.usable(project)[0]?.name, 'mine', 'the file does not name it, and it stays');
  assert.deepEqual(await told(), ['backend.added by u1']);
  const everything = JSON.stringify([await store.read.backends.find(), await store.read.events.find(), written]);
  assert.doesNotMatch(everything, /0815/);
});

test('credentials that are refused change nothing, store nothing and are not repeated', async (t) => {
  const { store, project, open, dir, written } = await setup(t);
  const { admin, directory } = open();
  const refused = refusal('invalid-configuration', /refused.*\[secret\] is unknown/, /Nothing was stored/);
  await assert.rejects(admin.put(project, keyed(WRONG), ada), refused);
  assert.equal(await store.read.backends.count(), 0);
  assert.equal(existsSync(join(dir, project, 'mine')), false);

  await admin.put(project, mine(), ada);
  const before = directory.get(project, 'mine');
  await assert.rejects(admin.put(project, keyed(WRONG), ada), refused);
  assert.equal(directory.get(project, 'mine'), before);
  assert.equal(directory.usable(project).length, 1);
  await admin.put(project, keyed('other-key-0815'), ada);
  assert.notEqual(directory.get(project, 'mine'), before);
  assert.doesNotMatch(written.join(), /0815/);
});

test('the key of another account is refused while machines are held by the first', async (t) => {
  const { project, open, machine, gone } = await setup(t);
  const { admin, directory } = open();
  await admin.put(project, mine(), ada);
  const before = directory.get(project, 'mine');
  const held = await machine('box');
  const refused = refusal('invalid-configuration', /another account \(others\), and 1 machine is held/, /Nothing was/);
  await assert.rejects(admin.put(project, keyed(ELSEWHERE), ada), refused);
  assert.equal(directory.get(project, 'mine'), before);
  await gone(held);
  assert.equal((await admin.put(project, keyed(ELSEWHERE), ada)).account, 'others');
});

test('choices come from the account, and nothing of them is kept', async (t) => {
  const { store, project, open, dir } = await setup(t);
  const answer = await open().admin.choices(project, mine());
  assert.deepEqual(answer, { account: 'team', facets: [], choices: { regions: [{ value: 'eu' }] } });
  assert.equal(await store.read.backends.count(), 0);
  assert.equal(existsSync(join(dir, project, 'mine')), false);
});

test('config.yml wins over what was stored, which is told; what it names is changed only there', async (t) => {
  const { project, open, told } = await setup(t);
  const { admin, directory } = open();
  await admin.put(project, mine(), ada);
  const { place: _, ...base } = LOCAL_ENTRY;
  const place = { line: 3, positionOf: () => ({ line: 3, column: 1 }) };
  await directory.apply(fromFile(project, { ...base, ...mine({ type: 'stormy' }), place }));
  assert.equal(directory.usable(project)[0]?.type, 'stormy');
  assert.deepEqual(await told(), ['backend.added by u1', 'backend.changed']);
  await assert.rejects(admin.put(project, mine(), ada), refusal('conflict', /named in the server's config\.yml/));
  const remove = admin.remove(project, 'mine', { whenEmpty: true, actor: ada });
  await assert.rejects(remove, refusal('conflict', /config\.yml/, /\/srv\/config\.yml/));
});

test('what a server without config.yml has by itself gives way to what is stored under its name', async (t) => {
  const { project, open } = await setup(t);
  const { admin, directory } = open();
  await directory.apply(fromFile(project, LOCAL_ENTRY));
  assert.equal((await admin.get(project, 'local')).source, 'default');
  const remove = admin.remove(project, 'local', { whenEmpty: false, actor: ada });
  await assert.rejects(remove, refusal('conflict', /without a configuration/, /backends: \[\]/));
  await admin.put(project, { ...LOCAL_ENTRY, config: { regions: ['here'] } }, ada);
  await directory.apply(fromFile(project, LOCAL_ENTRY));
  assert.deepEqual((await admin.get(project, 'local')).config, { regions: ['here'] });
});

test('while it holds machines it is deleted only on request, and then goes with the last of them', async (t) => {
  const { project, open, machine, gone, told } = await setup(t);
  const { admin, directory } = open();
  await admin.put(project, mine(), ada);
  const [one, two] = [await machine('m-1'), await machine('m-2', { status: 'busy' })];
  await machine('m-0', { status: 'terminated' });
  const remove = (whenEmpty: boolean) => admin.remove(project, 'mine', { whenEmpty, actor: ada });
  const conflict = refusal('conflict', /2 machines are held.*m-1 m-2/, /instance delete m-1 m-2.*--when-empty/);
  await assert.rejects(remove(false), conflict);
  assert.equal(directory.usable(project).length, 1, 'it goes on as before');
  await assert.rejects(admin.put(project, mine({ type: 'stormy' }), ada), refusal('conflict', /is a fluffy/));

  assert.equal(await remove(true), 2);
  assert.deepEqual(directory.usable(project), []);
  assert.notEqual(directory.get(project, 'mine'), null, 'its machines can be given back');
  const { status, holds } = await admin.get(project, 'mine');
  assert.deepEqual([status, holds], ['removed', 2]);
  assert.equal(await remove(false), 2, 'asked again, it is what it is');
  await gone(one);
  await gone(two);
  await until(() => directory.get(project, 'mine') === null);
  await until(async () => (await told()).length === 3);
  assert.deepEqual(await told(), ['backend.added by u1', 'backend.removed by u1', 'backend.gone']);
  await assert.rejects(remove(false), refusal('not-found', /no backend mine/));
});

test('credentials that the cloud takes back are shown at the next call, with what they leave out of reach', async (t) => {
  const { project, open, machine, told, revoked, log, clock } = await setup(t);
  const { admin, directory } = open();
  await admin.put(project, mine(), ada);
  await machine('m-1');
  revoked.add(RIGHT);
  clock.time += 60_000;
  const call = { signal: new AbortController().signal, log };
  for (let calls = 0; calls < 3; calls++) {
    await assert.rejects(directory.get(project, 'mine')?.compute.list(call) ?? Promise.resolve());
  }
  await until(async () => (await admin.get(project, 'mine')).status === 'unavailable');
  const { holds, reason } = await admin.get(project, 'mine');
  assert.deepEqual([holds, reason], [1, 'The key [secret] is unknown.']);
  assert.match(directory.outOfReach(project, 'mine') ?? '', /cannot be used: The key/);
  assert.deepEqual(directory.usable(project), []);
  await until(async () => (await told()).length === 2);
  assert.deepEqual(await told(), ['backend.added by u1', 'backend.unavailable']);
  await admin.put(project, keyed('new-key-0815'), ada);
  assert.equal(directory.outOfReach(project, 'mine'), null);
});

test('machines whose backend cannot be opened, or is forgotten, are counted and shown with the reason, told once', async (t) => {
  const { project, open, machine, told } = await setup(t);
  const first = open();
  await first.admin.put(project, mine(), ada);
  await machine('m-1');
  await machine('m-2', { backend: 'ghost' });
  await first.directory.close();
  const otherKey = new Uint8Array(randomBytes(32));
  for (let starts = 0; starts < 2; starts++) {
    const { directory } = open(otherKey);
    await directory.apply(new Map());
    const views = (await directory.views(project)).map(({ name, status, holds }) => `${name} ${status} ${holds}`);
    assert.deepEqual(views, ['ghost removed 1', 'mine unavailable 1', 'broken unavailable 0']);
    assert.match(directory.outOfReach(project, 'mine') ?? '', /cannot be used: .*sealed value cannot be opened/);
    assert.match(directory.outOfReach(project, 'ghost') ?? '', /Nothing is known/);
    assert.ok(directory.has(project));
    await directory.close();
  }
  assert.deepEqual(await told(), ['backend.added by u1', 'backend.unavailable']);
  const found = open();
  await found.directory.apply(new Map());
  assert.equal(found.directory.outOfReach(project, 'mine'), null);
  assert.deepEqual((await told()).at(-1), 'backend.available', 'the key is back');
});

test('what another server stores or removes on the same database is used here too', async (t) => {
  const { project, open } = await setup(t);
  const [here, there] = [open(), open()];
  await there.admin.put(project, mine(), ada);
  await until(() => here.directory.usable(project).length === 1);
  await there.admin.put(project, mine({ config: { regions: ['eu'] } }), ada);
  await until(async () => JSON.stringify((await here.admin.get(project, 'mine')).config).includes('eu'));
  await there.admin.remove(project, 'mine', { whenEmpty: false, actor: ada });
  await until(() => here.directory.slot(project, 'mine') === null);
});

test('a mistake in config.yml is told with its line and column, and a secret only by its place', async (t) => {
  const { project, open } = await setup(t);
  const { directory } = open();
  const text = `projects:
  - name: main
    backends:
      - { type: fluffy, name: a, key: ${RIGHT} , creds: { type: key, key: ${RIGHT} } }
      - type: fluffy
        name: b
        creds:
          type: keys
      - { type: fluffy, name: c, creds: { type: key, key: "$\{env:NOWHERE}" } }
      - { type: fluffi, name: d }
      - { type: fluffy, name: e }
`;
  const outside = { env: {}, dir: '/', readFile: () => '' };
  const [parsed] = parseServerConfig(text, 'config.yml', outside).projects ?? [];
  await directory.apply(fromFile(project, ...(parsed?.backends ?? [])));
  const reason = Object.fromEntries((await directory.views(project)).map((view) => [view.name, view.reason ?? '']));
  assert.match(reason.a ?? '', /`key` is a credential.*creds: \{ type: key, key: … \}.*line 4, column 34/);
  assert.match(reason.b ?? '', /no kind of credentials `keys`.*did you mean `key`\?.*line 8, column 17/);
  assert.match(reason.c ?? '', /the variable `NOWHERE` is not set.*line 9, column 59/);
  assert.match(reason.d ?? '', /unknown type "fluffi".*line 10/);
  assert.equal(reason.e, '', 'the others are not harmed');
  assert.doesNotMatch(JSON.stringify(reason), /0815/);
});

test('backends of a project that was deleted are not asked again, and its name may be used anew', async (t) => {
  const { store, project, open } = await setup(t);
  const { admin, directory } = open();
  await admin.put(project, mine(), ada);
  await store.transaction(async (tables) => {
    const row = await tables.projects.get(project);
    if (row !== null) await tables.projects.update(row.id, row.version, { deletedAt: 5 });
  });
  await directory.apply(new Map());
  assert.equal(directory.slot(project, 'mine'), null);
  assert.equal(await store.read.backends.count({ deletedAt: null }), 0);
});

test('types are told with their forms, and those that cannot be loaded with the reason', async (t) => {
  const { open } = await setup(t);
  const types = await open().admin.types();
  assert.deepEqual(
    types.map(({ type, status }) => `${type} ${status}`),
    ['fluffy available', 'local available', 'stormy available', 'broken unavailable'],
  );
  const key = types[0]?.credentials.find(({ kind }) => kind === 'key')?.schema;
  assert.match(JSON.stringify(key), /"writeOnly":true/);
});
