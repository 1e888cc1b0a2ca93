/** Claims about what a database must be, what becomes of its schema, and what is said when it cannot be used. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BerthError, Secret, VERSION } from '@berth/core';
import { postgres } from './dialect.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { openPostgresStore } from './postgres.ts';
import { PostgresConnection } from './postgres-connection.ts';
import { migratePostgres } from './postgres-migrate.ts';
import { createStatements } from './sql.ts';
import { StoreUnavailable } from './store.ts';
import { tableShape } from './table-shape.ts';
import { TABLE_NAMES } from './tables.ts';
import { noPostgres, type PostgresServer, startPostgres } from './testing/postgres-server.ts';
import { id, insertSamples, SAMPLES, sample } from './testing/samples.ts';

const clock = { now: () => 7 };
const LOCK = 1n;

describe('a PostgreSQL database', { skip: noPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.remove());

  const connect = (schema: string) =>
    PostgresConnection.open({ url: server.url(schema), idleInTransactionMs: 0, lockMs: 0, patienceMs: 0 });

  /** What counts of a schema: columns and indexes, without the name of the schema. */
  async function structure(schema: string): Promise<unknown> {
    const columns = await server.query(
      `SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns
       WHERE table_schema = '${schema}' AND table_name NOT IN ('migrations', 'writers') ORDER BY 1, 2`,
    );
    const indexes = await server.query(
      `SELECT indexname, replace(indexdef, '${schema}.', '') AS def FROM pg_indexes
       WHERE schemaname = '${schema}' AND tablename NOT IN ('migrations', 'writers') ORDER BY 1`,
    );
    return { columns, indexes };
  }

  const refused = async (schema: string, code: string, message: RegExp) => {
    const before = await server.query(`SELECT count(*) FROM pg_class`);
    await assert.rejects(openPostgresStore({ url: server.url(schema) }), (error) => {
      assert.ok(error instanceof BerthError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(error.hint);
      return true;
    });
    assert.deepEqual(await server.query(`SELECT count(*) FROM pg_class`), before, 'something was made');
  };

  test('is brought to exactly what tables.ts says', async () => {
    const schema = await server.newSchema();
    await (await openPostgresStore({ url: server.url(schema) })).close();
    const expected = await server.newSchema();
    const connection = await connect(expected);
    for (const name of TABLE_NAMES)
      for (const sql of createStatements(postgres, tableShape(name))) await connection.exec(sql);
    await connection.close();
    assert.deepEqual(
      await structure(schema),
      await structure(expected),
      'change both: tables.ts and a new migration, or, until its first release, migrations/write-postgres-schema.ts',
    );
  });

  test('keeps its rows from one opening to the next; migrations are recorded and not repeated', async () => {
    const schema = await server.newSchema();
    for (let i = 0; i < 2; i++) {
      const store = await openPostgresStore({ url: new Secret(server.url(schema)), clock });
      if (i === 0) await insertSamples(store);
      assert.deepEqual(await store.read.runs.find(), [{ ...SAMPLES.runs, version: 1 }]);
      await store.close();
    }
    assert.deepEqual(
      await server.query(
        `SELECT number::int, berth_version, applied_at::int FROM ${schema}.migrations ORDER BY number`,
      ),
      MIGRATIONS.map(({ number }) => ({ number, berth_version: VERSION, applied_at: 7 })),
    );
  });

  test('that several servers open at once is brought up to date once', async () => {
    const schema = await server.newSchema();
    const stores = await Promise.all(
      Array.from({ length: 4 }, () => openPostgresStore({ url: server.url(schema), clock })),
    );
    await insertSamples(stores[0] ?? assert.fail());
    for (const store of stores) {
      assert.equal(await store.read.runs.count(), 1);
      await store.close();
    }
  });

  test('is left as it was by a migration that fails, which can be tried again', async () => {
    const schema = await server.newSchema();
    const connection = await connect(schema);
    const next = (...postgres: string[]) => [
      ...MIGRATIONS,
      { number: MIGRATIONS.length + 1, name: 'next', sqlite: [], postgres },
    ];
    const create = 'CREATE TABLE "more" ("id" TEXT)';
    await assert.rejects(migratePostgres(connection, 'x', LOCK, clock, next(create, create)), /more.* already exists/);
    assert.deepEqual(await server.query(`SELECT tablename FROM pg_tables WHERE schemaname = '${schema}'`), []);
    await migratePostgres(connection, 'x', LOCK, clock, next(create));
    await migratePostgres(connection, 'x', LOCK, clock, next(create));
    await connection.close();
  });

  test('of a newer Berth is refused, with what to do', async () => {
    const schema = await server.newSchema();
    await (await openPostgresStore({ url: server.url(schema) })).close();
    await server.query(
      `INSERT INTO ${schema}.migrations VALUES (${MIGRATIONS.length + 1}, 'later', 'abc', '9.9.9', 0)`,
    );
    await refused(schema, 'conflict', /database postgres, schema \w+ was written by Berth 9\.9\.9, which is newer/);
  });

  test('whose migrations were others is refused', async () => {
    const schema = await server.newSchema();
    await (await openPostgresStore({ url: server.url(schema) })).close();
    await server.query(`UPDATE ${schema}.migrations SET checksum = 'abc' WHERE number = 2`);
    await refused(schema, 'conflict', /migration 2 \(safe machines\) differs/);
  });

  test('of another program is refused, also one that counts its migrations in a table of that name', async () => {
    for (const sql of ['recipes (name TEXT)', 'migrations (version TEXT)']) {
      const schema = await server.newSchema();
      await server.query(`CREATE TABLE ${schema}.${sql}`);
      await refused(schema, 'conflict', /is a database of another program/);
    }
  });

  test('without the schema that is asked for is refused', () => refused('nowhere', 'conflict', /search_path/));

  test('that cannot hold all text is refused', async () => {
    await server.query(`CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
    await assert.rejects(
      openPostgresStore({ url: server.url().replace('/postgres?', '/latin?') }),
      (error) => error instanceof BerthError && error.code === 'conflict' && /LATIN1/.test(error.message),
    );
  });

  test('that can only be read refuses writes as such and goes on answering', async () => {
    const schema = await server.newSchema();
    await (await openPostgresStore({ url: server.url(schema) })).close();
    const store = await openPostgresStore({ url: server.url(schema, ['default_transaction_read_only=on']) });
    for (let i = 0; i < 2; i++)
      await assert.rejects(
        store.transaction((tables) => tables.users.insert(SAMPLES.users)),
        (error) => error instanceof StoreUnavailable && error.reason === 'read-only',
      );
    assert.equal(await store.read.users.count(), 0);
    await store.close();
  });

  test('that is away, or does not let us in, is unavailable with a reason that names no password', async () => {
    const url = server.url();
    const cases = [
      [url.replace(/host=[^&]+/, 'host=/nowhere').replace('berth@', 'berth:hush-hush@'), 'unreachable', /nowhere/],
      ['postgresql://berth:hush-hush@127.0.0.1:1/postgres', 'unreachable', /ECONNREFUSED/],
      [url.replace('berth@', 'mallory:hush-hush@'), 'other', /role "mallory" does not exist/],
      [url.replace('/postgres?', '/atlantis?'), 'other', /database "atlantis" does not exist/],
    ] as const;
    for (const [away, reason, message] of cases)
      await assert.rejects(openPostgresStore({ url: away, patienceMs: 50 }), (error) => {
        assert.ok(error instanceof StoreUnavailable, String(error));
        assert.equal(error.reason, reason);
        assert.match(error.message, message);
        assert.doesNotMatch(`${error.message} ${JSON.stringify(error)} ${String(error.stack)}`, /hush-hush/);
        return true;
      });
  });

  test('with no connection left is busy, and serves again when there is one', async () => {
    await server.query('CREATE ROLE crowd LOGIN CONNECTION LIMIT 3');
    const schema = await server.newSchema();
    await server.query(`GRANT ALL ON SCHEMA ${schema} TO crowd`);
    const url = server.url(schema).replace('berth@', 'crowd@');
    const store = await openPostgresStore({ url, maxConnections: 3, patienceMs: 200 });
    const busy = (error: unknown) => error instanceof StoreUnavailable && error.reason === 'busy';
    await store.transaction((tables) => tables.users.insert(SAMPLES.users));
    assert.equal(await store.read.users.count(), 1);
    await assert.rejects(openPostgresStore({ url, patienceMs: 50 }), busy);
    await store.close();
    await (await openPostgresStore({ url, maxConnections: 3 })).close();
  });

  test('on a full disk refuses writes as such, with nothing half-written, and works again when there is room', {
    skip: process.getuid?.() !== 0 && 'a small disk can be mounted by root only',
  }, async (t) => {
    const disk = mkdtempSync(join(tmpdir(), 'berth-pg-disk-'));
    try {
      const { uid, gid } = statSync(new URL(server.url()).searchParams.get('host') ?? '');
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=8m,uid=${uid},gid=${gid},mode=700`, 'tmpfs', disk], {
        stdio: 'ignore',
      });
    } catch {
      rmSync(disk, { recursive: true });
      return t.skip('a small disk cannot be mounted here');
    }
    try {
      const ballast = join(disk, 'ballast');
      writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024));
      await server.query(`CREATE TABLESPACE small LOCATION '${disk}'`);
      const schema = await server.newSchema();
      const store = await openPostgresStore({ url: server.url(schema, ['default_tablespace=small']) });
      // Not compressible, or Postgres would make it small.
      const details = () => ({ text: randomBytes(3_000).toString('base64') });
      const fill = async (from: number): Promise<number> => {
        for (let pair = from; ; pair++) {
          try {
            await store.transaction(async (tables) => {
              for (const half of ['a', 'b'])
                await tables.events.insert(sample('events', { id: id(`${pair}${half}`), details: details() }));
            });
          } catch (error) {
            assert.ok(error instanceof StoreUnavailable, String(error));
            assert.equal(error.reason, 'disk-full');
            return pair;
          }
        }
      };
      const pairs = await fill(0);
      assert.ok(pairs > 10);
      assert.equal(await store.read.events.count(), 2 * pairs);
      rmSync(ballast);
      assert.ok((await fill(pairs)) > pairs + 10);
      await store.close();
      await server.query(`DROP SCHEMA ${schema} CASCADE`);
      await server.query('DROP TABLESPACE small');
    } finally {
      execFileSync('umount', [disk]);
      rmSync(disk, { recursive: true });
    }
  });
});
