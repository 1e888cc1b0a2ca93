/** Values on their way between rows and SQL. What cannot be kept as it is, is refused by name here. */
import type { Dialect } from './dialect.ts';
import { parseShared } from './json-memo.ts';
import type { Column, TableShape } from './table-shape.ts';

export type SqlValue = string | number | boolean | null;

const refuse = (table: TableShape, column: Column, value: unknown): never => {
  const shown = typeof value === 'object' && value !== null ? 'an object' : String(value);
  throw new TypeError(`${table.name}.${column.name} is ${column.kind} and cannot be ${shown}`);
};

/**
 * @throws TypeError when the value is undefined or not of the column's kind: a NaN or a fraction of a
 * millisecond is a defect of the caller, found here rather than years later in a comparison.
 */
export function encode(dialect: Dialect, table: TableShape, column: Column, value: unknown): SqlValue {
  if (value === null) return column.nullable ? null : refuse(table, column, value);
  switch (column.kind) {
    case 'text':
      return typeof value === 'string' ? encodeText(value) : refuse(table, column, value);
    case 'integer':
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : refuse(table, column, value);
    case 'real':
      return typeof value === 'number' && Number.isFinite(value) ? value : refuse(table, column, value);
    case 'boolean':
      return typeof value === 'boolean' ? dialect.encodeBoolean(value) : refuse(table, column, value);
    case 'json':
      // JSON.stringify answers undefined for what is no JSON at all, whatever its type says.
      return (JSON.stringify(value) as string | undefined) ?? refuse(table, column, value);
  }
}

/**
 * Postgres refuses a NUL in text and SQLite's reader stops at it; neither can hold half a surrogate
 * pair. Both come from job output quoted in messages, where a replacement character does no harm.
 */
function encodeText(value: string): string {
  const whole = value.isWellFormed() ? value : value.toWellFormed();
  return whole.includes('\0') ? whole.replaceAll('\0', '\ufffd') : whole;
}

/** `values` in the order of the table's columns. */
export function decodeRow(table: TableShape, values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  const { columns } = table;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i] as Column; // within its length
    row[column.name] = decode(column, values[i]);
  }
  return row;
}

/** What is kept of a patch. `values` begin with what was encoded of it, in its order. */
export function decodePatch(table: TableShape, patch: object, values: readonly unknown[]): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [i, name] of Object.keys(patch).entries()) {
    const column = table.byName.get(name);
    if (column !== undefined) kept[name] = decode(column, values[i]);
  }
  return kept;
}

function decode(column: Column, value: unknown): unknown {
  if (value === null) return null;
  if (column.kind === 'boolean') return value === 1 || value === true;
  // Only this codec writes the column.
  if (column.kind === 'json') return parseShared(value as string);
  return value;
}
