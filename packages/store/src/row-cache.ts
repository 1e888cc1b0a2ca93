/**
 * Rows as the one writer of a database sees them, its own uncommitted writes included, so that what is read
 * again and again is asked for and decoded once. It is told of every write and of everything that is undone.
 */
import type { TableName } from './rows.ts';

/** Rows of all tables; those that were not used for the longest time go first. A row takes some 3 KiB. */
const MAX_ROWS = 2_000;

export interface KnownRow {
  readonly id: string;
  readonly version: number;
}

export class RowCache {
  readonly #rows = new Map<string, KnownRow>();

  get(table: TableName, id: string): KnownRow | undefined {
    const key = keyOf(table, id);
    const row = this.#rows.get(key);
    if (row === undefined) return undefined;
    this.#rows.delete(key);
    this.#rows.set(key, row);
    return row;
  }

  set(table: TableName, row: KnownRow): void {
    const key = keyOf(table, row.id);
    this.#rows.delete(key);
    this.#rows.set(key, row);
    if (this.#rows.size <= MAX_ROWS) return;
    const oldest = this.#rows.keys().next().value;
    if (oldest !== undefined) this.#rows.delete(oldest);
  }

  delete(table: TableName, id: string): void {
    this.#rows.delete(keyOf(table, id));
  }

  clear(): void {
    this.#rows.clear();
  }
}

function keyOf(table: TableName, id: string): string {
  return `${table}/${id}`;
}
