/**
 * The interface that SQLite serves now and Postgres will serve: one suite (`suite.ts`) runs against
 * whichever is given. Nothing above this line knows SQL.
 */
import type { Rows, TableName } from './rows.ts';

export type Comparison<V> =
  | V
  | { readonly in: readonly V[] }
  | { readonly not: V }
  | { readonly gt?: V; readonly gte?: V; readonly lt?: V; readonly lte?: V };

/** Conditions are joined by AND. Only columns that are declared as queried in `tables.ts` may be named. */
export type Where<Row> = { readonly [K in keyof Row]?: Comparison<Row[K]> };

export interface Query<Row> {
  readonly where?: Where<Row>;
  /** Ties are broken by id in the same direction, so that an order is always total. */
  readonly orderBy?: readonly [keyof Row & string, 'asc' | 'desc'];
  readonly limit?: number;
  /** Rows after (in the given order) the row with this id. */
  readonly after?: string;
}

/** What callers may change: never the id, and the version is the store's own. */
export type Patch<Row> = Partial<Omit<Row, 'id' | 'version'>>;
export type Insert<Row> = Omit<Row, 'version'>;

export interface Table<Row> {
  get(id: string): Promise<Row | null>;
  find(query?: Query<Row>): Promise<Row[]>;
  /** The first of `find`, or null. */
  first(query: Query<Row>): Promise<Row | null>;
  count(where?: Where<Row>): Promise<number>;
  /** Throws `UniqueViolation` when a unique index refuses. */
  insert(row: Insert<Row>): Promise<Row>;
  /**
   * Applies the patch when the row still has this version; throws `StaleRow` otherwise, also when
   * the row is gone. Returns the row as it is now.
   */
  update(id: string, version: number, patch: Patch<Row>): Promise<Row>;
  delete(where: Where<Row>): Promise<number>;
}

export type Tables = { readonly [K in TableName]: Table<Rows[K]> };

export interface RowChange {
  readonly table: TableName;
  readonly id: string;
}

export interface Store {
  /** Reads outside of a transaction; each call sees the latest committed state. */
  readonly read: Tables;
  /**
   * All writes of `work` or none. Writers take turns, so `work` must be short and must not wait on
   * anything but its own tables. When `work` throws, nothing is written and the error passes through.
   */
  transaction<T>(work: (tables: Tables) => Promise<T>): Promise<T>;
  /** Called after a commit with the rows that it wrote. Returns the way to stop listening. */
  onCommit(listener: (changes: readonly RowChange[]) => void): () => void;
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

/** The store cannot write: disk full, file read-only, database locked for too long. Nothing was written. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  readonly reason: 'disk-full' | 'read-only' | 'busy' | 'closed' | 'other';

  constructor(reason: StoreUnavailable['reason'], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}
