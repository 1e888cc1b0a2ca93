import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { BerthError } from '@berth/core';
import { openSqliteStore } from './sqlite.ts';
import { StoreUnavailable, TransactionMisuse } from './store.ts';
import { id, SAMPLES, sample } from './testing/samples.ts';
import { storeSuite } from './testing/suite.ts';

const root = mkdtempSync(join(tmpdir(), 'berth-store-'));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(root, String(++files), 'berth.db');

// The suite has listeners that throw on purpose.
const onListenerError = () => {};

storeSuite('SQLite in a file', async () => openSqliteStore({ path: newPath(), onListenerError }));
storeSuite('SQLite in memory', async () => openSqliteStore({ path: ':memory:', onListenerError }));

describe('an SQLite file', () => {
  test('keeps its rows from one opening to the next', async () => {
    const path = newPath();
    const first = openSqliteStore({ path });
    const row = await first.transaction((tables) => tables.runs.insert(SAMPLES.runs));
    await first.close();
    const second = openSqliteStore({ path });
    assert.deepEqual(await second.read.runs.get('r1'), row);
    await second.close();
  });

  test('is readable by its owner alone, with all files beside it, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      const path = newPath();
      const store = openSqliteStore({ path });
      await store.transaction((tables) => tables.users.insert(SAMPLES.users));
      const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
      assert.deepEqual([path, `${path}-wal`, `${path}-shm`].map(mode), ['600', '600', '600']);
      assert.equal(mode(join(path, '..')), '700');
      await store.close();
    } finally {
      process.umask(umask);
    }
  });

  test('answers reads with the committed state while a transaction is under way', async () => {
    const store = openSqliteStore({ path: newPath() });
    const end = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const transaction = store.transaction(async (tables) => {
      await tables.users.insert(SAMPLES.users);
      written.resolve();
      await end.promise;
    });
    await written.promise;
    assert.equal(await store.read.users.count(), 0);
    end.resolve();
    await transaction;
    assert.equal(await store.read.users.count(), 1);
    await store.close();
  });

  test('waits for another process that writes, without stopping this one', async () => {
    const path = newPath();
    const store = openSqliteStore({ path });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 5);
    setTimeout(() => other.exec('ROLLBACK'), 300);
    await store.transaction((tables) => tables.users.insert(SAMPLES.users));
    clearInterval(ticking);
    assert.ok(ticks >= 2, `the event loop stood still: ${ticks} ticks`);
    other.close();
    await store.close();
  });

  test('that is no database, or that of another program, is refused and left as it is', () => {
    const text = newPath();
    mkdirSync(join(text, '..'));
    writeFileSync(
      text,
      'just some text that is long enough to be looked at as a header, more than one hundred bytes of it',
    );
    const foreign = newPath();
    mkdirSync(join(foreign, '..'));
    const db = new DatabaseSync(foreign);
    db.exec('CREATE TABLE recipes (name TEXT)');
    db.close();
    for (const path of [text, foreign]) {
      const before = statSync(path).size;
      assert.throws(
        () => openSqliteStore({ path }),
        (error) =>
          error instanceof BerthError && error.code === 'conflict' && error.message.includes(path) && !!error.hint,
      );
      assert.equal(statSync(path).size, before);
    }
  });

  test('that cannot be made says where and why', () => {
    const file = newPath();
    mkdirSync(join(file, '..'));
    writeFileSync(file, '');
    const path = join(file, 'berth.db');
    assert.throws(
      () => openSqliteStore({ path }),
      (error) => error instanceof StoreUnavailable && error.message.includes(path),
    );
  });

  test('that is read-only refuses writes as such and goes on reading', {
    skip: process.getuid?.() === 0 && 'root may write any file',
  }, async () => {
    const path = newPath();
    await openSqliteStore({ path }).close();
    chmodSync(path, 0o400);
    const store = openSqliteStore({ path });
    await assert.rejects(
      store.transaction((tables) => tables.users.insert(SAMPLES.users)),
      (error) => error instanceof StoreUnavailable && error.reason === 'read-only',
    );
    assert.equal(await store.read.users.count(), 0);
    await store.close();
  });
});

describe('work that waits for something else than its tables', () => {
  for (const path of ['file', ':memory:']) {
    test(`is rolled back when its time is over, and others go on (${path})`, async () => {
      const store = openSqliteStore({ path: path === 'file' ? newPath() : path, maxTransactionMs: 30 });
      const never = new Promise<never>(() => {});
      const stuck = store.transaction(async (tables) => {
        await tables.users.insert(SAMPLES.users);
        await never;
      });
      const next = store.transaction((tables) => tables.users.insert(sample('users', { id: id('u2'), name: 'bob' })));
      await assert.rejects(stuck, (error) => error instanceof TransactionMisuse && /30 ms/.test(error.message));
      await next;
      assert.deepEqual(
        (await store.read.users.find()).map((user) => user.name),
        ['bob'],
      );
      await store.close();
    });
  }
});
