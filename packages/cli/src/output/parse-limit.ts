import { usageError } from '../usage-error.ts';

const DURATION = /^(\d{1,6})(s|m|h)$/;
const MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `0.50`, in US dollars. @throws BerthError */
export function parseDollars(text: string): number {
  const amount = /^\$?\d{1,6}(?:\.\d{1,4})?$/.test(text) ? Number(text.replace('$', '')) : Number.NaN;
  if (amount > 0) return amount;
  throw usageError(`"${text}" is no amount of dollars`, 'write it like 0.50');
}

/** `90s`, `30m`, `2h`; in ms. @throws BerthError */
export function parseTimeLimit(text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  const ms = Number(amount) * (unit === 's' || unit === 'm' || unit === 'h' ? MS[unit] : Number.NaN);
  if (ms > 0) return ms;
  throw usageError(`"${text}" is no duration`, 'write it like 90s, 30m or 2h');
}
