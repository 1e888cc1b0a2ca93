/** The cheapest price of an accelerator over time, per backend. */

import { type PriceHistory, seriesId } from './history.ts';
import { DAY_MS } from './history-compact.ts';
import type { HistorySeries } from './history-log.ts';

export interface HistoryQuery {
  /** Canonical. */
  readonly accelerator: string;
  /** Of one device; null: any. */
  readonly memoryMiB?: number | null;
  /** Devices of one machine, both ends included; null: any. */
  readonly count?: { readonly min: number | null; readonly max: number | null } | null;
  /** Absent: any. */
  readonly capacityTypes?: readonly HistorySeries['capacityType'][];
  readonly backends?: readonly string[];
  /** Milliseconds since 1970; what held then is the first step. Absent: 90 days before the last record. */
  readonly since?: number;
}

/** From `at` on, until the backend's next step. */
export interface PriceStep {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly backend: string;
  /** US dollars per hour and device; null: it is not sold. */
  readonly pricePerGpuHour: number | null;
  /** Id of the cheapest offer. */
  readonly offer: string | null;
}

const DEFAULT_SPAN_MS = 90 * DAY_MS;

/** Steps of all backends, by time. Histories are of one source each; a backend may be in several. */
export function cheapestOverTime(histories: Iterable<PriceHistory>, query: HistoryQuery): PriceStep[] {
  const all = [...histories];
  const last = all.reduce((latest, { lastAt }) => Math.max(latest, lastAt ?? 0), 0);
  const since = query.since ?? last - DEFAULT_SPAN_MS;
  const markets = new Map<string, Cheapest>();
  const before = new Map<string, PriceStep>();
  const steps: PriceStep[] = [];
  for (const { at, changes } of momentsOf(all, query)) {
    const touched = new Set<string>();
    for (const { series, pricePerGpu } of changes) {
      const market = markets.get(series.backend) ?? new Cheapest();
      markets.set(series.backend, market);
      market.set(seriesId(series), pricePerGpu);
      touched.add(series.backend);
    }
    for (const backend of touched) {
      const { price, offer } = markets.get(backend)?.lowest() ?? NOTHING;
      // Which of two equal ones is the cheapest is no news.
      if ((before.get(backend)?.pricePerGpuHour ?? null) === price) continue;
      const step = { at, backend, pricePerGpuHour: price, offer };
      before.set(backend, step);
      steps.push(step);
    }
  }
  return startingAt(steps, since);
}

/** What held at `since` becomes a step then. */
function startingAt(steps: readonly PriceStep[], since: number): PriceStep[] {
  const held = new Map<string, PriceStep>();
  for (const step of steps) if (step.at <= since) held.set(step.backend, { ...step, at: since });
  const start = [...held.values()].filter(({ pricePerGpuHour }) => pricePerGpuHour !== null);
  return [...start, ...steps.filter(({ at }) => at > since)];
}

interface Moment {
  readonly at: number;
  readonly changes: readonly { readonly series: HistorySeries; readonly pricePerGpu: number | null }[];
}

/** Changes of the series that are asked for, of all histories, by time. */
function momentsOf(histories: readonly PriceHistory[], query: HistoryQuery): Moment[] {
  const moments: Moment[] = [];
  for (const { series: all, batches } of histories) {
    const asked = all.map((series) => (matches(series, query) ? series : null));
    for (const { at, changes } of batches) {
      const matching = changes.flatMap(([index, price]) => {
        const series = asked[index];
        if (series?.accelerator == null) return [];
        return [{ series, pricePerGpu: price === null ? null : price / 1e6 / series.accelerator.count }];
      });
      if (matching.length > 0) moments.push({ at, changes: matching });
    }
  }
  return moments.sort((a, b) => a.at - b.at);
}

function matches({ accelerator, capacityType, backend }: HistorySeries, query: HistoryQuery): boolean {
  if (accelerator?.name !== query.accelerator) return false;
  if (query.memoryMiB != null && accelerator.memoryMiB !== query.memoryMiB) return false;
  const { min = null, max = null } = query.count ?? {};
  if (min !== null && accelerator.count < min) return false;
  if (max !== null && accelerator.count > max) return false;
  if (query.capacityTypes?.includes(capacityType) === false) return false;
  return query.backends?.includes(backend) !== false;
}

interface Lowest {
  readonly price: number | null;
  readonly offer: string | null;
}

const NOTHING: Lowest = { price: null, offer: null };

/** The lowest of prices that come and go; it looks through all of them only when the lowest is gone. */
class Cheapest {
  readonly #prices = new Map<string, number>();
  #lowest: Lowest = NOTHING;
  #stale = false;

  set(offer: string, price: number | null): void {
    if (price === null) this.#prices.delete(offer);
    else this.#prices.set(offer, price);
    if (price !== null && (this.#lowest.price === null || price <= this.#lowest.price)) this.#lowest = { price, offer };
    else if (offer === this.#lowest.offer) this.#stale = true;
  }

  lowest(): Lowest {
    if (!this.#stale) return this.#lowest;
    this.#stale = false;
    this.#lowest = NOTHING;
    for (const [offer, price] of this.#prices) {
      if (this.#lowest.price === null || price < this.#lowest.price) this.#lowest = { price, offer };
    }
    return this.#lowest;
  }
}
