/** Brings a schema of a Postgres database to today's tables, or refuses one that is not ours to touch. */
import { type Clock, VERSION } from '@berth/core';
import { DatabaseError } from 'pg';
import { postgres } from './dialect.ts';
import { type AppliedMigration, checksum, foreignDatabase, nextMigration } from './migration-records.ts';
import { MIGRATIONS, type Migration } from './migrations/index.ts';
import type { PostgresConnection } from './postgres-connection.ts';

const RECORDS = `CREATE TABLE "migrations" (
  "number" BIGINT NOT NULL PRIMARY KEY,
  "name" TEXT NOT NULL,
  "checksum" TEXT NOT NULL,
  "berth_version" TEXT NOT NULL,
  "applied_at" BIGINT NOT NULL
)`;

const UNDEFINED_COLUMN = '42703';
const HINT =
  'Give Berth a database or a schema of its own (?options=-c%20search_path%3DNAME); it has not touched this one.';

/**
 * Several servers may do this at once: the lock, which is that of all writers, makes them take turns.
 * @throws BerthError `conflict`: a newer Berth's database, a changed migration, or none of Berth's.
 */
export async function migratePostgres(
  connection: PostgresConnection,
  place: string,
  lockKey: bigint,
  clock: Clock,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  // Most starts have nothing to do, and need neither the lock nor the right to write to see it.
  const tables = await ownTables(connection);
  if (tables.includes('migrations') && !(await nextIn(connection, place, migrations))) return;
  await connection.exec(`BEGIN; SELECT pg_advisory_xact_lock(${lockKey})`);
  try {
    const present = await ownTables(connection);
    if (!present.includes('migrations')) {
      if (present.length > 0) throw foreignDatabase(place, HINT);
      await connection.exec(RECORDS);
    }
    for (
      let next = await nextIn(connection, place, migrations);
      next;
      next = await nextIn(connection, place, migrations)
    ) {
      for (const statement of next.postgres) await connection.exec(statement);
      await connection.all({
        sql: 'INSERT INTO "migrations" VALUES ($1, $2, $3, $4, $5)',
        values: [next.number, next.name, checksum(next, postgres), VERSION, clock.now()],
      });
    }
    await connection.exec('COMMIT');
  } catch (error) {
    if (!connection.lost) await connection.exec('ROLLBACK');
    throw error;
  }
}

/** Of the schema in which Berth would make its own. */
async function ownTables(connection: PostgresConnection): Promise<readonly unknown[]> {
  const rows = await connection.all({
    sql: `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
    values: [],
  });
  return rows.map(([name]) => name);
}

async function nextIn(
  connection: PostgresConnection,
  place: string,
  migrations: readonly Migration[],
): Promise<Migration | null> {
  const rows = await connection
    .all({ sql: 'SELECT number, name, checksum, berth_version FROM "migrations" ORDER BY number', values: [] })
    .catch((error: unknown) => {
      // Others call a table of theirs so, too.
      if (error instanceof DatabaseError && error.code === UNDEFINED_COLUMN) throw foreignDatabase(place, HINT, error);
      throw error;
    });
  const applied = rows.map(
    ([number, name, sum, version]): AppliedMigration => ({
      number: Number(number),
      name: String(name),
      checksum: String(sum),
      berthVersion: String(version),
    }),
  );
  return nextMigration(applied, migrations, postgres, place);
}
