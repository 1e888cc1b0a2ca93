/** Brings an SQLite database to today's schema, or refuses one that is not ours to touch. */
import { type Clock, VERSION } from '@berth/core';
import { sqlite } from './dialect.ts';
import { type AppliedMigration, checksum, foreignDatabase, nextMigration } from './migration-records.ts';
import { MIGRATIONS, type Migration } from './migrations/index.ts';
import { type Connection, patiently } from './sqlite-connection.ts';

const RECORDS = `CREATE TABLE IF NOT EXISTS "migrations" (
  "number" INTEGER NOT NULL PRIMARY KEY,
  "name" TEXT NOT NULL,
  "checksum" TEXT NOT NULL,
  "berth_version" TEXT NOT NULL,
  "applied_at" INTEGER NOT NULL
) STRICT`;

/**
 * Several processes may do this at once: each migration runs under the write lock, and what is
 * still to do is read again under it.
 * @throws BerthError `conflict`: a newer Berth's database, a changed migration, or none of Berth's.
 */
export function migrate(connection: Connection, path: string, clock: Clock, migrations = MIGRATIONS): void {
  while (patiently(() => migrateOnce(connection, path, clock, migrations)));
}

/** One migration in one transaction. False when nothing is left to do. */
function migrateOnce(connection: Connection, path: string, clock: Clock, migrations: readonly Migration[]): boolean {
  // Most starts have nothing to do, and need no lock to see it.
  if (hasRecords(connection) && !nextIn(connection, path, migrations)) return false;
  connection.exec('BEGIN IMMEDIATE');
  try {
    if (!hasRecords(connection)) {
      refuseForeignDatabase(connection, path);
      connection.exec(RECORDS);
    }
    const next = nextIn(connection, path, migrations);
    if (next) {
      for (const statement of next.sqlite) connection.exec(statement);
      connection.run({
        sql: 'INSERT INTO "migrations" VALUES (?, ?, ?, ?, ?)',
        values: [next.number, next.name, checksum(next, sqlite), VERSION, clock.now()],
      });
    }
    connection.exec('COMMIT');
    return next !== null;
  } catch (error) {
    if (connection.db.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

const tables = (connection: Connection): readonly unknown[] =>
  connection
    .all({ sql: `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`, values: [] })
    .map(([name]) => name);

const hasRecords = (connection: Connection): boolean => tables(connection).includes('migrations');

function refuseForeignDatabase(connection: Connection, path: string): void {
  if (tables(connection).length === 0) return;
  throw foreignDatabase(path, 'Give Berth a path of its own; it has not touched this file.');
}

function nextIn(connection: Connection, path: string, migrations: readonly Migration[]): Migration | null {
  const applied = connection
    .all({ sql: 'SELECT number, name, checksum, berth_version FROM "migrations" ORDER BY number', values: [] })
    .map(
      ([number, name, sum, version]): AppliedMigration => ({
        number: Number(number),
        name: String(name),
        checksum: String(sum),
        berthVersion: String(version),
      }),
    );
  return nextMigration(applied, migrations, sqlite, path);
}
