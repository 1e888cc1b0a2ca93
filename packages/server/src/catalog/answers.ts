/** What the catalog in memory answers to requests of the API; the command line's own queries go the same way. */
import type { AcceleratorListing, Catalog, CatalogFilter, CatalogQuery } from '@berth/catalog';
import { allAccelerators, findAccelerator } from '@berth/core/accelerators';
import {
  type CatalogFilterBody,
  type CatalogGpusView,
  type CatalogGpuView,
  type CatalogGroupsView,
  type CatalogOffersView,
  type CatalogQueryBody,
  type CatalogQueryInput,
  type CatalogStatusView,
  catalogQueryBody,
} from '@berth/core/api-catalog';
import { BerthError } from '@berth/core/errors';
import type { OfferGroupKey } from '@berth/core/offer';
import { catalogGroupsView, catalogOffersView, catalogSourceView } from '../views/catalog.ts';
import { filterOfBody } from './filter-of-body.ts';
import { findObstacles } from './obstacles.ts';

/** A query that did not come over HTTP. @throws BerthError `invalid-request` */
export function parseQuery(input: CatalogQueryInput): CatalogQueryBody {
  const parsed = catalogQueryBody.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BerthError(
    'invalid-request',
    `\`${issue?.path.join('.')}\`: ${issue?.message ?? 'it cannot be understood'}`,
  );
}

/** @throws BerthError `invalid-request` for an accelerator that nobody knows, and for a bad `after` */
export function queryOf(catalog: Catalog, body: CatalogQueryBody): CatalogQuery {
  const { sort, limit, after, ...filter } = body;
  return {
    ...filterOfBody(filter, () => unknownLabels(catalog)),
    ...(sort === undefined ? {} : { sort }),
    ...(limit === undefined ? {} : { limit }),
    ...(after === undefined ? {} : { after }),
  };
}

export async function offersAnswer(catalog: Catalog, query: CatalogQuery): Promise<CatalogOffersView> {
  const answer = catalog.query(query);
  const { sort: _sort, limit: _limit, after: _after, ...filter } = query;
  return catalogOffersView(answer, answer.total === 0 ? await findObstacles(catalog, filter) : []);
}

export function groupsAnswer(catalog: Catalog, filter: CatalogFilter, by: readonly OfferGroupKey[]): CatalogGroupsView {
  return catalogGroupsView(catalog.groups(filter, by));
}

export function filterOf(catalog: Catalog, body: CatalogFilterBody): CatalogFilter {
  return filterOfBody(body, () => unknownLabels(catalog));
}

/** Every accelerator of the registry and every unknown label that is sold; the dearest first, unsold ones last. */
export function gpusAnswer(catalog: Catalog): CatalogGpusView {
  const { accelerators, sources } = catalog.accelerators({});
  const sold = Map.groupBy(accelerators, ({ name }) => name);
  const names = new Set([...sold.keys(), ...allAccelerators().map(({ name }) => name)]);
  const gpus = [...names].map((name) => gpuView(name, sold.get(name) ?? []));
  gpus.sort((a, b) => rank(b) - rank(a) || (a.name < b.name ? -1 : 1));
  return { gpus, sources: sources.map(catalogSourceView) };
}

/** One device has a listing for each size of its memory. */
function gpuView(name: string, listings: readonly AcceleratorListing[]): CatalogGpuView {
  const accelerator = findAccelerator(name);
  const sizes = listings.flatMap(({ memoryMiB }) => memoryMiB ?? []);
  return {
    name,
    vendor: accelerator?.vendor ?? listings[0]?.vendor ?? null,
    architecture: accelerator?.architecture ?? null,
    memory_mib: (sizes.length > 0 ? sizes : [...(accelerator?.memorySizesMiB ?? [])]).toSorted((a, b) => a - b),
    backends: [...new Set(listings.flatMap(({ backends }) => backends))].sort(),
    // Sizes of one device are mostly sold in the same places.
    regions: listings.reduce((most, { regions }) => Math.max(most, regions), 0),
    offers: listings.reduce((sum, { offers }) => sum + offers, 0),
    on_demand_from: least(listings.map(({ onDemand }) => onDemand.perGpu)),
    spot_from: least(listings.map(({ spot }) => spot.perGpu)),
  };
}

function least(prices: readonly (number | null)[]): number | null {
  return prices.reduce((low, price) => (low === null ? price : price === null ? low : Math.min(low, price)), null);
}

/** By what one device costs; what is not sold comes last. */
function rank(gpu: CatalogGpuView): number {
  return gpu.offers === 0 ? -1 : (gpu.on_demand_from ?? gpu.spot_from ?? 0);
}

export interface RefreshTimes {
  readonly url: string | null;
  /** Milliseconds since 1970. */
  readonly refreshedAt: number | null;
  readonly nextRefreshAt: number | null;
}

export function statusAnswer(catalog: Catalog, times: RefreshTimes): CatalogStatusView {
  const sources = catalog.statuses();
  const unmapped = catalog
    .accelerators({})
    .accelerators.filter(({ known }) => !known)
    .flatMap(({ name, backends, offers }) => ({ label: name, backend: backends.join(', '), offers }));
  return {
    offers: catalog.count({}),
    sources: sources.map(catalogSourceView),
    unmapped,
    url: times.url,
    refreshed_at: times.refreshedAt,
    next_refresh_at: times.nextRefreshAt,
  };
}

/** Labels that the registry does not know and that are sold all the same. */
function unknownLabels(catalog: Catalog): readonly string[] {
  return catalog
    .accelerators({})
    .accelerators.filter(({ known }) => !known)
    .map(({ name }) => name);
}
