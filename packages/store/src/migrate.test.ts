import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { BerthError, VERSION } from '@berth/core';
import { sqlite } from './dialect.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS, type Migration } from './migrations/index.ts';
import { createStatements } from './sql.ts';
import { openSqliteStore } from './sqlite.ts';
import { Connection, connect } from './sqlite-connection.ts';
import { tableShape } from './table-shape.ts';
import { TABLE_NAMES } from './tables.ts';
import { insertSamples } from './testing/samples.ts';

const root = mkdtempSync(join(tmpdir(), 'berth-migrate-'));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(root, `${++files}.db`);
const clock = { now: () => 7 };

const RELEASED = new URL('migrations/released/', import.meta.url);
const dumps = readdirSync(RELEASED).filter((name) => name.endsWith('.sql'));

/** What counts of a schema: a column's default and place may differ with the way that led to it. */
function structure(db: DatabaseSync): object {
  const tables = db
    .prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations' ORDER BY name",
    )
    .all();
  return tables.map(({ name, sql }) => ({
    name,
    strict: /STRICT\s*$/.test(String(sql)),
    columns: db.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY name').all(String(name)),
    indexes: db
      .prepare(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name",
      )
      .all(String(name)),
  }));
}

function structureOfTables(): object {
  const db = new DatabaseSync(':memory:');
  for (const name of TABLE_NAMES) for (const sql of createStatements(sqlite, tableShape(name))) db.exec(sql);
  const found = structure(db);
  db.close();
  return found;
}

function load(dump: string): string {
  const path = newPath();
  const db = new DatabaseSync(path);
  db.exec(readFileSync(new URL(dump, RELEASED), 'utf8'));
  db.close();
  return path;
}

const rowsOf = (db: DatabaseSync, table: string) => db.prepare(`SELECT * FROM "${table}" ORDER BY id`).all();

