/** What holding a machine costs, and how money and elapsed time are shown to people. */

import type { Millis } from './ids.ts';

const MS_PER_HOUR = 3_600_000;
/** Whole billionths of a dollar add up without rounding, in any order, to nine million dollars. */
const NANOS_PER_DOLLAR = 1e9;

/** By what costs are added up. */
export const COST_GROUPS = ['instance', 'run', 'fleet', 'backend', 'user'] as const;
export type CostGroup = (typeof COST_GROUPS)[number];

export interface Hold {
  /** US dollars. */
  readonly pricePerHour: number;
  readonly fromMs: Millis;
  readonly untilMs: Millis;
}

/**
 * US dollars for holding something at a price from one moment until another, to a billionth.
 * An end before the beginning (a clock that was set back) costs nothing.
 */
export function holdCost(pricePerHour: number, fromMs: Millis, untilMs: Millis): number {
  const hours = Math.max(0, untilMs - fromMs) / MS_PER_HOUR;
  return toNanos(pricePerHour * hours) / NANOS_PER_DOLLAR;
}

/** US dollars for several holds; the order does not matter. */
export function totalCost(holds: Iterable<Hold>): number {
  let nanos = 0;
  for (const hold of holds) nanos += toNanos(holdCost(hold.pricePerHour, hold.fromMs, hold.untilMs));
  return nanos / NANOS_PER_DOLLAR;
}

/** The sum of US dollar amounts; the order does not matter. */
export function sumDollars(amounts: Iterable<number>): number {
  let nanos = 0;
  for (const amount of amounts) nanos += toNanos(amount);
  return nanos / NANOS_PER_DOLLAR;
}

function toNanos(dollars: number): number {
  return Math.round(dollars * NANOS_PER_DOLLAR);
}

/**
 * `$0`, `$0.0042`, `$0.526`, `$12.34`, `$1,234.50`: cents from a dollar up, below that four decimals
 * as far as they say something. `?` for what is no number.
 */
export function formatDollars(amount: number): string {
  if (!Number.isFinite(amount)) return '?';
  if (amount < 0) return `-${formatDollars(-amount)}`;
  if (amount === 0) return '$0';
  if (amount < 0.0001) return '<$0.0001';
  if (amount < 1) return `$${amount.toFixed(4).replace(/0{1,2}$/, '')}`;
  const [whole = '', cents = ''] = amount.toFixed(2).split('.');
  return `$${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${cents}`;
}

/** Elapsed time in two units at most, for people: `850ms`, `4.2s`, `42s`, `1m 05s`, `2h 03m`, `3d 04h`. */
export function formatElapsed(ms: number): string {
  if (!Number.isFinite(ms)) return '?';
  if (ms < 0) return `-${formatElapsed(-ms)}`;
  if (ms < 1000) return `${Math.floor(ms)}ms`;
  // Rounded down like a clock: a minute is shown when it is over.
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${pad(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${pad(hours % 24)}h`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
