/**
 * SQL from queries, for every dialect. Pure. The text depends only on the shape of what is asked
 * (columns, comparisons, lengths of lists), so that drivers keep prepared statements by their text.
 */
import { encode, type SqlValue } from './codec.ts';
import type { Dialect } from './dialect.ts';
import type { Column, TableShape } from './table-shape.ts';

export interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** A query whose row type is forgotten; `store.ts` has checked it where it was written. */
export interface AnyQuery {
  readonly where?: object;
  readonly orderBy?: readonly [string, 'asc' | 'desc'];
  readonly limit?: number;
  readonly after?: string;
}

/** SQLite takes 32,766 parameters, Postgres 65,535. */
const MAX_LIST = 16_384;

const RANGES: Readonly<Record<string, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** One statement in the making. */
class Draft {
  readonly values: SqlValue[] = [];
  readonly dialect: Dialect;
  readonly table: TableShape;

  constructor(dialect: Dialect, table: TableShape) {
    this.dialect = dialect;
    this.table = table;
  }

  raw(value: SqlValue): string {
    this.values.push(value);
    return this.dialect.parameter(this.values.length);
  }

  bind(column: Column, value: unknown): string {
    return this.raw(encode(this.dialect, this.table, column, value));
  }

  equal(column: Column, value: unknown): string {
    if (value === null) return `${column.sql} IS NULL`;
    if (typeof value === 'boolean' && column.kind === 'boolean') return `${column.sql} = ${literal(value)}`;
    // Only constants of tables.ts are ever written out.
    if (column.literals.has(value)) return `${column.sql} = ${literal(value as string)}`;
    return `${column.sql} = ${this.bind(column, value)}`;
  }

  different(column: Column, value: unknown): string {
    if (value === null) return `${column.sql} IS NOT NULL`;
    return `${column.sql} ${column.nullable ? 'IS DISTINCT FROM' : '<>'} ${this.bind(column, value)}`;
  }

  oneOf(column: Column, list: unknown): string {
    if (!Array.isArray(list)) throw new TypeError(`${this.table.name}.${column.name}: "in" needs a list`);
    const values: readonly unknown[] = list.filter((value) => value !== null);
    const orNull = values.length < list.length;
    if (values.length === 0) return orNull ? `${column.sql} IS NULL` : 'FALSE';
    if (values.length > MAX_LIST)
      throw new RangeError(
        `${this.table.name}.${column.name}: a list of ${values.length} values, the most is ${MAX_LIST}`,
      );
    const marks: string[] = values.map((value) => this.bind(column, value));
    // Lists are filled up to the next power of two, so that a few statements serve all lengths.
    const last = values.at(-1);
    for (let size = 2 ** Math.ceil(Math.log2(marks.length)); marks.length < size; ) marks.push(this.bind(column, last));
    const found = `${column.sql} IN (${marks.join(', ')})`;
    return orNull ? `(${column.sql} IS NULL OR ${found})` : found;
  }

  conditions(where: object | undefined): string[] {
    const parts: string[] = [];
    for (const [name, wanted] of Object.entries(where ?? {})) {
      const column = queried(this.table, name);
      if (typeof wanted !== 'object' || wanted === null) {
        parts.push(this.equal(column, wanted));
        continue;
      }
      const operators = Object.entries(wanted);
      if (operators.length === 0) throw new TypeError(`${this.table.name}.${name}: a comparison without an operator`);
      for (const [operator, value] of operators) {
        const range = RANGES[operator];
        if (operator === 'in') parts.push(this.oneOf(column, value));
        else if (operator === 'not') parts.push(this.different(column, value));
        else if (!range) throw new TypeError(`${this.table.name}.${name}: there is no operator "${operator}"`);
        else if (value === null) throw new TypeError(`${this.table.name}.${name}: nothing is ${operator} null`);
        else parts.push(`${column.sql} ${range} ${this.bind(column, value)}`);
      }
    }
    return parts;
  }

