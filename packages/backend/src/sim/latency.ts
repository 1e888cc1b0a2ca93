/** How long something takes, as a distribution. */
import type { Seeded } from './seeded.ts';

/** Times in ms. A plain number is always that long. */
export type Latency =
  | number
  | { readonly kind: 'uniform'; readonly fromMs: number; readonly toMs: number }
  /** `sigma` is that of the logarithm; with `tail`, that share of the draws takes `tail.ms` instead. */
  | {
      readonly kind: 'log-normal';
      readonly medianMs: number;
      readonly sigma: number;
      readonly tail?: { readonly probability: number; readonly ms: number };
    }
  /** Of things that happen at a constant rate. */
  | { readonly kind: 'exponential'; readonly meanMs: number };

/** Whole milliseconds. */
export function draw(latency: Latency, random: Seeded): number {
  if (typeof latency === 'number') return latency;
  switch (latency.kind) {
    case 'uniform':
      return Math.round(latency.fromMs + random.next() * (latency.toMs - latency.fromMs));
    case 'log-normal':
      if (latency.tail !== undefined && random.chance(latency.tail.probability)) return latency.tail.ms;
      return Math.round(latency.medianMs * Math.exp(latency.sigma * normal(random)));
    case 'exponential':
      return Math.round(-Math.log(1 - random.next()) * latency.meanMs);
  }
}

/** Box and Muller's. */
function normal(random: Seeded): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
