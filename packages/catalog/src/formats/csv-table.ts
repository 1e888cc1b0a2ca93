/** A CSV file with a header: its columns by name, its rows one by one, bad ones counted. */

import { type ByteSource, chunksOf } from './byte-source.ts';
import { CSV_LIMITS, type CsvLimits, type CsvRecord, CsvScanner } from './csv.ts';
import { CellProblem, cellText } from './csv-column.ts';
import { CsvError } from './csv-error.ts';
import type { ImportCount } from './import-report.ts';

export interface CsvHeader {
  /** As written, without blanks around. */
  readonly names: readonly string[];
  /** Index of the first of these names that the file has, in any letter case; -1: none. */
  find(...names: readonly string[]): number;
}

export interface CsvTableOptions {
  /** What the file should be, for messages: `gpuhunt's CSV`. */
  readonly format: string;
  /** Called once, before any row. Throws when the columns are not those of the format. */
  readonly onHeader: (header: CsvHeader) => (record: CsvRecord) => void;
  readonly count: ImportCount;
  readonly limits?: CsvLimits;
  readonly signal?: AbortSignal;
}

/** @throws CsvError when the file as a whole cannot be read; a bad row is counted and left out */
export async function readCsvTable(source: ByteSource, options: CsvTableOptions): Promise<void> {
  const { count, format } = options;
  let headed = false;
  let onRow = (record: CsvRecord): void => {
    onRow = options.onHeader(readHeader(record, format));
    headed = true;
  };
  const scanner = new CsvScanner((record) => {
    if (!headed) return onRow(record);
    count.rows++;
    if (record.malformed === null) onRow(record);
    else count.reject(record.row, null, record.malformed.reason, `column ${record.malformed.column}`);
  }, options.limits ?? CSV_LIMITS);
  for await (const chunk of chunksOf(source)) {
    options.signal?.throwIfAborted();
    scanner.push(chunk);
  }
  scanner.end();
  if (!headed) {
    throw new CsvError('invalid-request', `the file is empty, not ${format}`, null, {
      hint: 'the old data stays; fetch the file again',
    });
  }
}

function readHeader(record: CsvRecord, format: string): CsvHeader {
  const names: string[] = [];
  for (let field = 0; field < record.fields; field++) {
    const text = cellText(record, field);
    if (text instanceof CellProblem) {
      throw new CsvError('invalid-request', `a column's name ${text.reason}, so this is not ${format}`, {
        row: record.row,
        column: field + 1,
      });
    }
    names.push(text.trim());
  }
  const first = names[0] ?? '';
  if (first.startsWith('<') || first.startsWith('{') || first.startsWith('[')) {
    const what = first.startsWith('<') ? 'HTML or XML' : 'JSON';
    throw new CsvError(
      'invalid-request',
      `the file is ${what}, not ${format}`,
      { row: record.row, column: 1 },
      { hint: 'a server that answers an error as a page gives this; open the address in a browser' },
    );
  }
  if (record.malformed !== null) {
    throw new CsvError('invalid-request', `in the header, ${record.malformed.reason}`, {
      row: record.row,
      column: record.malformed.column,
    });
  }
  const folded = names.map((name) => name.toLowerCase());
  const twice = folded.findIndex((name, at) => name !== '' && folded.indexOf(name) !== at);
  if (twice >= 0) {
    throw new CsvError('invalid-request', `the column ${names[twice]} is there twice`, {
      row: record.row,
      column: twice + 1,
    });
  }
  return { names, find: (...wanted) => findColumn(folded, wanted) };
}

function findColumn(folded: readonly string[], wanted: readonly string[]): number {
  for (const name of wanted) {
    const at = folded.indexOf(name.toLowerCase());
    if (at >= 0) return at;
  }
  return -1;
}

/** @throws CsvError naming what is missing */
export function requireColumns(header: CsvHeader, format: string, names: readonly string[]): void {
  const missing = names.filter((name) => header.find(name) < 0);
  if (missing.length === 0) return;
  throw new CsvError(
    'invalid-request',
    `this is not ${format}: it has no column ${missing.join(', ')}`,
    { row: 1, column: 1 },
    { hint: `the first row must name the columns; it begins ${JSON.stringify(header.names.slice(0, 4).join(','))}` },
  );
}
