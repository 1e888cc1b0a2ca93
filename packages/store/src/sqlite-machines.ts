import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * How many machines a database of Berth holds, without opening it for work: 0 for a file that is not there or is none of
 * Berth's. For whoever is about to work on another database instead.
 */
export function machinesIn(path: string): number {
  if (!existsSync(path)) return 0;
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'instances'").get();
    if (tables === undefined) return 0;
    return Number(db.prepare(`SELECT count(*) AS n FROM "instances" WHERE "status" <> 'terminated'`).get()?.n ?? 0);
  } finally {
    db.close();
  }
}
