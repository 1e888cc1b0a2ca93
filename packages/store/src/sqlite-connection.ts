/** One connection to an SQLite database, with its settings and its prepared statements. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { SqlValue } from './codec.ts';
import type { Statement } from './sql.ts';
import { isBusy } from './sqlite-errors.ts';

/**
 * Node waits inside SQLite, which stops the whole process. So short a wait bridges the moments in
 * which another connection recovers or checkpoints; longer ones are waited for outside.
 */
const BUSY_TIMEOUT_MS = 50;

/** Statements are few, see `sql.ts`; the limit is for callers who make up ever new shapes. */
const MAX_PREPARED = 500;

/** A write-ahead log that once grew is cut back to this. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * The log is copied into the file after so many pages of 4 KiB, not 1,000: pages that are written again and again,
 * as those of indexes are, are copied once, and the disk is waited for less often. A commit is as durable as before.
 */
const CHECKPOINT_PAGES = 4_000;

/** Of the writer. It touches the ends of all indexes; SQLite's own 2 MB hold those of some thousand rows. */
const WRITER_CACHE_KIB = 8_000;

export const isMemory = (path: string): boolean => path === ':memory:';

export class Connection {
  readonly db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  /** Rows as arrays, in the order of the statement's columns. */
  all({ sql, values }: Statement): readonly (readonly unknown[])[] {
    // With setReturnArrays rows are arrays, which the types of node:sqlite do not say.
    return this.#prepare(sql).all(...bindable(values)) as unknown as unknown[][];
  }

  run({ sql, values }: Statement): void {
    this.#prepare(sql).run(...bindable(values));
  }

  exec(sql: string): void {
    this.db.exec(sql);
  }

  /** SQLite counts in pages; a limit below today's size is that size. */
  limitSize(bytes: number): void {
    const [pageBytes] = this.all({ sql: 'PRAGMA page_size', values: [] })[0] ?? [];
    this.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytes / Number(pageBytes)))}`);
  }

  close(): void {
    this.#prepared.clear();
    if (this.db.isOpen) this.db.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const statement = this.db.prepare(sql);
    statement.setReturnArrays(true);
    // Maps keep the order of insertion: the first is the oldest. All that matters is that it ends.
    const oldest = this.#prepared.size >= MAX_PREPARED ? this.#prepared.keys().next().value : undefined;
    if (oldest !== undefined) this.#prepared.delete(oldest);
    this.#prepared.set(sql, statement);
    return statement;
  }
}

/** The SQLite dialect writes booleans as numbers, so that none is left here. */
const bindable = (values: readonly SqlValue[]) => values as readonly Exclude<SqlValue, boolean>[];

/**
 * Makes the file, readable by its owner only, when there is none. SQLite gives the files beside it
 * (-wal, -shm) the same mode. A file that exists is not opened here: closing it again would drop the
 * locks that this process may hold on it through SQLite (POSIX locks belong to the process).
 */
export function createPrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** `path`: a file that exists, or `:memory:`. */
export function connect(path: string, role: 'writer' | 'reader'): Connection {
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // The first to come turns the log on; while it does, others are told "busy" without a wait.
    if (!isMemory(path)) patiently(() => db.exec('PRAGMA journal_mode = WAL'));
    // Together with WAL: a commit survives kill -9; a power cut may take the last ones, never corrupts.
    db.exec('PRAGMA synchronous = NORMAL');
    db.exec(`PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`);
    db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    if (role === 'writer') db.exec(`PRAGMA cache_size = -${WRITER_CACHE_KIB}`);
    if (role === 'reader') db.exec('PRAGMA query_only = TRUE');
    return new Connection(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opening is the one time when waiting may stop the process: nothing runs yet. */
const OPEN_PATIENCE_MS = 10_000;

/** Calls `action` again while another process holds the database, at most some 10 s. */
export function patiently<T>(action: () => T): T {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; ; waitedMs += BUSY_TIMEOUT_MS + 5) {
    try {
      return action();
    } catch (error) {
      if (!isBusy(error) || waitedMs > OPEN_PATIENCE_MS) throw error;
      Atomics.wait(flag, 0, 0, 5);
    }
  }
}
