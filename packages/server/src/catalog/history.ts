/** What the catalog of this machine remembers of prices. */
import { setImmediate as turn } from 'node:timers/promises';
import { PriceHistory } from '@berth/catalog/history';
import { cheapestOverTime } from '@berth/catalog/history-query';
import { loadCached, loadCachedHistory } from '@berth/catalog/pull-load';
import type { Trust } from '@berth/catalog/signature';
import { resolveAccelerator } from '@berth/core/accelerators';
import type { CatalogHistoryView } from '@berth/core/api-catalog';
import type { HistoryToolOptions } from '@berth/core/catalog-tool';
import { HISTORY_CAPACITY_TYPES } from '@berth/core/offer';
import { requireKnown } from './filter-of-body.ts';
import { type CatalogPlaces, pulledPlaces } from './places.ts';

/**
 * The cheapest price of one device over time, by backend and capacity type.
 * @throws BerthError `invalid-request` for an accelerator that nobody knows
 */
export async function historyOf(
  places: CatalogPlaces,
  gpu: string,
  { capacityType, since }: HistoryToolOptions,
): Promise<CatalogHistoryView> {
  const histories = await allHistories(places);
  const labels = () => histories.flatMap(({ series }) => series.flatMap(({ accelerator }) => accelerator?.name ?? []));
  requireKnown(gpu, labels);
  const known = resolveAccelerator(gpu);
  const accelerator = known?.name ?? labels().find((label) => label.toLowerCase() === gpu.toLowerCase()) ?? gpu;
  const types = capacityType === null ? HISTORY_CAPACITY_TYPES : [capacityType];
  const series = types.flatMap((type) => {
    const steps = cheapestOverTime(histories, {
      accelerator,
      memoryMiB: known?.memoryMiB ?? null,
      capacityTypes: [type],
      ...(since === null ? {} : { since }),
    });
    return [...Map.groupBy(steps, ({ backend }) => backend)].map(([backend, own]) => ({
      backend,
      capacity_type: type,
      points: own.map(({ at, pricePerGpuHour }) => ({ at, price_per_gpu: pricePerGpuHour })),
    }));
  });
  return {
    gpu: accelerator,
    series: series.sort((a, b) => (a.backend < b.backend ? -1 : a.backend > b.backend ? 1 : 0)),
  };
}

/** One of each source: the one that knows the most recent prices, and of two such the longer one. */
async function allHistories(places: CatalogPlaces): Promise<readonly PriceHistory[]> {
  const best = new Map<string, PriceHistory>();
  for (const { dir, trust } of await foldersOf(places)) {
    for (const { name } of (await loadCached(dir, trust)).sources) {
      const history = await readHistory(dir, trust, name);
      await turn(); // a history of years takes a while to read
      const other = best.get(name);
      if (history !== null && (other === undefined || isBetter(history, other))) best.set(name, history);
    }
  }
  return [...best.values()];
}

/** The one that a new version of the source is added to; empty when there is none. */
export async function lastHistory(places: CatalogPlaces, source: string): Promise<PriceHistory> {
  let best = PriceHistory.empty();
  for (const { dir, trust } of await foldersOf(places)) {
    const history = await readHistory(dir, trust, source);
    if (history !== null && isBetter(history, best)) best = history;
  }
  return best;
}

function isBetter(a: PriceHistory, b: PriceHistory): boolean {
  return (a.lastAt ?? 0) - (b.lastAt ?? 0) > 0 || (a.lastAt === b.lastAt && a.changes > b.changes);
}

async function readHistory(dir: string, trust: Trust, source: string): Promise<PriceHistory | null> {
  const bytes = await loadCachedHistory(dir, trust, source);
  return bytes === null ? null : PriceHistory.read(bytes).history;
}

async function foldersOf(places: CatalogPlaces): Promise<readonly { readonly dir: string; readonly trust: Trust }[]> {
  return [{ dir: places.collected, trust: 'unsigned' }, ...(await pulledPlaces(places))];
}
