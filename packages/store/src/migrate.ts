/** Brings a database to today's schema, or refuses one that is not ours to touch. */
import { createHash } from 'node:crypto';
import { BerthError, type Clock, VERSION } from '@berth/core';
import { MIGRATIONS, type Migration } from './migrations/index.ts';
import { type Connection, patiently } from './sqlite-connection.ts';

const RECORDS = `CREATE TABLE IF NOT EXISTS "migrations" (
  "number" INTEGER NOT NULL PRIMARY KEY,
  "name" TEXT NOT NULL,
  "checksum" TEXT NOT NULL,
  "berth_version" TEXT NOT NULL,
  "applied_at" INTEGER NOT NULL
) STRICT`;

/** Of what the statements say; how they are laid out in the file does not count. */
export const checksum = (migration: Migration): string =>
  createHash('sha256').update(migration.sqlite.join(';').replace(/\s+/g, ' ')).digest('hex');

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
  readonly berthVersion: string;
}

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
  if (hasRecords(connection) && !nextMigration(connection, path, migrations)) return false;
  connection.exec('BEGIN IMMEDIATE');
  try {
    if (!hasRecords(connection)) {
      refuseForeignDatabase(connection, path);
      connection.exec(RECORDS);
    }
    const next = nextMigration(connection, path, migrations);
    if (next) {
      for (const statement of next.sqlite) connection.exec(statement);
      connection.run({
        sql: 'INSERT INTO "migrations" VALUES (?, ?, ?, ?, ?)',
        values: [next.number, next.name, checksum(next), VERSION, clock.now()],
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
  throw new BerthError('conflict', `${path} is a database of another program`, {
    hint: 'Give Berth a path of its own; it has not touched this file.',
  });
}

function nextMigration(connection: Connection, path: string, migrations: readonly Migration[]): Migration | null {
  const applied = connection
    .all({ sql: 'SELECT number, name, checksum, berth_version FROM "migrations" ORDER BY number', values: [] })
    .map(
      ([number, name, sum, version]): Applied => ({
        number: Number(number),
        name: String(name),
        checksum: String(sum),
        berthVersion: String(version),
      }),
    );
  for (const record of applied) {
    const known = migrations[record.number - 1];
    if (!known) {
      throw new BerthError(
        'conflict',
        `${path} was written by Berth ${record.berthVersion}, which is newer than this one (${VERSION}): its schema has number ${applied.length}, this Berth knows ${migrations.length}`,
        {
          hint: `Use Berth ${record.berthVersion} or later, or restore the copy of the database that was made before the upgrade.`,
          details: { schema: applied.length, known: migrations.length, writtenBy: record.berthVersion },
        },
      );
    }
    if (known.name !== record.name || checksum(known) !== record.checksum) {
      throw new BerthError(
        'conflict',
        `${path} was made by a Berth ${record.berthVersion} whose migration ${record.number} (${record.name}) differs from the one in this Berth (${VERSION})`,
        {
          hint: 'It comes from a development version: use that one again, or move the file away and start with a new database.',
          details: { migration: record.number, name: record.name },
        },
      );
    }
  }
  return migrations[applied.length] ?? null;
}
