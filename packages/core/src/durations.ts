import { BerthError } from './errors.ts';
import { quote } from './quote.ts';

/** Seconds, or `off` where a limit is switched off. */
export type Duration = number | 'off';

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;
type DurationUnit = keyof typeof SECONDS;
const UNITS_FROM_LARGEST: readonly DurationUnit[] = ['w', 'd', 'h', 'm', 's'];

/** A century: longer is a slip of the keyboard, and far below what a timestamp can hold. */
const LONGEST_SECONDS = 100 * 365 * SECONDS.d;

/** What `parseDuration` takes, for JSON Schema. */
export const DURATION_PATTERN = '^\\s*(off|-1|\\d+\\s*[smhdw]?)\\s*$';

/**
 * `90` (seconds), `90s`, `5m`, `2h`, `3d`, `1w`; `off`, `false` and `-1` switch the limit off.
 * @throws BerthError `invalid-configuration`
 */
export function parseDuration(value: string | number | false): Duration {
  if (value === false) return 'off';
  const text = String(value).trim();
  if (text === 'off' || text === '-1') return 'off';
  const match = /^(\d+)\s*([smhdw]?)$/.exec(text);
  if (match === null) {
    throw new BerthError('invalid-configuration', `${quote(text)} is not a duration`, { hint: hintFor(text) });
  }
  const unit = (match[2] || 's') as DurationUnit; // the pattern allows nothing else
  const seconds = Number(match[1]) * SECONDS[unit];
  if (seconds > LONGEST_SECONDS) {
    throw new BerthError('invalid-configuration', `${quote(text)} is longer than a hundred years`, {
      hint: 'write `off` for no limit',
    });
  }
  return seconds;
}

/** The shortest text that `parseDuration` reads as the same duration. */
export function formatDuration(duration: Duration): string {
  if (duration === 'off') return 'off';
  if (duration === 0) return '0s';
  const unit = UNITS_FROM_LARGEST.find((u) => duration % SECONDS[u] === 0) ?? 's';
  return `${duration / SECONDS[unit]}${unit}`;
}

/** Milliseconds; null for `off`. */
export function durationMs(duration: Duration): number | null {
  return duration === 'off' ? null : duration * 1000;
}

function hintFor(text: string): string {
  const parts = [...text.matchAll(/(\d+)\s*([smhdw])/g)];
  if (parts.length > 1 && parts.map((part) => part[0]).join('') === text.replaceAll(' ', '')) {
    let seconds = 0;
    for (const part of parts) seconds += Number(part[1]) * SECONDS[part[2] as DurationUnit]; // as the pattern says
    return `one number and one unit: write \`${formatDuration(seconds)}\``;
  }
  return 'write a number and one of s, m, h, d, w (for example `90s`, `5m`, `2h`), or `off`';
}