  limit(limit: number): string {
    if (!Number.isSafeInteger(limit) || limit < 0) throw new RangeError(`${limit} is not a number of rows`);
    return ` LIMIT ${this.raw(limit)}`;
  }

  done(sql: string): Statement {
    return { sql, values: this.values };
  }
}

const literal = (value: string | boolean | null): string =>
  value === null
    ? 'NULL'
    : typeof value === 'boolean'
      ? value
        ? 'TRUE'
        : 'FALSE'
      : `'${value.replaceAll("'", "''")}'`;

function known(table: TableShape, name: string): Column {
  const column = table.byName.get(name);
  if (!column) throw new TypeError(`${table.name} has no column ${name}`);
  return column;
}

function queried(table: TableShape, name: string): Column {
  const column = known(table, name);
  if (!column.queried || column.kind === 'json')
    throw new TypeError(`${table.name}.${name} is not declared as queried in tables.ts`);
  return column;
}

const whereClause = (parts: readonly string[]): string => (parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`);

/** Rows after the cursor in an order by `column`, then by id. `value` is null where the cursor's row has null. */
function afterCursor(draft: Draft, column: Column, desc: boolean, value: SqlValue, id: string): string {
  const sign = desc ? '<' : '>';
  if (column.name === 'id') return `"id" ${sign} ${draft.raw(id)}`;
  if (value === null) {
    const tied = `${column.sql} IS NULL AND "id" ${sign} ${draft.raw(id)}`;
    return desc ? tied : `(${column.sql} IS NOT NULL OR (${tied}))`;
  }
  const beyond = `(${column.sql}, "id") ${sign} (${draft.raw(value)}, ${draft.raw(id)})`;
  return desc && column.nullable ? `(${beyond} OR ${column.sql} IS NULL)` : beyond;
}

const orderColumn = (table: TableShape, query: AnyQuery): Column => queried(table, query.orderBy?.[0] ?? 'id');

/** Asks for the value by which `query.after` stands where it stands; null when its id alone tells. */
export function cursorStatement(dialect: Dialect, table: TableShape, query: AnyQuery): Statement | null {
  const column = orderColumn(table, query);
  if (query.after === undefined || column.name === 'id') return null;
  const draft = new Draft(dialect, table);
  return draft.done(`SELECT ${column.sql} FROM ${table.sql} WHERE "id" = ${draft.raw(query.after)}`);
}

/** `cursor` is what `cursorStatement` found. */
export function selectStatement(
  dialect: Dialect,
  table: TableShape,
  query: AnyQuery,
  cursor: SqlValue = null,
): Statement {
  const draft = new Draft(dialect, table);
  const parts = draft.conditions(query.where);
  const column = orderColumn(table, query);
  const direction = query.orderBy?.[1] ?? 'asc';
  if (query.after !== undefined) parts.push(afterCursor(draft, column, direction === 'desc', cursor, query.after));
  const way = direction === 'desc' ? ' DESC' : '';
  const nulls = column.nullable ? dialect.nullsFirst[direction] : '';
  const order = column.name === 'id' ? `"id"${way}` : `${column.sql}${way}${nulls}, "id"${way}`;
  const limit = query.limit === undefined ? '' : draft.limit(query.limit);
  return draft.done(`SELECT ${table.columnList} FROM ${table.sql}${whereClause(parts)} ORDER BY ${order}${limit}`);
}

export function countStatement(dialect: Dialect, table: TableShape, where?: object): Statement {
  const draft = new Draft(dialect, table);
  return draft.done(`SELECT COUNT(*) FROM ${table.sql}${whereClause(draft.conditions(where))}`);
}

/** The row with this id. */
export function getStatement(dialect: Dialect, table: TableShape, id: string): Statement {
  return { sql: textsOf(dialect, table).get, values: [encode(dialect, table, known(table, 'id'), id)] };
}

/** Every column must be in `row`, except `version`, which begins with 1. */
export function insertStatement(dialect: Dialect, table: TableShape, row: object): Statement {
  for (const name of Object.keys(row)) if (name !== 'version') known(table, name);
  const given = row as Readonly<Record<string, unknown>>;
  const values = table.columns.map((column) =>
    encode(dialect, table, column, column.name === 'version' ? 1 : given[column.name]),
  );
  return { sql: textsOf(dialect, table).insert, values };
}

/** Statements whose text is always the same, made once. */
interface Texts {
  readonly get: string;
  readonly insert: string;
}

const texts = new WeakMap<Dialect, Map<TableShape, Texts>>();

function textsOf(dialect: Dialect, table: TableShape): Texts {
  let ofDialect = texts.get(dialect);
  if (ofDialect === undefined) {
    ofDialect = new Map();
    texts.set(dialect, ofDialect);
  }
  let made = ofDialect.get(table);
  if (made === undefined) {
    const marks = table.columns.map((_, i) => dialect.parameter(i + 1)).join(', ');
    made = {
      get: `SELECT ${table.columnList} FROM ${table.sql} WHERE "id" = ${dialect.parameter(1)}`,
      insert: `INSERT INTO ${table.sql} (${table.columnList}) VALUES (${marks})${dialect.insertSuffix}`,
    };
    ofDialect.set(table, made);
  }
  return made;
}

/**
 * Changes nothing and returns no row when the row is gone or has another version. Returns the id where the rest of
 * the row is known. The values begin with those of the patch, in its order.
 */
export function updateStatement(
  dialect: Dialect,
  table: TableShape,
  id: string,
  version: number,
  patch: object,
  returned: 'row' | 'id' = 'row',
): Statement {
  if (!table.versioned) throw new TypeError(`rows of ${table.name} are never changed`);
  const draft = new Draft(dialect, table);
  const sets = Object.entries(patch).map(([name, value]) => {
    if (name === 'id' || name === 'version') throw new TypeError(`${table.name}.${name} cannot be patched`);
    const column = known(table, name);
    return `${column.sql} = ${draft.bind(column, value)}`;
  });
  sets.push('"version" = "version" + 1');
  const guard = `"id" = ${draft.raw(id)} AND "version" = ${draft.bind(known(table, 'version'), version)}`;
  const returning = returned === 'id' ? '"id"' : table.columnList;
  return draft.done(`UPDATE ${table.sql} SET ${sets.join(', ')} WHERE ${guard} RETURNING ${returning}`);
}

/** Returns the ids of the rows that went. */
export function deleteStatement(dialect: Dialect, table: TableShape, where: object, limit?: number): Statement {
  const draft = new Draft(dialect, table);
  const parts = draft.conditions(where);
  if (parts.length === 0) throw new TypeError(`delete from ${table.name} needs a condition`);
  const clause = whereClause(parts);
  return draft.done(
    limit === undefined
      ? `DELETE FROM ${table.sql}${clause} RETURNING "id"`
      : `DELETE FROM ${table.sql} WHERE "id" IN (SELECT "id" FROM ${table.sql}${clause}${draft.limit(limit)}) RETURNING "id"`,
  );
}

/** The whole schema of one table: the table, then its indexes. */
export function createStatements(dialect: Dialect, table: TableShape): string[] {
  const columns = table.columns.map((column) => {
    const key = column.name === 'id' ? ' PRIMARY KEY' : '';
    return `${column.sql} ${dialect.columnTypes[column.kind]}${column.nullable ? '' : ' NOT NULL'}${key}`;
  });
  return [
    `CREATE TABLE ${table.sql} (\n  ${columns.join(',\n  ')}\n)${dialect.tableSuffix}`,
    ...table.indexes.map((index) => {
      const where = index.where.map(([column, value]) =>
        value === null ? `${column.sql} IS NULL` : `${column.sql} = ${literal(value)}`,
      );
      const on = index.columns.map((column) => column.sql + (column.nullable ? dialect.nullsFirst.asc : ''));
      return `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX "${index.name}" ON ${table.sql} (${on.join(', ')})${whereClause(where)}`;
    }),
  ];
}
