import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CsvScanner } from './csv.ts';
import { CellProblem, CsvColumn } from './csv-column.ts';
import { csvRow } from './csv-text.ts';
import { rowShapes } from './row-shapes.ts';

interface Shape {
  readonly says: string;
}

/** What is made of each row of two columns, of which the second one holds numbers. */
function shapesOf(rows: readonly (readonly [name: string, count: string])[]) {
  const columns = {
    name: new CsvColumn(0, (text) => text),
    count: new CsvColumn(1, (text) => (/^\d+$/.test(text) ? Number(text) : new CellProblem('is no number'))),
  };
  let made = 0;
  const shapeOf = rowShapes(columns, (read): Shape => {
    made++;
    return { says: 'reason' in read ? `${read.column} ${read.reason}` : `${read.cells.count} of ${read.cells.name}` };
  });
  const shapes: Shape[] = [];
  const scanner = new CsvScanner((record) => shapes.push(shapeOf(record)));
  for (const row of rows) scanner.push(new TextEncoder().encode(csvRow(row)));
  scanner.end();
  return { shapes, made };
}

test('rows with the same cells have one shape, made once; a cell that cannot be read is named', () => {
  const { shapes, made } = shapesOf([
    ['T4', '1'],
    ['T4', '2'],
    ['T4', '1'],
    ['T4', 'two'],
    ['T4', 'two'],
  ]);
  assert.deepEqual(
    shapes.map(({ says }) => says),
    ['1 of T4', '2 of T4', '1 of T4', 'count is no number', 'count is no number'],
  );
  assert.equal(shapes[0], shapes[2]);
  assert.equal(made, 3);
});

test('cells that are too long to be kept are not taken for each other', () => {
  const long = 'x'.repeat(20_000);
  const { shapes } = shapesOf([
    [`${long}1`, '1'],
    [`${long}2`, '1'],
    [`${long}1`, '1'],
  ]);
  assert.deepEqual(
    shapes.map(({ says }) => says),
    [`1 of ${long}1`, `1 of ${long}2`, `1 of ${long}1`],
  );
});
