/** The store on SQLite: one file, one writer at a time, readers that never wait for it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@berth/core';
import { Announcements, checkedAnnouncement } from './announcements.ts';
import { CommitListeners, warnOfListener } from './commit-listeners.ts';
import { sqlite } from './dialect.ts';
import { migrate } from './migrate.ts';
import { type Connection, connect, createPrivateFile, isMemory } from './sqlite-connection.ts';
import { isBusy, openError, storeError } from './sqlite-errors.ts';
import type { SqliteTransaction } from './sqlite-transaction.ts';
import { SqliteWriter } from './sqlite-writer.ts';
import {
  type Commit,
  type ReadTables,
  type RowChange,
  type Store,
  StoreUnavailable,
  type Tables,
  TransactionMisuse,
} from './store.ts';
import { type ReadAccess, readTables } from './table.ts';

export interface SqliteOptions {
  /** Of the database file, made if missing (0600, its directory 0700); or `:memory:`. */
  readonly path: string;
  /** Tells when migrations were applied. */
  readonly clock?: Clock;
  /** A transaction whose work takes longer is rolled back as misuse. */
  readonly maxTransactionMs?: number;
  /** The database may not grow beyond this; then writes fail as on a full disk. */
  readonly maxBytes?: number;
  /** Told what a commit listener threw. Without it, the process warns. */
  readonly onListenerError?: (error: unknown) => void;
}

/** Far above what any work on tables takes; so a work that waits for something else cannot stop all others for ever. */
const MAX_TRANSACTION_MS = 30_000;

/** How long another process (a backup, the sqlite3 shell) may hold the database before that is an error. */
const BUSY_PATIENCE_MS = 10_000;
const BUSY_PAUSE_MS = 20;

/**
 * Opens the database and brings it to today's schema. One server only should work on it: hold
 * `lockDatabase` before.
 * @throws BerthError `conflict` when the file is not a database that this Berth can use.
 * @throws StoreUnavailable when it cannot be opened or written.
 */
export function openSqliteStore(options: SqliteOptions): Store {
  const clock = options.clock ?? { now: () => Date.now() };
  const path = isMemory(options.path) ? options.path : resolve(options.path);
  const opened: Connection[] = [];
  try {
    if (!isMemory(path)) createPrivateFile(path);
    const writer = connect(path, 'writer');
    opened.push(writer);
    migrate(writer, path, clock);
    if (options.maxBytes !== undefined) writer.limitSize(options.maxBytes);
    // A second connection to :memory: would be a second database.
    const reader = isMemory(path) ? writer : connect(path, 'reader');
    opened.push(reader);
    return new SqliteStore(path, writer, reader, options);
  } catch (error) {
    for (const connection of opened) connection.close();
    throw openError(error, path);
  }
}

class SqliteStore implements Store {
  readonly read: ReadTables;
  readonly #path: string;
  #writer: Connection;
  readonly #reader: Connection;
  readonly #writing: SqliteWriter;
  readonly #current = new AsyncLocalStorage<SqliteTransaction>();
  readonly #listeners: CommitListeners;
  readonly #announcements: Announcements;
  #closed: Promise<void> | null = null;

  constructor(path: string, writer: Connection, reader: Connection, options: SqliteOptions) {
    this.#path = path;
    this.#writer = writer;
    this.#reader = reader;
    const onListenerError = options.onListenerError ?? warnOfListener;
    this.#listeners = new CommitListeners(onListenerError);
    this.#announcements = new Announcements(onListenerError);
    this.#writing = new SqliteWriter({
      path,
      maxTransactionMs: options.maxTransactionMs ?? MAX_TRANSACTION_MS,
      connection: () => this.#writer,
      rollBack: () => this.#rollBack(),
      whenFree: (action) => this.#whenFree(action),
      committed: (transaction) => this.#tell(transaction),
    });
    this.read = readTables({ dialect: sqlite, all: isMemory(path) ? this.#readInTurn : this.#readBeside });
  }

  async transaction<T>(work: (tables: Tables, commit: Commit) => Promise<T>): Promise<T> {
    this.#refuseInsideTransaction(
      'a transaction was begun inside the work of another one; use the tables it was given',
    );
    return this.#writing.submit((transaction) =>
      this.#current.run(transaction, () => work(transaction.tables, transaction.commit)),
    );
  }

  onCommit(listener: (changes: readonly RowChange[]) => void): () => void {
    // Nothing can be missed: the only server on this database is this one.
    return this.#listeners.listen(listener);
  }

  onAnnouncement(listener: (message: string) => void): () => void {
    return this.#announcements.listen(listener);
  }

  announce(message: string): void {
    this.#announcements.tell(checkedAnnouncement(message));
  }

  close(): Promise<void> {
    this.#closed ??= this.#writing.close(new StoreUnavailable('closed', `${this.#path} is closed`)).then(() => {
      // The writer last: whoever closes last empties the write-ahead log into the file.
      this.#reader.close();
      this.#writer.close();
    });
    return this.#closed;
  }

  readonly #readBeside: ReadAccess['all'] = async (statement) => {
    this.#refuseInsideTransaction('store.read was used inside the work of a transaction; use the tables it was given');
    if (this.#closed) throw new StoreUnavailable('closed', `${this.#path} is closed`);
    try {
      return await this.#whenFree(() => this.#reader.all(statement));
    } catch (error) {
      throw storeError(error, this.#path);
    }
  };

  /** On the one connection of `:memory:`, a read must not fall into the middle of a transaction. */
  readonly #readInTurn: ReadAccess['all'] = async (statement) => {
    this.#refuseInsideTransaction('store.read was used inside the work of a transaction; use the tables it was given');
    return this.#writing.alone(() => {
      try {
        return this.#reader.all(statement);
      } catch (error) {
        throw storeError(error, this.#path);
      }
    });
  };

  #tell(transaction: SqliteTransaction): void {
    this.#listeners.tell([...transaction.changes.values()]);
    for (const message of transaction.announced) this.#announcements.tell(message);
  }

  #refuseInsideTransaction(message: string): void {
    if (this.#current.getStore()?.open) throw new TransactionMisuse(message);
  }

  /** Waits while another process holds the database; SQLite itself would make the whole process wait. */
  async #whenFree<T>(action: () => T): Promise<T> {
    for (let waitedMs = 0; ; waitedMs += BUSY_PAUSE_MS) {
      try {
        return action();
      } catch (error) {
        if (!isBusy(error) || waitedMs >= BUSY_PATIENCE_MS) throw error;
        await sleep(BUSY_PAUSE_MS);
      }
    }
  }

  #rollBack(): void {
    try {
      // SQLite rolls back by itself after some errors, a full disk for one.
      if (this.#writer.db.isTransaction) this.#writer.exec('ROLLBACK');
    } catch (error) {
      if (isMemory(this.#path)) throw error;
      // A connection that cannot roll back is of no more use; closing it rolls back.
      this.#writer.close();
      this.#writer = connect(this.#path, 'writer');
    }
  }
}
