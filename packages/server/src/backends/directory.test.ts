import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BackendError, backendRegistry, defineBackend, type Logger, owned } from '@berth/backend';
import type { InstanceId, ProjectId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import type { InstanceRow, Store } from '@berth/store';
import { openSqliteStore } from '@berth/store/sqlite';
import { z } from 'zod';
import type { ConfiguredEntry, EntryPlace } from '../config/server-config.ts';
import { createSealer } from '../crypto/sealer.ts';
import { eventRecorder } from '../events/record.ts';
import { instanceRow } from '../testing/rows.ts';
import { BackendDirectory } from './directory.ts';
import { BackendRecords } from './records.ts';

const project = 'p1' as ProjectId;
const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What the cloud does when it is asked whether its credentials are good. */
interface Cloud {
  refuse: Error | null;
  account: string;
  configured: { key: unknown; regions: readonly string[] }[];
}

function setup(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-directory-'));
  const store = openSqliteStore({ path: ':memory:' });
  const clock = { time: 1000, now: () => clock.time };
  const sealer = createSealer([{ name: 'k', bytes: new Secret(new Uint8Array(randomBytes(32))) }], randomBytes);
  const cloud: Cloud = { refuse: null, account: 'account-1', configured: [] };
  const backend = (type: string) =>
    defineBackend({
      type,
      title: type.toUpperCase(),
      kind: 'vm',
      agentStart: 'process',
      limits: { nameLength: 60, tags: true, provisioningTimeoutMs: 1000 },
      credentials: { default: z.strictObject({}), key: z.strictObject({ key: z.string() }) } as never,
      config: z.strictObject({ regions: z.array(z.string()).default([]) }),
      configure: async ({ config, credentials }) => {
        if (cloud.refuse !== null) throw cloud.refuse;
        cloud.configured.push({ key: (credentials as { key?: unknown }).key, regions: config.regions });
        return { config, account: cloud.account };
      },
      catalog: owned({ cacheForMs: 1000, query: async () => [] }),
      compute: () => ({ create: () => Promise.reject(), list: async () => [], terminate: async () => {} }),
    });
  const registry = backendRegistry({
    available: ['fluffy', 'stormy'].map((type) => ({ packageName: type, dir: type, definition: backend(type) })),
    unavailable: [{ dir: '/opt/broken', reason: 'Its SDK is missing.' }],
  });
  const directories: BackendDirectory[] = [];
  const open = (): BackendDirectory => {
    const common = { store, clock, random: randomBytes, log: silent };
    const records = new BackendRecords({ ...common, sealer, recordEvent: eventRecorder(clock, randomBytes) });
    const directory = new BackendDirectory({ ...common, records, registry, installation: 'here', stateDir: dir });
    directories.push(directory);
    return directory;
  };
  t.after(async () => {
    for (const directory of directories) await directory.close();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { store, clock, cloud, open };
}

const placeAt = (line: number): EntryPlace => ({ line, positionOf: () => ({ line, column: 7 }) });
const entry = (more: Partial<ConfiguredEntry> = {}): ConfiguredEntry => ({
  name: 'fluffy',
  type: 'fluffy',
  config: {},
  credentials: { kind: 'default', value: null },
  place: placeAt(3),
  faults: [],
  ...more,
});
const wanted = (...entries: ConfiguredEntry[]) => new Map([[project, entries]]);
const machine = (store: Store, backend = 'fluffy'): Promise<InstanceRow> =>
  store.transaction((tables) =>
    tables.instances.insert(instanceRow({ id: 'i1' as InstanceId, projectId: project, backend })),
  );
const gone = (store: Store, { id, version }: InstanceRow): Promise<InstanceRow> =>
  store.transaction((tables) => tables.instances.update(id, version, { status: 'terminated' }));
const statuses = async (directory: BackendDirectory): Promise<string[]> =>
  (await directory.views(project)).map(({ name, status }) => `${name} ${status}`);
async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; n < 200 && !condition(); n++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition());
}

test('a backend that is wanted is ready, and told; one that cannot be loaded is named with the reason', async (t) => {
  const { open, store } = setup(t);
  const directory = open();
  const told: string[] = [];
  directory.onChange((of) => told.push(of));
  await directory.apply(wanted(entry()));
  assert.deepEqual(await statuses(directory), ['fluffy ready', 'broken unavailable']);
  assert.equal((await directory.views(project))[0]?.account, 'account-1');
  assert.match((await directory.views(project))[1]?.reason ?? '', /SDK is missing/);
  assert.deepEqual(
    directory.usable(project).map(({ name }) => name),
    ['fluffy'],
  );
  assert.equal(directory.get(project, 'fluffy'), directory.usable(project)[0]);
  assert.deepEqual(directory.usable('p2' as ProjectId), []);
  assert.deepEqual(told, [project]);
  assert.deepEqual(
    (await store.read.events.find()).map(({ kind }) => kind),
    ['backend.added'],
  );
});

test('what is wanted again just so is left alone; what changed is configured anew', async (t) => {
  const { open, cloud, store } = setup(t);
  const directory = open();
  await directory.apply(wanted(entry()));
  const first = directory.get(project, 'fluffy');
  await directory.apply(wanted(entry({ place: placeAt(9) })));
  assert.equal(directory.get(project, 'fluffy'), first);
  await directory.apply(wanted(entry({ config: { regions: ['eu'] } })));
  assert.notEqual(directory.get(project, 'fluffy'), first);
  assert.deepEqual(
    cloud.configured.map(({ regions }) => regions),
    [[], ['eu']],
  );
  assert.equal(await store.read.backends.count(), 1);
});

test('credentials are sealed in the store', async (t) => {
  const { open, cloud, store } = setup(t);
  await open().apply(wanted(entry({ credentials: { kind: 'key', value: { key: 'hunter2' } } })));
  assert.equal(cloud.configured[0]?.key, 'hunter2');
  assert.doesNotMatch(JSON.stringify([await store.read.backends.find(), await store.read.events.find()]), /hunter2/);
});

test('a removed backend with machines takes no new work, and gives back what it holds', async (t) => {
  const { open, store } = setup(t);
  const directory = open();
  await directory.apply(wanted(entry()));
  const held = await machine(store);
  await directory.apply(wanted());
  assert.deepEqual(directory.usable(project), []);
  assert.notEqual(directory.get(project, 'fluffy'), null);
  assert.deepEqual(await statuses(directory), ['fluffy removed', 'broken unavailable']);
  assert.match((await directory.views(project))[0]?.reason ?? '', /kept until its machines are gone/);
  const removed = (await store.read.events.find()).find(({ kind }) => kind === 'backend.removed');
  assert.match(removed?.message ?? '', /until its 1 machine is gone/);

  await gone(store, held);
  await until(() => directory.get(project, 'fluffy') === null);
  assert.deepEqual(await statuses(directory), ['broken unavailable']);
});

test('one that holds nothing is gone at once, and may come back', async (t) => {
  const { open, store } = setup(t);
  const directory = open();
  await directory.apply(wanted(entry()));
  await directory.apply(wanted());
  assert.equal(directory.get(project, 'fluffy'), null);
  await directory.apply(wanted(entry()));
  assert.deepEqual((await statuses(directory))[0], 'fluffy ready');
  assert.equal(await store.read.backends.count({ deletedAt: null }), 1);
});

test('after a restart, machines of a backend that nobody wants any more can still be given back', async (t) => {
  const { open, store, cloud } = setup(t);
  const before = open();
  await before.apply(wanted(entry({ credentials: { kind: 'key', value: { key: 'hunter2' } } })));
  const held = await machine(store);
  await before.close();

  cloud.configured.length = 0;
  const after = open();
  await after.apply(wanted());
  assert.notEqual(after.get(project, 'fluffy'), null);
  assert.deepEqual(after.usable(project), []);
  assert.equal(cloud.configured[0]?.key, 'hunter2');
  assert.equal(await store.read.backends.count({ deletedAt: null }), 0);
  await after.close();

  const third = open();
  await third.apply(wanted(entry()));
  assert.equal(third.usable(project).length, 1, 'wanted again');
  await gone(store, held);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(third.usable(project).length, 1);
});

test('a backend that was taken out while no server ran, and holds nothing, is only a memory', async (t) => {
  const { open, store } = setup(t);
  await open().apply(wanted(entry()));
  const later = open();
  await later.apply(new Map());
  assert.equal(later.get(project, 'fluffy'), null);
  assert.equal(await store.read.backends.count({ deletedAt: null }), 0);
});

test('a mistake is told with its line and waits for the file; a cloud that does not answer is asked again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { open, cloud, store } = setup(t);
  const directory = open();
  await directory.apply(wanted(entry({ config: { region: 'eu' } })));
  assert.match(
    (await directory.views(project))[0]?.reason ?? '',
    /unknown key `region`: did you mean `regions`\?.*line 3, column 7/,
  );
  assert.ok((await store.read.events.find()).some(({ message }) => message.includes('cannot be used')));

  cloud.refuse = new BackendError('auth', 'The key has expired.');
  await directory.apply(wanted(entry()));
  assert.match((await directory.views(project))[0]?.reason ?? '', /The key has expired/);
  cloud.refuse = null;
  t.mock.timers.tick(60_000);
  // It makes a directory on the way, and timers are mocked: turns of the loop are all there is to wait by.
  for (let n = 0; n < 100_000 && (await directory.views(project))[0]?.status !== 'ready'; n++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await directory.views(project))[0]?.status, 'ready');
  assert.equal(directory.usable(project).length, 1);
});