describe('migrations', () => {
  test('are numbered from 1 without gaps', () => {
    assert.deepEqual(
      MIGRATIONS.map((migration) => migration.number),
      MIGRATIONS.map((_, i) => i + 1),
    );
  });

  test('lead to exactly what tables.ts says', () => {
    const connection = connect(':memory:', 'writer');
    migrate(connection, ':memory:', clock);
    assert.deepEqual(structure(connection.db), structureOfTables(), 'change both: tables.ts and a new migration');
  });

  test('this version has its dump (migrations/write-release.ts)', () => {
    assert.ok(existsSync(new URL(`v${VERSION}.sql`, RELEASED)));
  });

  for (const dump of dumps) {
    test(`bring a database of ${dump.replace('.sql', '')} to this version, with all its rows`, async () => {
      const path = load(dump);
      const before = new DatabaseSync(path);
      const tables = before
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migrations'")
        .all();
      const old = tables.map(({ name }) => ({ name: String(name), rows: rowsOf(before, String(name)) }));
      before.close();
      for (const { name, rows } of old)
        assert.ok(rows.length > 0, `${dump} has no row of ${name} to prove anything with`);

      const store = openSqliteStore({ path, clock });
      for (const name of TABLE_NAMES) {
        const expected = old.find((table) => table.name === name)?.rows.length ?? 0;
        assert.equal((await store.read[name].find()).length, expected);
      }
      await store.close();

      const now = new DatabaseSync(path);
      assert.deepEqual(structure(now), structureOfTables());
      for (const { name, rows } of old) {
        const kept = rowsOf(now, name);
        for (const [i, row] of rows.entries()) {
          const shared = Object.entries(row).filter(([column]) => column in (kept[i] ?? {}));
          assert.deepEqual(
            Object.fromEntries(shared.map(([column]) => [column, kept[i]?.[column]])),
            Object.fromEntries(shared),
          );
        }
      }
      now.close();
    });
  }

  test('0002: a job that runs was told to start when it started', async () => {
    const path = load('v0.1.0.sql');
    const before = new DatabaseSync(path);
    before.exec(`UPDATE jobs SET started_at = 5`);
    before.close();
    const store = openSqliteStore({ path, clock });
    assert.equal((await store.read.jobs.get('j1'))?.startOrderedAt, 5);
    assert.deepEqual((await store.read.instances.get('i1'))?.hedgeOf, null);
    await store.close();
  });

  test('are recorded, and not repeated', async () => {
    const path = newPath();
    for (let i = 0; i < 2; i++) {
      const store = openSqliteStore({ path, clock });
      if (i === 0) await insertSamples(store);
      assert.equal(await store.read.runs.count(), 1);
      await store.close();
    }
    const db = new DatabaseSync(path);
    const records = db.prepare('SELECT number, berth_version, applied_at FROM migrations').all();
    db.close();
    assert.deepEqual(
      records.map((record) => ({ ...record })),
      MIGRATIONS.map(({ number }) => ({ number, berth_version: VERSION, applied_at: 7 })),
    );
  });

  test('a migration that fails leaves nothing behind, and can be tried again', () => {
    const connection = new Connection(new DatabaseSync(newPath()));
    const next = (...sqlite: string[]): Migration[] => [
      ...MIGRATIONS,
      { number: MIGRATIONS.length + 1, name: 'next', sqlite, postgres: [] },
    ];
    const failing = next('CREATE TABLE "more" ("id" TEXT) STRICT', 'CREATE TABLE "more" ("id" TEXT) STRICT');
    assert.throws(() => migrate(connection, 'x', clock, failing), /more.* already exists/);
    const has = () => connection.all({ sql: "SELECT name FROM sqlite_schema WHERE name = 'more'", values: [] }).length;
    assert.equal(has(), 0);
    migrate(connection, 'x', clock, next('CREATE TABLE "more" ("id" TEXT) STRICT'));
    assert.equal(has(), 1);
    connection.close();
  });

  test('a database of a newer Berth is refused, with what to do, and is not touched', async () => {
    const path = newPath();
    await openSqliteStore({ path }).close();
    const db = new DatabaseSync(path);
    db.exec(`INSERT INTO migrations VALUES (${MIGRATIONS.length + 1}, 'later', 'abc', '9.9.9', 0)`);
    db.close();
    assert.throws(
      () => openSqliteStore({ path }),
      (error) => {
        assert.ok(error instanceof BerthError);
        assert.equal(error.code, 'conflict');
        assert.match(error.message, /Berth 9\.9\.9, which is newer/);
        assert.match(error.hint ?? '', /Use Berth 9\.9\.9 or later/);
        return true;
      },
    );
  });

  test('a database whose migrations were others is refused', async () => {
    const path = newPath();
    await openSqliteStore({ path }).close();
    const db = new DatabaseSync(path);
    db.exec("UPDATE migrations SET checksum = 'abc' WHERE number = 1");
    db.close();
    assert.throws(
      () => openSqliteStore({ path }),
      (error) =>
        error instanceof BerthError &&
        error.code === 'conflict' &&
        /migration 1 \(initial\) differs/.test(error.message),
    );
  });

  test('a process that opens waits for another one that is still at it', async () => {
    const path = newPath();
    const script = `
      import { DatabaseSync } from 'node:sqlite';
      const db = new DatabaseSync(${JSON.stringify(path)});
      db.exec('PRAGMA journal_mode = WAL; BEGIN IMMEDIATE');
      console.log('locked');
      setTimeout(() => db.exec('ROLLBACK'), 300);
    `;
    const other = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(other.stdout, 'data');
    const store = openSqliteStore({ path });
    assert.equal(await store.read.users.count(), 0);
    await store.close();
    await once(other, 'exit');
  });

  test('several processes that open the same new file at once all succeed', async () => {
    const path = newPath();
    const script = `
      import { openSqliteStore } from ${JSON.stringify(new URL('sqlite.ts', import.meta.url).href)};
      while (Date.now() < ${Date.now() + 700});
      const store = openSqliteStore({ path: ${JSON.stringify(path)} });
      console.log(await store.read.users.count());
      await store.close();
    `;
    const open = () =>
      promisify(execFile)(process.execPath, [
        '--disable-warning=ExperimentalWarning',
        '--input-type=module',
        '-e',
        script,
      ]);
    const outcomes = await Promise.all([open(), open(), open(), open()]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.stdout + outcome.stderr),
      ['0\n', '0\n', '0\n', '0\n'],
    );
  });
});
