/** What cells of price lists hold: numbers that can be, words of a list. */

import type { CsvRecord } from './csv.ts';
import { CellProblem, cellText } from './csv-column.ts';

/**
 * No machine on sale passes these by far. Above them a number is a mistake of units or of the file, and
 * would crowd out what is real wherever offers are sorted or summed.
 */
export const HIGHEST = {
  /** US dollars per hour. */
  price: 1_000_000,
  cpus: 100_000,
  /** 1 PiB, of a host or of all its devices. */
  memoryGib: 1024 * 1024,
  /** The largest slice of TPUs has some 9,000 chips. */
  accelerators: 100_000,
  diskGb: 1024 * 1024 * 1024,
} as const;

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,4})?$/i;
const NOT_FINITE = /^[+-]?(?:nan|inf|infinity)$/i;

export const EMPTY = new CellProblem('is empty');
const NOT_A_NUMBER = new CellProblem('is not a number');
const NOT_WHOLE = new CellProblem('is not a whole number');
const NOT_ONE = new CellProblem('is nan or infinite');
const NEGATIVE = new CellProblem('is negative');
const TOO_LARGE = new CellProblem('is larger than any real one');

/** From 0 to `highest`. */
export function parseNumber(text: string, highest: number): number | CellProblem {
  const trimmed = text.trim();
  if (trimmed === '') return EMPTY;
  if (!DECIMAL.test(trimmed)) return NOT_FINITE.test(trimmed) ? NOT_ONE : NOT_A_NUMBER;
  return withinBounds(Number(trimmed), highest);
}

export function parseWhole(text: string, highest: number): number | CellProblem {
  const value = parseNumber(text, highest);
  return value instanceof CellProblem || Number.isInteger(value) ? value : NOT_WHOLE;
}

/** An empty cell is null. */
export function parseOptional(text: string, highest: number): number | null | CellProblem {
  return text.trim() === '' ? null : parseNumber(text, highest);
}

function withinBounds(value: number, highest: number): number | CellProblem {
  if (value < 0) return NEGATIVE;
  return value <= highest ? value : TOO_LARGE;
}

export function parseRequired(text: string): string | CellProblem {
  const trimmed = text.trim();
  return trimmed === '' ? EMPTY : trimmed;
}

const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/**
 * `parseNumber` of a cell whose values seldom repeat, without a string for it. Digits and a power of ten
 * that are both exact as doubles have an exactly rounded quotient, so that the result is that of `Number`.
 */
export function readNumber(record: CsvRecord, field: number, highest: number): number | CellProblem {
  if (field < 0 || field >= record.fields) return EMPTY;
  const { bytes } = record;
  const end = record.ends[field] ?? 0;
  const start = record.starts[field] ?? 0;
  if (end === start) return EMPTY;
  if (end - start > 16) return slowNumber(record, field, highest);
  let digits = 0;
  let decimals = -1;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      digits = digits * 10 + (byte - 0x30);
      if (decimals >= 0) decimals++;
    } else if (byte === 0x2e && decimals < 0 && at > start) {
      decimals = 0;
    } else {
      return slowNumber(record, field, highest);
    }
  }
  // At most 16 digits; 15 are always exact, and so are these.
  if (digits > Number.MAX_SAFE_INTEGER) return slowNumber(record, field, highest);
  const value = decimals <= 0 ? digits : digits / (POWERS[decimals] ?? 1);
  return value <= highest ? value : TOO_LARGE;
}

function slowNumber(record: CsvRecord, field: number, highest: number): number | CellProblem {
  const text = cellText(record, field);
  return text instanceof CellProblem ? text : parseNumber(text, highest);
}
