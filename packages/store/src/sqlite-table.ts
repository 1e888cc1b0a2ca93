/** Reads and writes of one table through a connection that somebody else watches over. */
import { BerthError } from '@berth/core';
import { decodeRow, type SqlValue } from './codec.ts';
import { sqlite } from './dialect.ts';
import type { Rows, TableName } from './rows.ts';
import {
  type AnyQuery,
  countStatement,
  cursorStatement,
  deleteStatement,
  insertStatement,
  selectStatement,
  updateStatement,
} from './sql.ts';
import type { Connection } from './sqlite-connection.ts';
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

/** Hands out the connection when it may be used, and throws when it may not. */
export type Access = <T>(action: (connection: Connection) => T) => Promise<T>;

class SqliteReadTable<Row> implements ReadTable<Row> {
  protected readonly table: TableShape;
  protected readonly access: Access;

  constructor(name: TableName, access: Access) {
    this.table = tableShape(name);
    this.access = access;
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
    const statement = countStatement(sqlite, this.table, where);
    return this.access((connection) => Number(connection.all(statement)[0]?.[0]));
  }

  async #select(query: AnyQuery): Promise<Row[]> {
    const { table } = this;
    return this.access((connection) => {
      const lookup = cursorStatement(sqlite, table, query);
      const cursor = lookup ? connection.all(lookup)[0] : [null];
      if (!cursor)
        throw new BerthError('not-found', `${table.name}/${query.after}, after which to continue, is gone`, {
          hint: 'Begin again from the first page.',
        });
      // One value of a queried column: never JSON, never a blob.
      const statement = selectStatement(sqlite, table, query, cursor[0] as SqlValue);
      return connection.all(statement).map((values) => this.row(values));
    });
  }

  /** The codec has made the values fit the table, and tables.ts is checked against the row types. */
  protected row(values: readonly unknown[]): Row {
    return decodeRow(this.table, values) as Row;
  }
}

class SqliteTable<Row> extends SqliteReadTable<Row> implements Table<Row> {
  readonly #changed: (table: TableName, id: string) => void;

  constructor(name: TableName, access: Access, changed: (table: TableName, id: string) => void) {
    super(name, access);
    this.#changed = changed;
  }

  async insert(row: Insert<Row>): Promise<Row> {
    const statement = insertStatement(sqlite, this.table, row);
    return this.access((connection) => {
      connection.run(statement);
      // What was bound is what is kept, so that it need not be asked for again.
      const kept = this.row(statement.values);
      this.#changed(this.table.name, String(statement.values[0]));
      return kept;
    });
  }

  async update(id: string, version: number, patch: Patch<Row>): Promise<Row> {
    const statement = updateStatement(sqlite, this.table, id, version, patch);
    return this.access((connection) => {
      const values = connection.all(statement)[0];
      if (!values) throw new StaleRow(this.table.name, id);
      this.#changed(this.table.name, id);
      return this.row(values);
    });
  }

  async delete(where: Where<Row>, limit?: number): Promise<number> {
    const statement = deleteStatement(sqlite, this.table, where, limit);
    return this.access((connection) => {
      const gone = connection.all(statement);
      for (const [id] of gone) this.#changed(this.table.name, String(id));
      return gone.length;
    });
  }
}

// TypeScript cannot follow a loop over the names of a mapped type: each name gets a table of its own rows.
export const readTables = (access: Access): ReadTables =>
  Object.fromEntries(
    TABLE_NAMES.map((name) => [name, new SqliteReadTable<Rows[typeof name]>(name, access)]),
  ) as unknown as ReadTables;

export const writeTables = (access: Access, changed: (table: TableName, id: string) => void): Tables =>
  Object.fromEntries(
    TABLE_NAMES.map((name) => [name, new SqliteTable<Rows[typeof name]>(name, access, changed)]),
  ) as unknown as Tables;
