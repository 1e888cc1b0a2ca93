/** What a query means, said once more without SQL: the measure of every store. */
import type { Comparison, Query, Where } from '../store.ts';

/** Null before every value; text by its UTF-8 bytes. */
export function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}

function fits<V>(value: V, wanted: Comparison<V>): boolean {
  if (typeof wanted !== 'object' || wanted === null) return value === wanted;
  if ('in' in wanted) return wanted.in.includes(value);
  if ('not' in wanted) return value !== wanted.not;
  if (value === null) return false;
  // What is left of the union is a range.
  const range = wanted as { gt?: V; gte?: V; lt?: V; lte?: V };
  return (
    (range.gt === undefined || compare(value, range.gt) > 0) &&
    (range.gte === undefined || compare(value, range.gte) >= 0) &&
    (range.lt === undefined || compare(value, range.lt) < 0) &&
    (range.lte === undefined || compare(value, range.lte) <= 0)
  );
}

export function matches<Row>(row: Row, where: Where<Row> = {}): boolean {
  // Object.keys forgets that they are keys of Row.
  return (Object.keys(where) as (keyof Row)[]).every((key) => {
    const wanted = where[key];
    return wanted === undefined || fits(row[key], wanted);
  });
}

/** `rows` must hold the row of `query.after`. */
export function select<Row extends { readonly id: string }>(rows: readonly Row[], query: Query<Row>): Row[] {
  const [column, direction] = query.orderBy ?? ['id', 'asc'];
  const sign = direction === 'asc' ? 1 : -1;
  const order = (a: Row, b: Row) => sign * (compare(a[column], b[column]) || compare(a.id, b.id));
  const cursor = rows.find((row) => row.id === query.after);
  return rows
    .filter((row) => matches(row, query.where) && (!cursor || order(row, cursor) > 0))
    .sort(order)
    .slice(0, query.limit);
}
