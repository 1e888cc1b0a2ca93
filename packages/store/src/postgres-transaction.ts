/** A transaction on Postgres while its work runs: what its tables may do, and what it has done. */
import { checkedAnnouncement } from './announcements.ts';
import { postgres } from './dialect.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { storeError } from './postgres-errors.ts';
import type { RowCache } from './row-cache.ts';
import type { TableName } from './rows.ts';
import type { Statement } from './sql.ts';
import { type Commit, type RowChange, TransactionMisuse, UniqueViolation } from './store.ts';
import { type SqlRows, type WriteAccess, writeTables } from './table.ts';
import type { TableShape } from './table-shape.ts';
import { clashQuestions, mayClash } from './unique-clash.ts';

export class PostgresTransaction implements WriteAccess {
  readonly dialect = postgres;
  readonly cache: RowCache;
  readonly tables = writeTables(this);
  readonly commit: Commit = { announce: (message) => this.announced.add(checkedAnnouncement(message)) };
  readonly changes = new Map<string, RowChange>();
  readonly announced = new Set<string>();
  open = true;
  /** What the database refused and by that ended the transaction: it can only be rolled back. */
  broken: unknown = null;
  readonly #connection: PostgresConnection;
  readonly #place: string;
  readonly #inFlight = new Set<Promise<unknown>>();
  /** A savepoint is set; statements beside it would be undone with it. */
  #alone: Promise<unknown> | null = null;

  /** @param cache of what the transaction of the database sees, which works of a batch share */
  constructor(connection: PostgresConnection, cache: RowCache, place: string) {
    this.cache = cache;
    this.#connection = connection;
    this.#place = place;
  }

  /** Whether the database, and not the work, is what is waited for. */
  get waits(): boolean {
    return this.#inFlight.size > 0;
  }

  all(statement: Statement): Promise<SqlRows> {
    return this.#within(() => this.#connection.all(statement));
  }

  async insert(statement: Statement, table: TableShape, row: object): Promise<void> {
    const inserted = await this.all(statement);
    if (inserted.length > 0) return;
    for (const { index, statement: question } of clashQuestions(postgres, table, row)) {
      const [answer] = await this.all(question);
      if (Number(answer?.[0]) > 0) throw new UniqueViolation(table.name, index);
    }
    throw new Error(`${table.name}: a row was refused, and no index stands in its way`);
  }

  async update(statement: Statement, table: TableShape, patch: object): Promise<SqlRows> {
    if (!mayClash(table, patch)) return this.all(statement);
    while (this.#alone) await this.#alone;
    const update = this.#updateAlone(statement);
    this.#alone = update.catch(() => {});
    try {
      return await update;
    } finally {
      this.#alone = null;
    }
  }

  updateUnheard(statement: Statement, table: TableShape, patch: object): boolean {
    if (this.#alone || mayClash(table, patch)) return false;
    const updated = this.#within(async () => {
      const rows = await this.#connection.all(statement);
      if (rows.length === 0) throw new Error(`${table.name}: a row that was read in this transaction is gone`);
      return rows;
    });
    updated.catch(() => {}); // It has broken the transaction, which is looked at when the work is done.
    return true;
  }

  /** What the work has written is undone: nobody may take it for what is there. */
  forget(): void {
    for (const { table, id } of this.changes.values()) this.cache.delete(table, id);
  }

  delete(statement: Statement): Promise<SqlRows> {
    return this.all(statement);
  }

  changed(table: TableName, id: string): void {
    this.changes.set(`${table}/${id}`, { table, id });
  }

  /** Waits for the statements that the work has begun and not awaited. */
  async settled(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
  }

  async #updateAlone(statement: Statement): Promise<SqlRows> {
    await this.settled();
    return this.#track(async () => {
      this.#refuseUnlessOpen();
      const connection = this.#connection;
      const saved = connection.exec('SAVEPOINT berth_update');
      saved.catch(() => {}); // The statement behind it fails as well.
      try {
        const rows = await connection.all(statement);
        connection.exec('RELEASE SAVEPOINT berth_update').catch(() => {}); // As above.
        return rows;
      } catch (thrown) {
        const error = storeError(thrown, this.#place);
        if (error instanceof UniqueViolation) {
          await connection.exec('ROLLBACK TO SAVEPOINT berth_update; RELEASE SAVEPOINT berth_update');
          throw error;
        }
        throw this.#breaks(thrown);
      }
    });
  }

  async #within<T>(action: () => Promise<T>): Promise<T> {
    while (this.#alone) await this.#alone;
    return this.#track(async () => {
      this.#refuseUnlessOpen();
      try {
        return await action();
      } catch (error) {
        throw this.#breaks(error);
      }
    });
  }

  async #track<T>(action: () => Promise<T>): Promise<T> {
    const running = action();
    this.#inFlight.add(running);
    try {
      return await running;
    } finally {
      this.#inFlight.delete(running);
    }
  }

  #refuseUnlessOpen(): void {
    if (!this.open) throw new TransactionMisuse('the tables of a transaction were used after its end');
    if (this.broken !== null) throw storeError(this.broken, this.#place);
  }

  /** `broken` keeps what the database said, since that tells whether another try is worth it. */
  #breaks(thrown: unknown): unknown {
    this.broken ??= thrown;
    return storeError(thrown, this.#place);
  }
}
