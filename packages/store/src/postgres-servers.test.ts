/** Claims about several servers on one database: here, several stores. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgresStore, type PostgresOptions } from './postgres.ts';
import { type RowChange, StaleRow, type Store } from './store.ts';
import { noPostgres, type PostgresServer, startPostgres } from './testing/postgres-server.ts';
import { id, SAMPLES, sample } from './testing/samples.ts';

/** Waits until the claim holds; what crosses the database comes a moment later. */
async function soon(claim: () => void): Promise<void> {
  for (const until = Date.now() + 5_000; ; await sleep(5)) {
    try {
      return claim();
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

describe('servers on one PostgreSQL', { skip: noPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.remove());

  /** `claim` gets so many stores on one new schema. */
  async function among(
    count: number,
    claim: (stores: readonly [Store, Store, ...Store[]], schema: string) => Promise<void>,
    options: Partial<PostgresOptions> = {},
  ): Promise<void> {
    const schema = await server.newSchema();
    const open = () => openPostgresStore({ url: server.url(schema), ...options });
    const stores = await Promise.all([open(), open(), ...Array.from({ length: count - 2 }, open)] as const);
    try {
      await claim(stores, schema);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  }

  test('hear of each other’s commits, and of their own only once', () =>
    among(3, async (stores) => {
      const heard = stores.map((store) => {
        const changes: RowChange[] = [];
        store.onCommit((told) => changes.push(...told));
        return changes;
      });
      await stores[0].transaction(async (tables) => {
        await tables.users.insert(SAMPLES.users);
        await tables.users.update('u1', 1, { email: 'a@b' });
      });
      const expected = [{ table: 'users', id: 'u1' }];
      assert.deepEqual(heard[0], expected);
      await soon(() => assert.deepEqual(heard, [expected, expected, expected]));
      await stores[1].transaction((tables) => tables.users.delete({ id: id('u1') }));
      const both = [...expected, ...expected];
      await soon(() => assert.deepEqual(heard, [both, both, both]));
    }));

  test('hear nothing of what was rolled back', () =>
    among(2, async ([a, b]) => {
      const heard: unknown[] = [];
      b.onCommit((changes) => heard.push(...changes));
      b.onAnnouncement((message) => heard.push(message));
      const failing = a.transaction(async (tables, commit) => {
        await tables.users.insert(SAMPLES.users);
        commit.announce('lost');
        throw new Error('no');
      });
      await assert.rejects(failing, /no/);
      await a.transaction(async (_tables, commit) => commit.announce('kept'));
      await soon(() => assert.deepEqual(heard, ['kept']));
    }));

  test('hear of a commit of thousands of rows, each of them once', () =>
    among(2, async ([a, b]) => {
      const heard: string[] = [];
      b.onCommit((changes) => heard.push(...changes.map((change) => change.id)));
      const ids = Array.from({ length: 3_000 }, (_, i) => `event-${String(i).padStart(6, '0')}`);
      await a.transaction(async (tables) => {
        for (const event of ids) await tables.events.insert(sample('events', { id: id(event) }));
      });
      await soon(() => assert.deepEqual(heard, ids));
    }));

  test('are told that they missed something when more was changed than can be told', () =>
    among(2, async ([a, b], schema) => {
      await a.transaction((tables) => tables.events.insert(SAMPLES.events));
      const columns = `"project_id", "at", "actor", "kind", "message", "target_kind", "target_id", "target_name", "run_id", "details"`;
      await server.query(
        `INSERT INTO ${schema}.events ("id", ${columns})
         SELECT 'an-event-with-a-long-id-' || n, ${columns} FROM ${schema}.events, generate_series(1, 20000) AS n`,
      );
      let missed = 0;
      const told: RowChange[] = [];
      b.onCommit(
        (changes) => told.push(...changes),
        () => missed++,
      );
      assert.equal(await a.transaction((tables) => tables.events.delete({ at: SAMPLES.events.at })), 20_001);
      await soon(() => assert.equal(missed, 1));
      assert.ok(told.length <= 1, 'half of it was told');
    }));

  test('hear announcements of each other, with any text, their own once', () =>
    among(2, async ([a, b]) => {
      const heard: string[][] = [[], []];
      for (const [i, store] of [a, b].entries()) store.onAnnouncement((message) => heard[i]?.push(message));
      const text = `two words "quoted" é 🚢 \n ${'"'.repeat(3_900)}`;
      await a.transaction(async (_tables, commit) => commit.announce(text));
      await soon(() => assert.deepEqual(heard, [[text], [text]]));
      b.announce('');
      await soon(() =>
        assert.deepEqual(heard, [
          [text, ''],
          [text, ''],
        ]),
      );
    }));

  test('in another schema are not heard', () =>
    among(2, async ([a]) =>
      among(2, async ([other, another]) => {
        const heard: unknown[] = [];
        a.onCommit((changes) => heard.push(...changes));
        a.onAnnouncement((message) => heard.push(message));
        const told = Promise.withResolvers<string>();
        another.onAnnouncement(told.resolve);
        await other.transaction(async (tables, commit) => {
          await tables.users.insert(SAMPLES.users);
          commit.announce('not for a');
        });
        assert.equal(await told.promise, 'not for a');
        assert.equal(await a.read.users.count(), 0);
        await sleep(20);
        assert.deepEqual(heard, []);
      }),
    ));

  test('cannot both take what is there once: whoever looks first and adds then, is as if alone', () =>
    among(4, async (stores) => {
      for (let round = 0; round < 25; round++) {
        await stores[0].transaction((tables) => tables.users.delete({ id: { not: id('') } }));
        const added = await Promise.all(
          stores.map((store, i) =>
            store.transaction(async (tables) => {
              if ((await tables.users.count()) >= 2) return false;
              await tables.users.insert(sample('users', { id: id(`u${i}`), name: `u${i}` }));
              return true;
            }),
          ),
        );
        assert.equal(added.filter(Boolean).length, 2);
        assert.equal(await stores[0].read.users.count(), 2);
      }
    }));

  test('that change one row all the time lose no change, and none of them starves', () =>
    among(4, async (stores) => {
      await stores[0].transaction((tables) => tables.runs.insert(SAMPLES.runs));
      let calls = 0;
      await Promise.all(
        stores.map(async (store) => {
          for (let i = 0; i < 50; i++)
            await store.transaction(async (tables) => {
              calls++;
              const row = await tables.runs.get('r1');
              assert.ok(row);
              await tables.runs.update('r1', row.version, { submission: row.submission + 1 });
            });
        }),
      );
      assert.equal((await stores[1].read.runs.get('r1'))?.submission, 200);
      assert.ok(calls > 200, 'the claim was not put to the test');
    }));

  test('a row that another server has changed is stale', () =>
    among(2, async ([a, b]) => {
      const row = await a.transaction((tables) => tables.users.insert(SAMPLES.users));
      await b.transaction((tables) => tables.users.update('u1', row.version, { email: 'a@b' }));
      await assert.rejects(
        a.transaction((tables) => tables.users.update('u1', row.version, { email: 'lost' })),
        StaleRow,
      );
    }));

  test('a transaction sees whatever was heard before it was asked for, also among many others', () =>
    among(2, async ([a, b]) => {
      const seen: Promise<boolean>[] = [];
      b.onCommit((changes) => {
        for (const change of changes)
          if (change.table === 'events')
            seen.push(b.transaction(async (tables) => (await tables.events.get(change.id)) !== null));
      });
      let busy = true;
      const others = Array.from({ length: 8 }, async () => {
        while (busy) await b.transaction((tables) => tables.users.count());
      });
      for (let i = 0; i < 100; i++)
        await a.transaction((tables) => tables.events.insert(sample('events', { id: id(`e${i}`) })));
      await soon(() => assert.equal(seen.length, 100));
      busy = false;
      await Promise.all(others);
      assert.ok((await Promise.all(seen)).every(Boolean));
    }));

  test('are told that they missed something when the database could not be heard, and hear again', () =>
    among(2, async ([a, b]) => {
      const missed: string[] = [];
      b.onCommit(
        () => {},
        () => missed.push('commits'),
      );
      b.onAnnouncement(
        () => {},
        () => missed.push('announcements'),
      );
      await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'`);
      await soon(() => assert.deepEqual(missed, ['commits', 'announcements']));
      const heard: RowChange[] = [];
      b.onCommit((changes) => heard.push(...changes));
      await a.transaction((tables) => tables.users.insert(SAMPLES.users));
      await soon(() => assert.deepEqual(heard, [{ table: 'users', id: 'u1' }]));
    }));

  test('work that waits for something else than its tables is rolled back when its time is over, and others go on', () =>
    among(
      2,
      async ([a, b]) => {
        const never = new Promise<never>(() => {});
        const inserted = Promise.withResolvers<void>();
        const stuck = a.transaction(async (tables) => {
          await tables.users.insert(SAMPLES.users);
          inserted.resolve();
          await never;
        });
        stuck.catch(() => {}); // Awaited below.
        const next = a.transaction((tables) => tables.users.insert(sample('users', { id: id('u2'), name: 'bob' })));
        await inserted.promise;
        // Of the same name as the one that will be rolled back: it waits for it, and that is not held against it.
        const elsewhere = b.transaction((tables) => tables.users.insert(sample('users', { id: id('u3') })));
        await assert.rejects(stuck, { name: 'TransactionMisuse', message: /200 ms/ });
        await Promise.all([next, elsewhere]);
        assert.deepEqual(
          (await a.read.users.find()).map((user) => user.id),
          ['u2', 'u3'],
        );
      },
      { maxTransactionMs: 200 },
    ));

  test('a work that overlooks what the database has refused cannot commit the rest', () =>
    among(2, async ([a]) => {
      const transaction = a.transaction(async (tables) => {
        await tables.users.insert(SAMPLES.users);
        // No index of PostgreSQL holds so much.
        const name = Array.from({ length: 3_000 }, (_, i) => `${i ** 5}`).join('-');
        await tables.projects.insert(sample('projects', { name })).catch(() => {});
        await tables.events.insert(SAMPLES.events).catch(() => {});
      });
      await assert.rejects(transaction, /index/);
      assert.equal((await a.read.users.count()) + (await a.read.events.count()), 0);
    }));
});
