/** What differs between the databases' SQL; everything else is written once. */
import type { ColumnKind } from './tables.ts';

export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  /** The n-th parameter of a statement, from 1. */
  readonly parameter: (n: number) => string;
  readonly columnTypes: Readonly<Record<ColumnKind, string>>;
  /** Ends a CREATE TABLE. */
  readonly tableSuffix: string;
  /** Said after a nullable column in an order, so that null comes before every value everywhere. */
  readonly nullsFirst: { readonly asc: string; readonly desc: string };
  /** How a boolean travels as a parameter. */
  readonly encodeBoolean: (value: boolean) => number | boolean;
  /** Ends an INSERT. Where a refused statement would end the transaction, it must answer without a row instead. */
  readonly insertSuffix: string;
}

export const sqlite: Dialect = {
  name: 'sqlite',
  parameter: () => '?',
  columnTypes: { text: 'TEXT', integer: 'INTEGER', real: 'REAL', boolean: 'INTEGER', json: 'TEXT' },
  tableSuffix: ' STRICT',
  // SQLite's own order already; its planner is more at ease when it is not said.
  nullsFirst: { asc: '', desc: '' },
  encodeBoolean: Number,
  insertSuffix: '',
};

export const postgres: Dialect = {
  name: 'postgres',
  parameter: (n) => `$${n}`,
  // "C" orders text by its bytes, as SQLite does. JSON stays text: jsonb refuses \u0000.
  columnTypes: {
    text: 'TEXT COLLATE "C"',
    integer: 'BIGINT',
    real: 'DOUBLE PRECISION',
    boolean: 'BOOLEAN',
    json: 'TEXT',
  },
  tableSuffix: '',
  nullsFirst: { asc: ' NULLS FIRST', desc: ' NULLS LAST' },
  encodeBoolean: (value) => value,
  insertSuffix: ' ON CONFLICT DO NOTHING RETURNING "id"',
};
