/** The first pause; it doubles with every attempt. */
const FIRST_MS = 500;
/** Nobody waits longer between two attempts; who asks for more is told to come back later. */
const LONGEST_MS = 60_000;

/** How long to wait after the `sent`-th attempt, in ms; null: longer than is worth waiting for. */
export function retryDelay(sent: number, retryAfterMs: number | null, random: () => number): number | null {
  if (retryAfterMs !== null && retryAfterMs > LONGEST_MS) return null;
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** (sent - 1));
  // Half of it by chance: clients that were turned away together do not come back together.
  const byChance = (random() * most) / 2;
  return retryAfterMs === null ? most / 2 + byChance : retryAfterMs + byChance;
}

/** What `Retry-After` says, seconds or a date, in ms from now; null: it says nothing. */
export function retryAfter(headers: Headers, now: number): number | null {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  // `Date.parse` makes a date of nearly anything, `-5` and `1.5` included; a date of HTTP begins with a day.
  const date = /^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
