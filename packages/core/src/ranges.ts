import { BerthError } from './errors.ts';
import type { Range } from './offer.ts';
import { quote } from './quote.ts';

/** How the ends of a range are written: a count, a memory size. */
export interface RangeUnit {
  /** @throws BerthError when `text` is no value of this kind */
  readonly parse: (text: string) => number;
  readonly format: (value: number) => string;
  /** A regular expression for one end, without anchors. */
  readonly pattern: string;
}

export const COUNT: RangeUnit = { parse: parseCount, format: String, pattern: '\\d+' };

/**
 * `4` (exactly), `2..8`, `2..`, `..8`; both ends belong to the range.
 * @throws BerthError `invalid-configuration`
 */
export function parseRange(text: string, unit: RangeUnit): Range {
  const trimmed = text.trim();
  const dots = trimmed.indexOf('..');
  if (dots < 0) {
    const value = unit.parse(trimmed);
    return { min: value, max: value };
  }
  const low = trimmed.slice(0, dots).trim();
  const high = trimmed.slice(dots + 2).trim();
  if (low === '' && high === '') {
    throw new BerthError('invalid-configuration', '`..` says neither where the range begins nor where it ends', {
      hint: 'write `2..`, `..8` or `2..8`',
    });
  }
  return checkRange({ min: low === '' ? null : unit.parse(low), max: high === '' ? null : unit.parse(high) }, unit);
}

/** @throws BerthError `invalid-configuration` when no value can lie in the range */
export function checkRange(range: Range, unit: RangeUnit): Range {
  if (range.min !== null && range.max !== null && range.min > range.max) {
    const low = unit.format(range.min);
    const high = unit.format(range.max);
    throw new BerthError('invalid-configuration', `\`${low}..${high}\` begins above its end`, {
      hint: `write \`${high}..${low}\``,
    });
  }
  return range;
}

/** The text that `parseRange` reads as the same range; a range open at both ends is shown as `0..`. */
export function formatRange(range: Range, unit: RangeUnit = COUNT): string {
  if (range.min === null && range.max === null) return `${unit.format(0)}..`;
  if (range.min === range.max && range.min !== null) return unit.format(range.min);
  const low = range.min === null ? '' : unit.format(range.min);
  const high = range.max === null ? '' : unit.format(range.max);
  return `${low}..${high}`;
}

export function rangePattern(unit: RangeUnit): string {
  const end = `\\s*${unit.pattern}\\s*`;
  return `^(${end}|${end}\\.\\.(${end})?|\\s*\\.\\.${end})$`;
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new BerthError('invalid-configuration', `${quote(text)} is not a whole number`, {
      hint: 'write a number such as `4`, or a range such as `2..8`, `2..` or `..8`',
    });
  }
  return Number(text);
}
