import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openSqliteStore } from './sqlite.ts';
import { type Store, StoreUnavailable } from './store.ts';
import { id, sample } from './testing/samples.ts';

const root = mkdtempSync(join(tmpdir(), 'berth-crash-'));
after(() => rmSync(root, { recursive: true, force: true }));

function assertIntact(path: string): void {
  const db = new DatabaseSync(path);
  assert.deepEqual({ ...db.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
  db.close();
}

test('after kill -9 in the middle of a transaction, every told commit is there and nothing of the last one', async () => {
  const path = join(root, 'berth.db');
  const child = fileURLToPath(new URL('testing/crash-child.ts', import.meta.url));
  for (let round = 0; round < 5; round++) {
    const writer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    writer.stdout.on('data', (chunk) => {
      told += chunk;
    });
    await once(writer.stdout, 'data');
    await sleep(20 + round * 23);
    const closed = once(writer, 'close');
    writer.kill('SIGKILL');
    await closed;
    // A line that the kill cut short tells nothing.
    const commits = Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1));

    const store = openSqliteStore({ path });
    const a = await store.read.jobs.get('a');
    const b = await store.read.jobs.get('b');
    assert.ok(a && b && a.logBytes !== null && b.logBytes !== null);
    assert.equal(a.logBytes + b.logBytes, 0, 'half of a transaction was kept');
    // The very last commits may not have been told any more.
    assert.ok(a.logBytes >= commits, `${commits} commits were told, ${a.logBytes} are there`);
    await store.transaction((tables) => tables.events.insert(sample('events', { id: id(`round ${round}`) })));
    await store.close();
    assertIntact(path);
  }
});

/** Writes pairs of events until there is no room; returns how many pairs were committed. */
async function fill(store: Store, from: number): Promise<number> {
  for (let pair = from; ; pair++) {
    try {
      await store.transaction(async (tables) => {
        for (const half of ['a', 'b'])
          await tables.events.insert(
            sample('events', { id: id(`${pair}${half}`), details: { text: 'x'.repeat(5000) } }),
          );
      });
    } catch (error) {
      assert.ok(error instanceof StoreUnavailable, String(error));
      assert.equal(error.reason, 'disk-full');
      return pair;
    }
  }
}

describe('on a full disk', () => {
  test('a write fails as disk-full with nothing half-written, and works again when rows have gone', async () => {
    const store = openSqliteStore({ path: ':memory:', maxBytes: 1024 * 1024 });
    const heard: string[] = [];
    store.onCommit((changes) => heard.push(...changes.map((change) => change.id)));
    const pairs = await fill(store, 0);
    assert.ok(pairs > 10);
    assert.equal(await store.read.events.count(), 2 * pairs);
    assert.equal(heard.length, 2 * pairs);
    await store.transaction((tables) => tables.events.delete({ id: { lt: id('2') } }));
    assert.ok((await fill(store, pairs)) > pairs);
    await store.close();
  });

  test('a work that overlooks the error cannot commit the rest', async () => {
    const store = openSqliteStore({ path: ':memory:', maxBytes: 1024 * 1024 });
    const transaction = store.transaction(async (tables) => {
      await tables.users.insert(sample('users'));
      const big = sample('events', { details: { text: 'x'.repeat(2_000_000) } });
      await tables.events.insert(big).catch(() => {});
      await tables.projects.insert(sample('projects')).catch(() => {});
    });
    await assert.rejects(transaction, (error) => error instanceof StoreUnavailable && error.reason === 'disk-full');
    assert.equal((await store.read.users.count()) + (await store.read.projects.count()), 0);
    await store.close();
  });

  const disk = join(root, 'disk');
  const mounted = mountSmallDisk(disk);
  test('a real one, with other files on it', {
    skip: !mounted && 'a small disk can be mounted by root only',
  }, async () => {
    try {
      const path = join(disk, 'berth.db');
      const other = join(disk, 'other');
      writeFileSync(other, Buffer.alloc(2 * 1024 * 1024));
      const store = openSqliteStore({ path });
      const pairs = await fill(store, 0);
      assert.equal(await store.read.events.count(), 2 * pairs);
      // It stays as it is, however often it is tried.
      assert.equal(await fill(store, pairs), pairs);
      assert.equal(await store.read.events.count(), 2 * pairs);
      rmSync(other);
      assert.ok((await fill(store, pairs)) > pairs + 10);
      await store.close();
      assertIntact(path);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

function mountSmallDisk(path: string): boolean {
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
