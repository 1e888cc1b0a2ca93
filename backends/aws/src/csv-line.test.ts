import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitCsvLine } from './csv-line.ts';

test('commas and doubled quotes inside a quoted cell belong to it', () => {
  assert.deepEqual(splitCsvLine('"Linux/UNIX, m5.large","4 GiB",,"say ""yes"""'), [
    'Linux/UNIX, m5.large',
    '4 GiB',
    '',
    'say "yes"',
  ]);
});

test('empty cells at the end count', () => {
  assert.deepEqual(splitCsvLine('a,,'), ['a', '', '']);
  assert.deepEqual(splitCsvLine(''), ['']);
});

test('a line that was cut off inside a cell is no line', () => {
  assert.equal(splitCsvLine('"a","b'), null);
  assert.equal(splitCsvLine('"a"b,"c"'), null);
});
