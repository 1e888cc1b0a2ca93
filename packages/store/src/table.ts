/** Reads and writes of one table, for every database alike, through an access that somebody else watches over. */
import { BerthError } from '@berth/core';
import { decodeRow, type SqlValue } from './codec.ts';
import type { Dialect } from './dialect.ts';
import type { Rows, TableName } from './rows.ts';
import {
  type AnyQuery,
  countStatement,
  cursorStatement,
  deleteStatement,
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
  insert(statement: Statement, table: TableShape, row: object): Promise<void>;
  update(statement: Statement, table: TableShape, patch: object): Promise<SqlRows>;
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
    const rows = await this.#select({ where: { id }, limit: 1 });
    return rows[0] ?? null;
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

  async insert(row: Insert<Row>): Promise<Row> {
    const statement = insertStatement(this.#access.dialect, this.table, row);
    await this.#access.insert(statement, this.table, row);
    this.#access.changed(this.table.name, String(statement.values[0]));
    // What was bound is what is kept, so that it need not be asked for again.
    return this.row(statement.values);
  }

  async update(id: string, version: number, patch: Patch<Row>): Promise<Row> {
    const statement = updateStatement(this.#access.dialect, this.table, id, version, patch);
    const values = (await this.#access.update(statement, this.table, patch))[0];
    if (!values) throw new StaleRow(this.table.name, id);
    this.#access.changed(this.table.name, id);
    return this.row(values);
  }

  async delete(where: Where<Row>, limit?: number): Promise<number> {
    const gone = await this.#access.all(deleteStatement(this.#access.dialect, this.table, where, limit));
    for (const [id] of gone) this.#access.changed(this.table.name, String(id));
    return gone.length;
  }
}

// TypeScript cannot follow a loop over the names of a mapped type: each name gets a table of its own rows.
export const readTables = (access: ReadAccess): ReadTables =>
  Object.fromEntries(
    TABLE_NAMES.map((name) => [name, new SqlReadTable<Rows[typeof name]>(name, access)]),
  ) as unknown as ReadTables;

export const writeTables = (access: WriteAccess): Tables =>
  Object.fromEntries(
    TABLE_NAMES.map((name) => [name, new SqlTable<Rows[typeof name]>(name, access)]),
  ) as unknown as Tables;
