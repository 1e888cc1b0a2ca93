/** Reads and writes of one table, for every database alike, through an access that somebody else watches over. */
import { BerthError } from '@berth/core';
import { decodePatch, decodeRow, type SqlValue } from './codec.ts';
import type { Dialect } from './dialect.ts';
import type { KnownRow, RowCache } from './row-cache.ts';
import type { TableName } from './rows.ts';
import {
  type AnyQuery,
  countStatement,
  cursorStatement,
  deleteStatement,
  getStatement,
  insertStatement,
  type Statement,
  selectStatement,
  updateStatement,
} from './sql.ts';
import {
  type Insert,
  type Patch,
  type Query,
  type ReadTable,
  type ReadTables,
  StaleRow,
  type Table,
  type Tables,
  type Where,
} from './store.ts';
import { type TableShape, tableShape } from './table-shape.ts';
import { TABLE_NAMES } from './tables.ts';

/** Rows as arrays, in the order of the statement's columns. */
export type SqlRows = readonly (readonly unknown[])[];

/** How tables reach their database; it throws when they may not. */
export interface ReadAccess {
  readonly dialect: Dialect;
  all(statement: Statement): Promise<SqlRows>;
}

/** After a `UniqueViolation` of `insert` and `update`, the transaction must still be usable. */
export interface WriteAccess extends ReadAccess {
  readonly cache: RowCache;
  /**
   * Begins an update of a row that is known, where nothing can refuse it. False: it must be awaited. What goes
   * wrong nevertheless breaks the transaction.
   */
  updateUnheard(statement: Statement, table: TableShape, patch: object): boolean;
  insert(statement: Statement, table: TableShape, row: object): Promise<void>;
  update(statement: Statement, table: TableShape, patch: object): Promise<SqlRows>;
  delete(statement: Statement): Promise<SqlRows>;
  changed(table: TableName, id: string): void;
}

class SqlReadTable<Row> implements ReadTable<Row> {
  protected readonly table: TableShape;
  readonly #access: ReadAccess;

  constructor(name: TableName, access: ReadAccess) {
    this.table = tableShape(name);
    this.#access = access;
  }

  async get(id: string): Promise<Row | null> {
    const [values] = await this.#access.all(getStatement(this.#access.dialect, this.table, id));
    return values ? this.row(values) : null;
  }

  async find(query: Query<Row> = {}): Promise<Row[]> {
    return this.#select(query);
  }

  async first(query: Query<Row>): Promise<Row | null> {
    const rows = await this.#select({ ...query, limit: Math.min(1, query.limit ?? 1) });
    return rows[0] ?? null;
  }

  async count(where?: Where<Row>): Promise<number> {
    const rows = await this.#access.all(countStatement(this.#access.dialect, this.table, where));
    return Number(rows[0]?.[0]);
  }

  async #select(query: AnyQuery): Promise<Row[]> {
    const { dialect } = this.#access;
    const lookup = cursorStatement(dialect, this.table, query);
    const cursor = lookup ? (await this.#access.all(lookup))[0] : [null];
    if (!cursor)
      throw new BerthError('not-found', `${this.table.name}/${query.after}, after which to continue, is gone`, {
        hint: 'Begin again from the first page.',
      });
    // One value of a queried column: never JSON, never a blob.
    const statement = selectStatement(dialect, this.table, query, cursor[0] as SqlValue);
    return (await this.#access.all(statement)).map((values) => this.row(values));
  }

  /** The codec has made the values fit the table, and tables.ts is checked against the row types. */
  protected row(values: readonly unknown[]): Row {
    return decodeRow(this.table, values) as Row;
  }
}

class SqlTable<Row> extends SqlReadTable<Row> implements Table<Row> {
  readonly #access: WriteAccess;

  constructor(name: TableName, access: WriteAccess) {
    super(name, access);
    this.#access = access;
  }

  override async get(id: string): Promise<Row | null> {
    const known = this.#access.cache.get(this.table.name, id);
    return known === undefined ? super.get(id) : (known as Row); // put there by this table
  }

  async insert(row: Insert<Row>): Promise<Row> {
    const statement = insertStatement(this.#access.dialect, this.table, row);
    await this.#access.insert(statement, this.table, row);
    this.#access.changed(this.table.name, String(statement.values[0]));
    // What was bound is what is kept, so that it need not be asked for again.
    return this.row(statement.values);
  }

  async update(id: string, version: number, patch: Patch<Row>): Promise<Row> {
    const { dialect, cache } = this.#access;
    const known = cache.get(this.table.name, id);
    if (known !== undefined && known.version !== version) throw new StaleRow(this.table.name, id);
    const statement = updateStatement(dialect, this.table, id, version, patch, known ? 'id' : 'row');
    if (known === undefined || !this.#access.updateUnheard(statement, this.table, patch)) {
      const values = (await this.#access.update(statement, this.table, patch))[0];
      if (!values) throw new StaleRow(this.table.name, id);
      if (known === undefined) {
        this.#access.changed(this.table.name, id);
        return this.row(values);
      }
    }
    this.#access.changed(this.table.name, id);
    const updated = { ...known, ...decodePatch(this.table, patch, statement.values), version: version + 1 };
    cache.set(this.table.name, updated);
    return updated as Row; // as `known` was
  }

  async delete(where: Where<Row>, limit?: number): Promise<number> {
    const gone = await this.#access.delete(deleteStatement(this.#access.dialect, this.table, where, limit));
    for (const [id] of gone) {
      this.#access.cache.delete(this.table.name, String(id));
      this.#access.changed(this.table.name, String(id));
    }
    return gone.length;
  }

  protected override row(values: readonly unknown[]): Row {
    const { cache } = this.#access;
    if (!this.table.versioned) return super.row(values);
    const known = cache.get(this.table.name, String(values[0]));
    if (known !== undefined && known.version === values[this.table.versionAt]) return known as Row;
    const row = super.row(values);
    cache.set(this.table.name, row as KnownRow); // all rows with a version have an id
    return row;
  }
}

/**
 * Each table is made when it is first asked for: a transaction needs few of them. TypeScript cannot follow a
 * loop over the names of a mapped type; each name gets a table of its own rows.
 */
function tableSet<Access, Set>(make: (name: TableName, access: Access) => unknown): (access: Access) => Set {
  class Lazy {
    readonly access: Access;
    readonly made: Partial<Record<TableName, unknown>> = {};

    constructor(access: Access) {
      this.access = access;
    }
  }
  for (const name of TABLE_NAMES) {
    Object.defineProperty(Lazy.prototype, name, {
      get(this: Lazy) {
        this.made[name] ??= make(name, this.access);
        return this.made[name];
      },
    });
  }
  return (access) => new Lazy(access) as unknown as Set;
}

export const readTables = tableSet<ReadAccess, ReadTables>((name, access) => new SqlReadTable(name, access));
export const writeTables = tableSet<WriteAccess, Tables>((name, access) => new SqlTable(name, access));
