import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readPythonLiteral } from './python-literal.ts';
import { pythonFloat, pythonJson } from './python-text.ts';

test('floats are printed as Python prints them', () => {
  const printed: readonly (readonly [number, string])[] = [
    [1, '1.0'],
    [0.5, '0.5'],
    [0, '0.0'],
    [-0, '-0.0'],
    [-2.25, '-2.25'],
    [100, '100.0'],
    [1234567.891, '1234567.891'],
    [0.0001, '0.0001'],
    [0.0001234, '0.0001234'],
    [0.00001, '1e-05'],
    [1.5e-7, '1.5e-07'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [1e22, '1e+22'],
    [1e100, '1e+100'],
    [5e-324, '5e-324'],
  ];
  for (const [value, text] of printed) assert.equal(pythonFloat(value), text);
});

test('a printed float reads as the same number', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.ok(Object.is(Number(pythonFloat(value)), value), pythonFloat(value));
    }),
  );
});

test('JSON is printed as Python prints it, and reads as the same value', () => {
  const value = { a: 1, b: [1.5, null, true], c: 'ü"\u007f😀', d: 1e16, e: {} };
  const text = '{"a": 1, "b": [1.5, null, true], "c": "\\u00fc\\"\\u007f\\ud83d\\ude00", "d": 1e+16, "e": {}}';
  assert.equal(pythonJson(value), text);
  fc.assert(
    fc.property(fc.jsonValue(), (json) =>
      assert.deepEqual(JSON.parse(pythonJson(json)), JSON.parse(JSON.stringify(json))),
    ),
  );
});

test("Python's literals are read, in either quotes", () => {
  const text = `{'Gpus': [{'Name': "A'100", 'Count': 8.0, 'Spot': False, 'X': None, 'T': (1, -2e3,)}], 'Total': 655360}`;
  const gpu = new Map<string, unknown>([
    ['Name', "A'100"],
    ['Count', 8],
    ['Spot', false],
    ['X', null],
    ['T', [1, -2000]],
  ]);
  assert.deepEqual(
    readPythonLiteral(text),
    new Map<string, unknown>([
      ['Gpus', [gpu]],
      ['Total', 655360],
    ]),
  );
});

test('what is no literal reads as nothing: calls, names, broken and bottomless ones', () => {
  const texts = [
    '__import__("os")',
    'x',
    '{',
    "{'a'}",
    "{'a': }",
    '[1,,2]',
    '[1 2]',
    "'open",
    '1 2',
    '',
    '{1: 2}',
    '['.repeat(100_000),
  ];
  for (const text of [...texts, '['.repeat(40) + ']'.repeat(40)])
    assert.equal(readPythonLiteral(text), null, text.slice(0, 20));
});

test('no text makes reading a literal throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void readPythonLiteral(text)));
});
