/**
 * Tells what became of a commit whose answer was lost. Each writer has a row of its own, in which every
 * transaction leaves its number. (The transaction ids of Postgres do not tell: those that a crash has
 * swallowed are given out again.)
 */
import type { PostgresConnection } from './postgres-connection.ts';
import type { Statement } from './sql.ts';

/** Goes into the transaction, before its commit. */
export const markStatement = (writer: string, number: number): Statement => ({
  sql: `INSERT INTO "writers" ("id", "number", "at") VALUES ($1, $2, now())
        ON CONFLICT ("id") DO UPDATE SET "number" = excluded."number", "at" = excluded."at"`,
  values: [writer, number],
});

/**
 * Whether the transaction of that number has been committed; when not, it never will be. It waits for one
 * that is still under way, and one that has not marked itself yet is refused when it tries, because the row
 * is a newer one than it can see.
 */
export async function hasCommitted(connection: PostgresConnection, writer: string, number: number): Promise<boolean> {
  const [row] = await connection.all({
    sql: `INSERT INTO "writers" ("id", "number", "at") VALUES ($1, 0, now())
          ON CONFLICT ("id") DO UPDATE SET "number" = "writers"."number" RETURNING "number"`,
    values: [writer],
  });
  return Number(row?.[0]) === number;
}

/** Removes the rows of those who cannot be in doubt any more. */
export async function forgetOldWriters(connection: PostgresConnection): Promise<void> {
  // A database that can only be read keeps them; nothing depends on it.
  await connection.exec(`DELETE FROM "writers" WHERE "at" < now() - interval '1 day'`).catch(() => {});
}
