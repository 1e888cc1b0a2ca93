/** A table as the SQL builder sees it: names resolved, row types forgotten. Made once from `tables.ts`. */
import type { TableName } from './rows.ts';
import { type ColumnKind, type ColumnType, TABLE_NAMES, TABLES } from './tables.ts';

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export interface Column {
  readonly name: string;
  /** As SQL writes it, with its quotes. */
  readonly sql: string;
  readonly kind: ColumnKind;
  readonly nullable: boolean;
  readonly queried: boolean;
  /** Values that a partial index names: written into the SQL, since a planner does not see through a parameter. */
  readonly literals: ReadonlySet<unknown>;
}

export interface Index {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly unique: boolean;
  readonly where: readonly (readonly [Column, string | boolean | null])[];
}

export interface TableShape {
  readonly name: TableName;
  readonly sql: string;
  /** In the order of `tables.ts`; `id` is the first. */
  readonly columns: readonly Column[];
  readonly byName: ReadonlyMap<string, Column>;
  readonly indexes: readonly Index[];
  /** False for rows that are never changed. */
  readonly versioned: boolean;
  /** Where the version stands among the columns. */
  readonly versionAt: number;
  /** Of all columns, in SQL. */
  readonly columnList: string;
}

/** What is known of any table once its row type is forgotten. */
interface AnySpec {
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly alsoQueried?: readonly string[];
  readonly indexes: Readonly<
    Record<
      string,
      { readonly on: readonly string[]; readonly unique?: true; readonly where?: Readonly<Record<string, unknown>> }
    >
  >;
}

function shapeOf(name: TableName, spec: AnySpec): TableShape {
  const indexes = Object.entries(spec.indexes);
  const queried = new Set(['id', ...(spec.alsoQueried ?? []), ...indexes.flatMap(([, index]) => index.on)]);
  const columns = Object.entries(spec.columns).map(
    ([column, type]): Column => ({
      name: column,
      sql: `"${snakeCase(column)}"`,
      // What is left of a ColumnType without its question mark.
      kind: type.replace('?', '') as ColumnKind,
      nullable: type.endsWith('?'),
      queried: queried.has(column),
      literals: new Set(
        indexes.flatMap(([, index]) => (index.where && column in index.where ? [index.where[column]] : [])),
      ),
    }),
  );
  const byName = new Map(columns.map((column) => [column.name, column]));
  const column = (wanted: string): Column => {
    const found = byName.get(wanted);
    if (!found) throw new TypeError(`${name} has no column ${wanted}`);
    return found;
  };
  return {
    name,
    sql: `"${name}"`,
    columns,
    byName,
    indexes: indexes.map(([index, { on, unique, where }]) => ({
      name: index,
      columns: on.map(column),
      unique: unique === true,
      where: Object.entries(where ?? {}).map(([key, value]) => {
        if (value !== null && typeof value !== 'string' && typeof value !== 'boolean')
          throw new TypeError(`${index}: a partial index can only name text, boolean and null`);
        return [column(key), value] as const;
      }),
    })),
    versionAt: columns.findIndex((one) => one.name === 'version'),
    versioned: byName.has('version'),
    columnList: columns.map((one) => one.sql).join(', '),
  };
}

const SHAPES: ReadonlyMap<TableName, TableShape> = new Map(
  TABLE_NAMES.map((name) => [name, shapeOf(name, TABLES[name])]),
);

export function tableShape(name: TableName): TableShape {
  const shape = SHAPES.get(name);
  if (!shape) throw new TypeError(`there is no table ${name}`);
  return shape;
}
