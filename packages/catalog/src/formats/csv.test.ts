import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CSV_LIMITS, type CsvLimits, CsvScanner } from './csv.ts';
import { CellProblem, CsvColumn, cellText } from './csv-column.ts';
import { CsvError } from './csv-error.ts';
import { csvRow } from './csv-text.ts';

const utf8 = new TextEncoder();

interface Scan {
  readonly rows: (string | null)[][];
  readonly malformed: { row: number; column: number; reason: string }[];
}

/** Every cell as text (null: it is none), fed in chunks of `size` bytes. */
function scan(input: string | Uint8Array, size = Number.POSITIVE_INFINITY, limits: CsvLimits = CSV_LIMITS): Scan {
  const bytes = typeof input === 'string' ? utf8.encode(input) : input;
  const rows: (string | null)[][] = [];
  const malformed: Scan['malformed'] = [];
  const scanner = new CsvScanner((record) => {
    if (record.malformed !== null) {
      malformed.push({ row: record.row, ...record.malformed });
      return;
    }
    const cells = Array.from({ length: record.fields }, (_, field) => cellText(record, field));
    rows.push(cells.map((cell) => (cell instanceof CellProblem ? null : cell)));
  }, limits);
  for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, Math.min(bytes.length, at + size)));
  scanner.end();
  return { rows, malformed };
}

const cells = fc.array(
  fc.array(fc.oneof(fc.constantFrom('', '"', ',', '\r\n', 'ü', '""', ' a '), fc.string()), {
    minLength: 1,
    maxLength: 6,
  }),
);

test('what is written is read again, in whatever pieces it comes', () => {
  fc.assert(
    fc.property(cells, fc.integer({ min: 1, max: 40 }), (rows, size) => {
      const sound = rows.map((row) => row.map((cell) => cell.replaceAll('\0', '').toWellFormed()));
      const text = sound.map(csvRow).join('');
      const read = scan(text, size).rows;
      assert.deepEqual(
        read,
        sound.filter((row) => row.length > 1 || row[0] !== ''),
      );
    }),
  );
});

test('no bytes make the scanner throw anything but a CsvError, or read more rows in pieces than at once', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (bytes, size) => {
      const attempt = (pieces: number) => {
        try {
          return scan(bytes, pieces);
        } catch (error) {
          assert.ok(error instanceof CsvError);
          return null;
        }
      };
      assert.deepEqual(attempt(size), attempt(bytes.length + 1));
    }),
  );
});

test('lines end with CRLF, LF or CR in one file, the last one with nothing', () => {
  assert.deepEqual(scan('a,b\r\nc,d\ne,f\rg,h').rows, [
    ['a', 'b'],
    ['c', 'd'],
    ['e', 'f'],
    ['g', 'h'],
  ]);
});

test('a byte order mark and blank lines are no cells', () => {
  assert.deepEqual(scan('\ufeffa,b\r\n\r\n1,2\r\n', 1).rows, [
    ['a', 'b'],
    ['1', '2'],
  ]);
});

test('an empty last cell is a cell', () => {
  assert.deepEqual(scan('a,').rows, [['a', '']]);
  assert.deepEqual(scan('a,""').rows, [['a', '']]);
});

test('a quoted line end begins no row, and a quote inside an unquoted cell stands for itself', () => {
  assert.deepEqual(scan('"a\r\nb",2\n15" disk,3').rows, [
    ['a\r\nb', '2'],
    ['15" disk', '3'],
  ]);
});

test('text behind a closing quote and a quote that is never closed are told with row and column', () => {
  const read = scan('a,b\n1,"x"y\n2,3\n4,"open\n5,6');
  assert.deepEqual(read.rows, [
    ['a', 'b'],
    ['2', '3'],
  ]);
  assert.deepEqual(read.malformed, [
    { row: 2, column: 2, reason: 'there is text behind the closing quote' },
    { row: 4, column: 2, reason: 'the quote is never closed' },
  ]);
});

