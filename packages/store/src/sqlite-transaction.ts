/** A transaction on SQLite while its work runs: what its tables may do, and what it has done. */
import { checkedAnnouncement } from './announcements.ts';
import { sqlite } from './dialect.ts';
import type { RowCache } from './row-cache.ts';
import type { TableName } from './rows.ts';
import type { Statement } from './sql.ts';
import type { Connection } from './sqlite-connection.ts';
import { storeError } from './sqlite-errors.ts';
import { type Commit, type RowChange, StoreUnavailable, TransactionMisuse } from './store.ts';
import { type SqlRows, type WriteAccess, writeTables } from './table.ts';

const SAVE = { sql: 'SAVEPOINT berth_work', values: [] };
const RELEASE = { sql: 'RELEASE berth_work', values: [] };
const UNDO = { sql: 'ROLLBACK TO berth_work', values: [] };

export class SqliteTransaction implements WriteAccess {
  readonly dialect = sqlite;
  readonly tables = writeTables(this);
  readonly commit: Commit = { announce: (message) => this.announced.add(checkedAnnouncement(message)) };
  readonly changes = new Map<string, RowChange>();
  /** Told after the commit. */
  readonly announced = new Set<string>();
  open = true;
  hasWritten = false;
  /** Set when SQLite may have given up the transaction by itself: it can only be rolled back. */
  #broken: unknown = null;
  #saved = false;
  readonly cache: RowCache;
  readonly #connection: Connection;
  readonly #path: string;
  readonly #isFirst: boolean;

  /** @param isFirst there is nobody else's work in this transaction of the database */
  constructor(connection: Connection, cache: RowCache, path: string, isFirst: boolean) {
    this.#connection = connection;
    this.cache = cache;
    this.#path = path;
    this.#isFirst = isFirst;
  }

  async all(statement: Statement): Promise<SqlRows> {
    return this.#ask(statement);
  }

  async update(statement: Statement): Promise<SqlRows> {
    return this.#write(statement);
  }

  /** SQLite answers at once. */
  updateUnheard(): boolean {
    return false;
  }

  async insert(statement: Statement): Promise<void> {
    this.#write(statement);
  }

  async delete(statement: Statement): Promise<SqlRows> {
    return this.#write(statement);
  }

  changed(table: TableName, id: string): void {
    this.changes.set(`${table}/${id}`, { table, id });
  }

  /** The work is done. Throws what has broken it, also when the work itself did not care. */
  keep(): void {
    if (this.#broken !== null) throw this.#broken;
    if (this.#saved) this.#connection.run(RELEASE);
  }

  /** Takes back what the work has written. False: all that was open must be rolled back. */
  undo(): boolean {
    if (!this.hasWritten && this.#broken === null) return true;
    if (this.#broken !== null || !this.#saved || !this.#connection.db.isTransaction) return false;
    try {
      this.#connection.run(UNDO);
      this.#connection.run(RELEASE);
      for (const { table, id } of this.changes.values()) this.cache.delete(table, id);
      return true;
    } catch {
      return false;
    }
  }

  #write(statement: Statement): SqlRows {
    if (!this.hasWritten && this.open && this.#broken === null) {
      if (!this.#isFirst) {
        this.#ask(SAVE);
        this.#saved = true;
      }
      this.hasWritten = true;
    }
    return this.#ask(statement);
  }

  #ask(statement: Statement): SqlRows {
    if (!this.open) throw new TransactionMisuse('the tables of a transaction were used after its end');
    if (this.#broken !== null) throw this.#broken;
    try {
      return this.#connection.all(statement);
    } catch (thrown) {
      const error = storeError(thrown, this.#path);
      // Going on would write outside of any transaction when SQLite has rolled it back by itself.
      if (error instanceof StoreUnavailable || !this.#connection.db.isTransaction) this.#broken = error;
      throw error;
    }
  }
}
