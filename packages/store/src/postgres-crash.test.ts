/** Claims about what is left, and what goes on, when a server, its database or the way between them fails. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openPostgresStore } from './postgres.ts';
import { type Store, StoreUnavailable } from './store.ts';
import { startPostgresProxy } from './testing/postgres-proxy.ts';
import { noPostgres, type PostgresServer, startPostgres } from './testing/postgres-server.ts';
import { id, SAMPLES, sample } from './testing/samples.ts';

const CHILD = fileURLToPath(new URL('testing/postgres-child.ts', import.meta.url));

describe('on a PostgreSQL that waits for the disk', { skip: noPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ durable: true });
  });
  after(() => server.remove());

  async function openWithPair(t: TestContext): Promise<{ readonly store: Store; readonly url: string }> {
    const url = server.url(await server.newSchema());
    const store = await openPostgresStore({ url });
    t.after(() => store.close());
    await store.transaction(async (tables) => {
      await tables.jobs.insert(sample('jobs', { id: id('a'), node: 0, logBytes: 0 }));
      await tables.jobs.insert(sample('jobs', { id: id('b'), node: 1, logBytes: 0 }));
    });
    return { store, url };
  }

  async function pair(store: Store): Promise<{ readonly a: number; readonly b: number }> {
    const [a, b] = await Promise.all([store.read.jobs.get('a'), store.read.jobs.get('b')]);
    assert.ok(a && b && a.logBytes !== null && b.logBytes !== null);
    return { a: a.logBytes, b: b.logBytes };
  }

  function startChild(
    url: string,
    ...args: string[]
  ): { readonly child: ChildProcess; readonly lines: () => string[] } {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, url, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    child.stdout?.on('data', (chunk) => {
      told += chunk;
    });
    // A line that was cut short tells nothing.
    return { child, lines: () => told.split('\n').slice(0, -1) };
  }

  async function until(claim: () => boolean): Promise<void> {
    for (const end = Date.now() + 20_000; !claim(); await sleep(5))
      assert.ok(Date.now() < end, 'it never came to that');
  }

  for (const way of ['stop', 'kill'] as const)
    test(`after a ${way} of the database under load, what was told as committed is there, once, and the store goes on by itself`, async (t) => {
      const { store } = await openWithPair(t);
      let missed = 0;
      store.onCommit(
        () => {},
        () => missed++,
      );
      let committed = 0;
      let busy = true;
      const writers = Array.from({ length: 5 }, async () => {
        while (busy) {
          await store.transaction(async (tables) => {
            const [a, b] = [await tables.jobs.get('a'), await tables.jobs.get('b')];
            assert.ok(a && b);
            await tables.jobs.update('a', a.version, { logBytes: (a.logBytes ?? 0) + 1 });
            await tables.jobs.update('b', b.version, { logBytes: (b.logBytes ?? 0) - 1 });
          });
          committed++;
        }
      });
      const readers = Array.from({ length: 3 }, async () => {
        while (busy) assert.equal(await store.read.jobs.count(), 2);
      });
      const goesOn = async (ends: number) => {
        const before = committed;
        await until(() => committed > before + 20 && missed === ends);
      };
      for (let round = 0; round < 3; round++) {
        await goesOn(round);
        await server[way]();
        await server.start();
      }
      await goesOn(3);
      busy = false;
      await Promise.all([...writers, ...readers]);
      // Not one less, and not one that was done twice because its answer was lost.
      assert.deepEqual(await pair(store), { a: committed, b: -committed });
    });

  test('after kill -9 of a server in the middle of a transaction, every told commit is there and nothing of the last one', async (t) => {
    const { store, url } = await openWithPair(t);
    for (let round = 0; round < 3; round++) {
      const { child, lines } = startChild(url);
      await until(() => lines().length > 3);
      await sleep(round * 11);
      const exit = once(child, 'close');
      child.kill('SIGKILL');
      await exit;
      // Others need not wait for it.
      await store.transaction((tables) => tables.events.insert(sample('events', { id: id(`round ${round}`) })));
      const { a, b } = await pair(store);
      assert.equal(a + b, 0, 'half of a transaction was kept');
      assert.ok(a >= Number(lines().at(-1)), 'a commit that was told is missing');
    }
  });

  test('a server that is stopped in the middle of a transaction holds nobody up for long, and begins again when it wakes', async (t) => {
    const { store, url } = await openWithPair(t);
    const { child, lines } = startChild(url, 'slowly');
    await until(() => lines().includes('in the middle'));
    child.kill('SIGSTOP');
    const startedAt = Date.now();
    // What the sleeper has not touched is free at once; its rows are when the database has ended its connection.
    await store.transaction((tables) => tables.users.insert(SAMPLES.users));
    assert.ok(Date.now() - startedAt < 2_000);
    await store.transaction(async (tables) => {
      const row = await tables.jobs.get('a');
      assert.ok(row);
      await tables.jobs.update('a', row.version, { logBytes: 1_000 });
    });
    assert.ok(Date.now() - startedAt < 9_000);
    child.kill('SIGCONT');
    await until(() => lines().length >= 3 && /^\d+$/.test(lines().at(-1) ?? ''));
    const exit = once(child, 'close');
    child.kill('SIGKILL');
    await exit;
    const { a, b } = await pair(store);
    assert.equal(a - 1_000, -b, 'what it had read before it was stopped was written afterwards');
  });

  describe('a connection that is lost at the commit', () => {
    async function throughProxy(
      t: TestContext,
      claim: (store: Store, proxy: Awaited<ReturnType<typeof startPostgresProxy>>, direct: Store) => Promise<void>,
    ): Promise<void> {
      const { store: direct, url } = await openWithPair(t);
      const folder = new URL(url).searchParams.get('host');
      assert.ok(folder);
      const proxy = await startPostgresProxy(folder);
      const store = await openPostgresStore({ url: url.replace(folder, proxy.folder), patienceMs: 300 });
      try {
        await claim(store, proxy, direct);
      } finally {
        proxy.close();
        await store.close();
      }
    }

    for (const [how, calls] of [
      ['request lost', 2],
      ['answer lost', 1],
    ] as const)
      test(`(${how}) is made good: the work is done once`, (t) =>
        throughProxy(t, async (store, proxy) => {
          let called = 0;
          const heard: string[] = [];
          store.onCommit((changes) => heard.push(...changes.map((change) => change.id)));
          proxy.spoilNextCommit(how);
          const row = await store.transaction(async (tables) => {
            called++;
            return tables.events.insert(sample('events', { id: id(`e${called}`) }));
          });
          assert.equal(proxy.spoiled, 1);
          assert.equal(called, calls);
          assert.deepEqual(await store.read.events.find(), [row]);
          assert.deepEqual(heard, [row.id]);
        }));

    test('and cannot be made again is an unknown outcome, and the work is not repeated', (t) =>
      throughProxy(t, async (store, proxy, direct) => {
        let called = 0;
        proxy.spoilNextCommit('answer lost for good');
        const transaction = store.transaction(async (tables) => {
          called++;
          await tables.events.insert(SAMPLES.events);
        });
        await assert.rejects(
          transaction,
          (error) => error instanceof StoreUnavailable && error.reason === 'unknown-outcome',
        );
        assert.equal(called, 1);
        assert.equal(await direct.read.events.count(), 1);
        await assert.rejects(
          store.transaction(async () => {}),
          (error) => error instanceof StoreUnavailable && error.reason === 'unreachable',
        );
        await assert.rejects(
          store.read.events.count(),
          (error) => error instanceof StoreUnavailable && error.reason === 'unreachable',
        );
      }));
  });
});
