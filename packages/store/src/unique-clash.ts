/** Which unique index refuses a row: asked where the refusal itself would end the transaction, or names nobody. Pure. */
import type { Dialect } from './dialect.ts';
import { countStatement, type Statement } from './sql.ts';
import type { Index, TableShape } from './table-shape.ts';

/** Asks, index by index, whether a row stands where this one wants to. In the order in which SQLite tells. */
export function clashQuestions(
  dialect: Dialect,
  table: TableShape,
  row: object,
): readonly { readonly index: string; readonly statement: Statement }[] {
  const values = new Map<string, unknown>(Object.entries(row));
  const question = (index: string, where: object) => ({ index, statement: countStatement(dialect, table, where) });
  return [
    question(`${table.name}_pkey`, { id: values.get('id') }),
    ...table.indexes
      .filter((index) => index.unique && holds(index, values))
      .map((index) =>
        question(index.name, {
          ...Object.fromEntries(index.where.map(([column, value]) => [column.name, value])),
          ...Object.fromEntries(index.columns.map((column) => [column.name, values.get(column.name)])),
        }),
      ),
  ];
}

/** Null is equal to nothing, so that a row with null in an index clashes with none. */
const holds = (index: Index, values: ReadonlyMap<string, unknown>): boolean =>
  index.where.every(([column, value]) => values.get(column.name) === value) &&
  index.columns.every((column) => values.get(column.name) !== null);

/** Whether a unique index could refuse this patch: it moves rows within the index, or into it. */
export function mayClash(table: TableShape, patch: object): boolean {
  const values = new Map<string, unknown>(Object.entries(patch));
  return table.indexes.some((index) => {
    if (!index.unique) return false;
    const leaves = index.where.some(([{ name }, value]) => values.has(name) && values.get(name) !== value);
    const touches = [...index.columns, ...index.where.map(([column]) => column)].some(({ name }) => values.has(name));
    return touches && !leaves;
  });
}
