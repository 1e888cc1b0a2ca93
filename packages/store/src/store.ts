/**
 * The interface that SQLite and Postgres serve: one suite (`testing/suite.ts`) runs against whichever
 * is given. Who imports only this file knows no SQL.
 */
import type { Rows, TableName } from './rows.ts';

/**
 * A value means equal, null included. `not` is the opposite of that: `{ not: 'done' }` also finds
 * null, `{ not: null }` finds all but null. A range never finds null; `in: []` finds nothing.
 */
export type Comparison<V> =
  | V
  | { readonly in: readonly V[] }
  | { readonly not: V }
  | { readonly gt?: V; readonly gte?: V; readonly lt?: V; readonly lte?: V };

/**
 * Conditions are joined by AND. Only columns that are declared as queried in `tables.ts` may be named,
 * and a condition whose value is undefined is refused: it would silently widen a `delete`.
 */
export type Where<Row> = { readonly [K in keyof Row]?: Comparison<Row[K]> };

export interface Query<Row> {
  readonly where?: Where<Row>;
  /**
   * By id, ascending, unless given. Ties are broken by id in the same direction, so that an order is
   * always total. Text is ordered by its UTF-8 bytes; null comes before every value.
   */
  readonly orderBy?: readonly [keyof Row & string, 'asc' | 'desc'];
  readonly limit?: number;
  /**
   * Rows after (in the given order) the row with this id. That row need not fit `where`. When it is
   * gone, an order by id goes on from where it was; any other order is refused with a `not-found`.
   */
  readonly after?: string;
}

/** What callers may change: never the id, and the version is the store's own. */
export type Patch<Row> = Partial<Omit<Row, 'id' | 'version'>>;
export type Insert<Row> = Omit<Row, 'version'>;

export interface ReadTable<Row> {
  get(id: string): Promise<Row | null>;
  find(query?: Query<Row>): Promise<Row[]>;
  /** The first of `find`, or null. */
  first(query: Query<Row>): Promise<Row | null>;
  count(where?: Where<Row>): Promise<number>;
}

export interface Table<Row> extends ReadTable<Row> {
  /**
   * Returns the row as it is kept, with version 1. Throws `UniqueViolation` when a unique index
   * refuses; the transaction can go on after that.
   */
  insert(row: Insert<Row>): Promise<Row>;
  /**
   * Applies the patch when the row still has this version; throws `StaleRow` otherwise, also when
   * the row is gone. Returns the row as it is now. Events and other rows without a version refuse.
   */
  update(id: string, version: number, patch: Patch<Row>): Promise<Row>;
  /**
   * Returns how many rows went. At least one condition is needed. With a limit, at most so many go, no
   * matter which: so retention can work in small bites instead of holding up every other writer.
   */
  delete(where: Where<Row>, limit?: number): Promise<number>;
}

export type ReadTables = { readonly [K in TableName]: ReadTable<Rows[K]> };
export type Tables = { readonly [K in TableName]: Table<Rows[K]> };

export interface RowChange {
  readonly table: TableName;
  readonly id: string;
}

/** What goes with a transaction besides its rows. */
export interface Commit {
  /**
   * Tells `message` to the `onAnnouncement` listeners of every server on this database, after the
   * commit and only if there is one. At most 4,000 bytes in UTF-8; the same message said twice in one
   * transaction may be told once.
   */
  announce(message: string): void;
}

export interface Store {
  /**
   * Reads outside of a transaction; each call sees the latest committed state and never an
   * uncommitted one. Inside the work of a transaction it throws `TransactionMisuse`: there it would
   * not see what the transaction itself has written.
   */
  readonly read: ReadTables;
  /**
   * All writes of `work` or none. Writers take turns, so `work` must be short and must not wait on
   * anything but its own tables. When `work` throws, nothing is written and the error passes through.
   * A transaction inside the work of another one throws `TransactionMisuse` instead of waiting for
   * ever, and so does one that is not done after the time that the store allows. `work` may be called
   * again from the beginning, when the database was lost before the commit: it must have no other effects.
   */
  transaction<T>(work: (tables: Tables, commit: Commit) => Promise<T>): Promise<T>;
  /**
   * Called after a commit of any server with the rows that it wrote: this one's own in the order of their
   * commits and before `transaction` resolves, each row named once; another one's when the word of it
   * arrives, perhaps in several calls. While the database could not be heard, others' commits may have gone
   * untold; then `onMissed` is called once it can be again. What a listener throws touches neither the
   * transaction nor other listeners. Returns the way to stop listening.
   */
  onCommit(listener: (changes: readonly RowChange[]) => void, onMissed?: () => void): () => void;
  /**
   * Called with what a server has announced: this one's own after its commit and before `transaction`
   * resolves, another one's when it arrives. While the database could not be heard, announcements may
   * have been lost; then `onMissed` is called once it can be again.
   */
  onAnnouncement(listener: (message: string) => void, onMissed?: () => void): () => void;
  /** As `Commit.announce`, without a transaction: best effort, nothing depends on it. */
  announce(message: string): void;
  /** Waits for the running transaction; those that wait for their turn are refused as closed. */
  close(): Promise<void>;
}

export class StaleRow extends Error {
  override readonly name = 'StaleRow';
  readonly table: TableName;
  readonly id: string;

  constructor(table: TableName, id: string) {
    super(`${table}/${id} was changed or removed by somebody else`);
    this.table = table;
    this.id = id;
  }
}

export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation';
  readonly table: TableName;
  /** Name of the index that refused, see `tables.ts`. */
  readonly index: string;

  constructor(table: TableName, index: string) {
    super(`${table}: ${index} is taken`);
    this.table = table;
    this.index = index;
  }
}

/**
 * The store cannot write: disk full, file read-only, database locked for too long or out of reach. Nothing
 * was written, except that of `unknown-outcome` nobody knows: the connection was lost while the database
 * was asked to commit, and it cannot be asked what became of it.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  readonly reason: 'disk-full' | 'read-only' | 'busy' | 'unreachable' | 'unknown-outcome' | 'closed' | 'other';

  constructor(reason: StoreUnavailable['reason'], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** A defect in the caller's use of a transaction, found before it can turn into a deadlock. */
export class TransactionMisuse extends Error {
  override readonly name = 'TransactionMisuse';
}
