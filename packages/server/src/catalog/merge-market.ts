/** The market of a project: what clouds sell, and the machines that its own backends have. Two sorted answers become one. */
import {
  type CatalogAnswer,
  type CatalogOffer,
  type OfferGroup,
  type OfferSort,
  pricePerGpu,
  pricePerGpuGib,
} from '@berth/catalog';

/** In the order of the catalog's own answers. */
export function mergeOffers(
  answers: readonly CatalogAnswer[],
  sort: OfferSort,
  limit: number,
): readonly CatalogOffer[] {
  const all = answers.flatMap(({ offers }) => offers);
  const key = sort === 'price-per-gpu' ? pricePerGpu : sort === 'price-per-gpu-gib' ? pricePerGpuGib : null;
  const order = (a: CatalogOffer, b: CatalogOffer): number =>
    (key === null ? 0 : compare(key(a), key(b))) ||
    a.pricePerHour - b.pricePerHour ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  return all.sort(order).slice(0, limit);
}

/** What has no such price comes last. */
function compare(a: number | null, b: number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return a - b;
}

/** Groups of the same key become one. */
export function mergeGroups(lists: readonly (readonly OfferGroup[])[]): readonly OfferGroup[] {
  const merged = new Map<string, OfferGroup>();
  for (const group of lists.flat()) {
    const { gpu, backend, region, gpuCount } = group;
    const key = JSON.stringify([gpu, backend, region, gpuCount]);
    const before = merged.get(key);
    merged.set(key, before === undefined ? group : joined(before, group));
  }
  return [...merged.values()].sort((a, b) => compare(a.minPrice, b.minPrice));
}

function joined(a: OfferGroup, b: OfferGroup): OfferGroup {
  const least = (x: number | null, y: number | null) => (x === null ? y : y === null ? x : Math.min(x, y));
  const most = (x: number | null, y: number | null) => (x === null ? y : y === null ? x : Math.max(x, y));
  const union = <T>(x: readonly T[], y: readonly T[]) => [...new Set([...x, ...y])];
  return {
    ...a,
    count: a.count + b.count,
    choosable: a.choosable + b.choosable,
    minPrice: least(a.minPrice, b.minPrice),
    maxPrice: most(a.maxPrice, b.maxPrice),
    minPricePerGpu: least(a.minPricePerGpu, b.minPricePerGpu),
    backends: union(a.backends, b.backends).sort(),
    regions: union(a.regions, b.regions).sort(),
    gpuCounts: union(a.gpuCounts, b.gpuCounts).sort((x, y) => x - y),
    capacityTypes: union(a.capacityTypes, b.capacityTypes).sort(),
  };
}
