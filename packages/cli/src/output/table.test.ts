import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Column, formatTable } from './table.ts';

interface Row {
  readonly name: string;
  readonly note: string;
  readonly cost: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', value: (row) => row.name, min: 6 },
  { title: 'NOTE', value: (row) => row.note, min: 4, dispensable: 1 },
  { title: 'COST', value: (row) => row.cost, align: 'right' },
];
const row = (name: string, note: string, cost = '$1'): Row => ({ name, note, cost });

test('columns are as wide as their widest cell, and lines have no blanks at their end', () => {
  assert.equal(
    formatTable(COLUMNS, [row('one', 'x'), row('eleven', 'yy', '$10.50')], null),
    ['NAME    NOTE    COST', 'one     x         $1', 'eleven  yy    $10.50'].join('\n'),
  );
});

test('a column in which nobody has anything is left out', () => {
  assert.equal(formatTable(COLUMNS, [row('one', '')], null), ['NAME  COST', 'one     $1'].join('\n'));
});

test('on a narrow terminal the widest column gives first, then those that can be missed', () => {
  const rows = [row('a-long-name', 'a note that goes on')];
  assert.equal(formatTable(COLUMNS, rows, 26), ['NAME       NOTE       COST', 'a-long-n…  a note t…    $1'].join('\n'));
  assert.doesNotMatch(formatTable(COLUMNS, rows, 14), /NOTE/);
});

test('no line is wider than the terminal as long as the columns can give', () => {
  const text = fc.string({ maxLength: 40 });
  const rows = fc.array(fc.record({ name: text, note: text, cost: fc.constantFrom('$1', '$200') }), { minLength: 1 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 12, max: 100 }), (some, width) => {
      for (const line of formatTable(COLUMNS, some, width).split('\n')) assert.ok(line.length <= width, line);
    }),
  );
});

test('in a pipe nothing is cut', () => {
  const long = 'x'.repeat(500);
  assert.ok(formatTable(COLUMNS, [row(long, long)], null).includes(`${long}  ${long}`));
});

test('line breaks of others become blanks, and their escape sequences are shown', () => {
  assert.match(formatTable(COLUMNS, [row('a\nb', 'c\x1b[31md\te')], null), /^a b {3}c\\x1b\[31md e/m);
});
