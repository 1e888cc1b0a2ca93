/** Old price changes as one price a day, the lowest. */

import type { HistoryBatch, MicroPrice } from './history-log.ts';

export const DAY_MS = 24 * 60 * 60_000;

interface Step {
  readonly at: number;
  readonly price: MicroPrice;
}

/**
 * Before `from`: only what held then. From there until `detailFrom`: each day's lowest price, from its
 * midnight on. After it: everything. Both are midnights, in ms since 1970, UTC as all days here.
 */
export function compactBatches(batches: readonly HistoryBatch[], from: number, detailFrom: number): HistoryBatch[] {
  const bySeries = new Map<number, Step[]>();
  for (const { at, changes } of batches) {
    for (const [series, price] of changes) {
      const steps = bySeries.get(series);
      if (steps === undefined) bySeries.set(series, [{ at, price }]);
      else steps.push({ at, price });
    }
  }
  const byTime = new Map<number, [number, MicroPrice][]>();
  for (const [series, steps] of bySeries) {
    for (const { at, price } of compactSteps(steps, from, detailFrom)) {
      const changes = byTime.get(at);
      if (changes === undefined) byTime.set(at, [[series, price]]);
      else changes.push([series, price]);
    }
  }
  return [...byTime].sort(([a], [b]) => a - b).map(([at, changes]) => ({ at, changes }));
}

function compactSteps(steps: readonly Step[], from: number, detailFrom: number): Step[] {
  const compacted: Step[] = [];
  const show = (at: number, price: MicroPrice): void => {
    if (compacted.at(-1)?.at === at) compacted.pop();
    if ((compacted.at(-1)?.price ?? null) !== price) compacted.push({ at, price });
  };
  let held: MicroPrice = null;
  let next = 0;
  const take = (before: number): MicroPrice[] => {
    const taken: MicroPrice[] = [];
    for (let step = steps[next]; step !== undefined && step.at < before; step = steps[++next]) taken.push(step.price);
    const last = taken.at(-1);
    if (last !== undefined) held = last;
    return taken;
  };
  take(from);
  show(from, held);
  for (let step = steps[next]; step !== undefined && step.at < detailFrom; step = steps[next]) {
    const day = Math.floor(step.at / DAY_MS) * DAY_MS;
    // A change at midnight sharp leaves nothing of the price before to this day.
    const early = step.at === day ? null : held;
    show(day, take(day + DAY_MS).reduce(least, early));
    show(day + DAY_MS, held);
  }
  for (const { at, price } of steps.slice(next)) show(at, price);
  return compacted;
}

function least(a: MicroPrice, b: MicroPrice): MicroPrice {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