test('a change that fails leaves what is held within reach, and takes no new work', async (t) => {
  const { open, cloud, store } = setup(t);
  const directory = open();
  await directory.apply(wanted(entry()));
  await machine(store);
  cloud.refuse = new BackendError('auth', 'Wrong key.');
  await directory.apply(wanted(entry({ credentials: { kind: 'key', value: { key: 'wrong' } } })));
  assert.deepEqual(directory.usable(project), []);
  assert.notEqual(directory.get(project, 'fluffy'), null);
});

test('a name does not change its cloud while machines go by it', async (t) => {
  const { open, store } = setup(t);
  const directory = open();
  await directory.apply(wanted(entry({ name: 'main' })));
  const held = await machine(store, 'main');
  await directory.apply(wanted(entry({ name: 'main', type: 'stormy' })));
  assert.equal(directory.get(project, 'main')?.type, 'fluffy');
  assert.deepEqual(directory.usable(project), []);
  assert.match((await directory.views(project))[0]?.reason ?? '', /another name/);
  await gone(store, held);
  await directory.apply(wanted(entry({ name: 'main', type: 'stormy' })));
  assert.equal(directory.usable(project)[0]?.type, 'stormy');
});

const keyOf = (key: string) => entry({ credentials: { kind: 'key', value: { key } } });

for (const restarts of [false, true]) {
  const when = restarts ? 'between two starts' : 'while the server runs';
  test(`machines are not lost when the key becomes that of another account ${when}`, async (t) => {
    const { open, cloud, store } = setup(t);
    const before = open();
    await before.apply(wanted(keyOf('first')));
    const first = before.get(project, 'fluffy');
    const held = await machine(store);
    if (restarts) await before.close();

    const directory = restarts ? open() : before;
    cloud.account = 'account-2';
    await directory.apply(wanted(keyOf('second')));
    // Whoever asked the second account would be told that the machine is gone.
    assert.equal(directory.get(project, 'fluffy'), restarts ? null : first);
    assert.deepEqual(directory.usable(project), []);
    const [view] = await directory.views(project);
    assert.match(view?.reason ?? '', /another account \(account-2\), and 1 machine is held by the former one/);

    cloud.account = 'account-1';
    await directory.apply(wanted(keyOf('first, renewed')));
    assert.equal(directory.usable(project).length, 1);
    await gone(store, held);
    cloud.account = 'account-2';
    await directory.apply(wanted(keyOf('second')));
    assert.equal(directory.usable(project).length, 1);
  });
}
