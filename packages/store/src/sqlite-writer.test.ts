/** Works that share a transaction of the database stay transactions of their own. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { openSqliteStore } from './sqlite.ts';
import { StaleRow, type Store, StoreUnavailable, UniqueViolation } from './store.ts';
import { id, SAMPLES, sample } from './testing/samples.ts';

const root = mkdtempSync(join(tmpdir(), 'berth-writer-'));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(root, String(++files), 'berth.db');

const user = (name: string) => sample('users', { id: id(name), name });
const names = async (store: Store) => (await store.read.users.find()).map(({ name }) => name);

test('one that fails is undone alone, and those around it are kept', async () => {
  const store = openSqliteStore({ path: newPath() });
  const failure = new Error('changed my mind');
  const works = ['a', 'b', 'c', 'd'].map((name) =>
    store.transaction(async (tables) => {
      await tables.users.insert(user(name));
      if (name === 'c') await assert.rejects(tables.users.insert(user('a')), UniqueViolation);
      if (name === 'b') throw failure;
      return (await tables.users.find()).length;
    }),
  );
  assert.deepEqual(await Promise.allSettled(works), [
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: failure },
    { status: 'fulfilled', value: 2 },
    { status: 'fulfilled', value: 3 },
  ]);
  assert.deepEqual(await names(store), ['a', 'c', 'd']);
  await store.close();
});

test('what one has undone is not known to the next', async () => {
  const store = openSqliteStore({ path: newPath() });
  await store.transaction((tables) => tables.users.insert(user('a')));
  const [, undone, seen, stale] = await Promise.allSettled([
    store.transaction((tables) => tables.users.get('a')),
    store.transaction(async (tables) => {
      await tables.users.update('a', 1, { email: 'lost' });
      await tables.users.delete({ id: id('a') });
      throw new Error('no');
    }),
    store.transaction(async (tables) => [await tables.users.get('a'), await tables.users.find()]),
    store.transaction((tables) => tables.users.update('a', 2, { email: 'lost' })),
  ]);
  const kept = { ...user('a'), version: 1 };
  assert.equal(undone.status, 'rejected');
  assert.deepEqual(seen, { status: 'fulfilled', value: [kept, [kept]] });
  assert.ok(stale.status === 'rejected' && stale.reason instanceof StaleRow);
  await store.close();
});

test('a work that comes again after the database was full writes once', async () => {
  const store = openSqliteStore({ path: newPath() });
  await store.transaction((tables) => tables.users.insert(SAMPLES.users));
  await store.close();
  const bounded = openSqliteStore({ path: join(root, String(files), 'berth.db'), maxBytes: 1 });
  const heard: string[] = [];
  bounded.onCommit((changes) => heard.push(...changes.map((change) => change.id)));
  const small = bounded.transaction((tables) => tables.users.update('u1', 1, { email: 'a@b' }));
  const large = bounded.transaction(async (tables) => {
    for (let i = 0; i < 1000; i++) await tables.runs.insert(sample('runs', { id: id(`r${i}`), name: `run-${i}` }));
  });
  await assert.rejects(large, StoreUnavailable);
  assert.equal((await small).version, 2);
  assert.equal((await bounded.read.users.get('u1'))?.version, 2);
  assert.deepEqual(heard, ['u1']);
  await bounded.close();
});

test('none is told as done before all of them are on disk', async () => {
  const path = newPath();
  const store = openSqliteStore({ path });
  const other = new DatabaseSync(path);
  const seen: unknown[] = [];
  await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      await store.transaction((tables) => tables.users.insert(user(name)));
      seen.push(other.prepare('SELECT COUNT(*) AS n FROM users WHERE name = ?').get(name)?.n);
    }),
  );
  assert.deepEqual(seen, [1, 1, 1]);
  other.close();
  await store.close();
});

test('what another process has written is seen', async () => {
  const path = newPath();
  const store = openSqliteStore({ path });
  await store.transaction((tables) => tables.users.insert(user('a')));
  await store.transaction((tables) => tables.users.get('a'));
  const other = new DatabaseSync(path);
  other.exec("UPDATE users SET email = 'by hand'");
  other.close();
  assert.equal((await store.transaction((tables) => tables.users.get('a')))?.email, 'by hand');
  await store.close();
});

test('other events of the process have their turn while works never end', async () => {
  const store = openSqliteStore({ path: newPath() });
  let stop = false;
  setTimeout(() => {
    stop = true;
  }, 20);
  const chain = async (): Promise<void> => {
    while (!stop) await store.transaction((tables) => tables.users.count());
  };
  await Promise.all([chain(), chain(), chain()]);
  await store.close();
});
