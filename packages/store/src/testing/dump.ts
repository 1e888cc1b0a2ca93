/** A database as SQL text, with its rows: how schemas of released versions are kept for the tests of migrations. */
import type { DatabaseSync } from 'node:sqlite';

export function dump(db: DatabaseSync): string {
  const objects = db
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'table' DESC, rowid")
    .all();
  const lines: string[] = [];
  for (const { type, name, sql } of objects) {
    lines.push(`${sql};`);
    if (type !== 'table') continue;
    const columns = db.prepare(`SELECT name FROM pragma_table_info(?)`).all(String(name));
    const list = columns.map((column) => `"${column.name}"`);
    // SQLite itself quotes the values, so that they come back as they are.
    const quoted = list.map((column) => `quote(${column})`).join(` || ', ' || `);
    for (const { row } of db.prepare(`SELECT ${quoted} AS row FROM "${name}"`).all())
      lines.push(`INSERT INTO "${name}" (${list.join(', ')}) VALUES (${row});`);
  }
  return `${lines.join('\n')}\n`;
}