test('a cell with a NUL byte, or that is not UTF-8, is no text', () => {
  assert.deepEqual(scan(Uint8Array.from([0x61, 0x00, 0x2c, 0xff, 0x2c, 0x62])).rows, [[null, null, 'b']]);
});

test('a UTF-16 file is named as one', () => {
  assert.throws(() => scan(Uint8Array.from([0xff, 0xfe, 0x61, 0x00])), /UTF-16/);
});

test('a line of 100 MB is refused after the first of them, with its place, and is not held', () => {
  const scanner = new CsvScanner(() => undefined);
  const chunk = new Uint8Array(64 * 1024).fill(0x61);
  scanner.push(utf8.encode('a,b\n1,'));
  let pushed = 0;
  const push = () => {
    while (pushed < 100 * 1024 * 1024) {
      scanner.push(chunk);
      pushed += chunk.length;
    }
  };
  assert.throws(push, { code: 'too-large', place: { row: 2, column: 2 } });
  assert.ok(pushed <= 3 * CSV_LIMITS.recordBytes, `${pushed} bytes`);
});

test('a long line is refused also when the whole file is in memory, or the line is one quoted cell', () => {
  const limits = { ...CSV_LIMITS, recordBytes: 100 };
  assert.throws(() => scan(`a\n${'x'.repeat(101)}\n`, 1000, limits), { code: 'too-large' });
  assert.throws(() => scan(`a\n"${'x\n'.repeat(101)}`, 7, limits), { code: 'too-large' });
  assert.equal(scan(`${'x'.repeat(99)}\n`.repeat(1000), 7, limits).rows.length, 1000);
});

test('columns and rows have limits', () => {
  assert.throws(() => scan(','.repeat(300)), { code: 'too-large', place: { row: 1, column: 257 } });
  assert.throws(() => scan('a\nb\nc', 1, { ...CSV_LIMITS, records: 2 }), { code: 'too-large' });
});

test('a long record in single bytes costs no more than its length a few times', () => {
  const record = `"${'x'.repeat(900_000)}"\n`;
  const begin = performance.now();
  assert.equal(scan(record, 1).rows.length, 1);
  assert.ok(performance.now() - begin < 3000, 'quadratic');
});

test('a column gives every cell its own value, however many there are, and keeps 65,535 of them', () => {
  let parsed = 0;
  const column = new CsvColumn(0, (text) => {
    parsed++;
    return `<${text}>`;
  });
  const seen: unknown[] = [];
  let highest = 0;
  const scanner = new CsvScanner((record) => {
    const code = column.code(record);
    highest = Math.max(highest, code);
    seen.push(column.at(code));
  });
  const distinct = Array.from({ length: 70_000 }, (_, i) => `cell-${i}`);
  scanner.push(utf8.encode([...distinct, ...distinct].join('\n')));
  scanner.end();
  assert.deepEqual(
    seen,
    [...distinct, ...distinct].map((text) => `<${text}>`),
  );
  assert.equal(highest, 65_535);
  assert.equal(parsed, 70_000 + (70_000 - 65_535));
});

test('cells whose hashes collide stay apart', () => {
  const column = new CsvColumn(0, (text) => text);
  const seen: unknown[] = [];
  const hashes = new Set<number>();
  const scanner = new CsvScanner((record) => {
    hashes.add(record.hashes[0] ?? 0);
    seen.push(column.value(record));
  });
  scanner.push(utf8.encode('declinate\nmacallums\ndeclinate\n'));
  scanner.end();
  assert.equal(hashes.size, 1);
  assert.deepEqual(seen, ['declinate', 'macallums', 'declinate']);
});

test('a cell with doubled quotes is not taken for the one that looks like it', () => {
  const column = new CsvColumn(0, (text) => text);
  const seen: unknown[] = [];
  const scanner = new CsvScanner((record) => seen.push(column.value(record)));
  scanner.push(utf8.encode('"a""b"\na""b\n"a""b"\n'));
  scanner.end();
  assert.deepEqual(seen, ['a"b', 'a""b', 'a"b']);
});
