/**
 * What the cells of some columns say together. A file has few combinations of them and many rows, so that
 * most rows cost a look-up of their cells' codes.
 */

import { CodeTuples } from './code-tuples.ts';
import type { CsvRecord } from './csv.ts';
import { CellProblem, type CsvColumn, UNKEPT } from './csv-column.ts';

export type Columns = Readonly<Record<string, CsvColumn<unknown>>>;
export type Cells<C> = { readonly [K in keyof C]: C[K] extends CsvColumn<infer T> ? T : never };

/** Which of the columns has a cell that cannot be read, and why. */
export interface BadCell<Column extends string> {
  readonly column: Column;
  readonly reason: string;
}

type NamesOf<C> = keyof C & string;
type Read<C> = { readonly cells: Cells<C> } | BadCell<NamesOf<C>>;

/** The values of a row's cells, or the first one that cannot be read. */
export function readCells<C extends Columns>(columns: C, record: CsvRecord): Read<C> {
  return cellsOf(columns, (column) => column.value(record));
}

/**
 * What a row's cells make, as one object for all rows that have the same ones. `make` gets the cells of a row
 * that is the first of its kind, or the first cell that cannot be read.
 */
export function rowShapes<C extends Columns, Shape extends object>(
  columns: C,
  make: (read: Read<C>) => Shape,
): (record: CsvRecord) => Shape {
  const list = Object.values<CsvColumn<unknown>>(columns);
  const shapes = new CodeTuples<Shape>(list.length);
  const key = new Int32Array(list.length);
  return (record) => {
    let at = 0;
    for (const column of list) key[at++] = column.code(record);
    const kept = !key.includes(UNKEPT);
    const known = kept ? shapes.get(key) : undefined;
    if (known !== undefined) return known;
    const shape = make(cellsOf(columns, (column, index) => column.at(key[index] ?? UNKEPT)));
    if (kept) shapes.add(key, shape);
    return shape;
  };
}

function cellsOf<C extends Columns>(
  columns: C,
  valueIn: (column: CsvColumn<unknown>, index: number) => unknown,
): Read<C> {
  const cells: Record<string, unknown> = {};
  for (const [index, [name, column]] of Object.entries<CsvColumn<unknown>>(columns).entries()) {
    const value = valueIn(column, index);
    // The keys of the columns are their names.
    if (value instanceof CellProblem) return { column: name as NamesOf<C>, reason: value.reason };
    cells[name] = value;
  }
  // Every column gave its value, and none was a problem.
  return { cells: cells as Cells<C> };
}
