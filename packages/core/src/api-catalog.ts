/** The catalog in the HTTP API: what may be asked of the market, and what it answers. */
import { z } from 'zod';
import { FORM_FACTORS } from './accelerator.ts';
import {
  ACCELERATOR_VENDORS,
  AVAILABILITIES,
  CAPACITY_TYPES,
  CPU_ARCHS,
  HISTORY_CAPACITY_TYPES,
  OFFER_GROUP_KEYS,
  OFFER_SORTS,
} from './offer.ts';

/** No cloud has a name that is longer; labels of accelerators are shorter still. */
const word = z.string().min(1).max(120);
/** More than this is no filter but a catalog of one's own. */
const words = z.array(word).max(200);
const millis = z.int().describe('Milliseconds since the Unix epoch');
const price = z.number().nonnegative().describe('US dollars per hour');
const end = z.number().nonnegative().max(1e15).nullable();
const range = z
  .object({ min: end.optional(), max: end.optional() })
  .strict()
  .refine(({ min, max }) => min == null || max == null || min <= max, 'the least is more than the most')
  .transform(({ min, max }) => ({ min: min ?? null, max: max ?? null }))
  .describe('Both ends belong to it; one that is left out is open');
const capability = z.tuple([z.int().min(0).max(99), z.int().min(0).max(99)]);

const gpuFilter = z
  .object({
    names: words.optional().describe('Any spelling that the registry reads; a memory in it counts'),
    exclude_names: words.optional(),
    vendors: z.array(z.enum(ACCELERATOR_VENDORS)).max(10).optional(),
    count: range.optional(),
    memory_mib: range.optional().describe('Of one device'),
    total_memory_mib: range.optional(),
    compute_capability: z.object({ min: capability.optional(), max: capability.optional() }).strict().optional(),
    form_factors: z.array(z.enum(FORM_FACTORS)).max(10).optional(),
  })
  .strict();

/** What is left out means any. */
export const catalogFilterBody = z
  .object({
    backends: words.optional(),
    exclude_backends: words.optional(),
    instance_types: words.optional().describe('`*` and `?` stand for characters'),
    exclude_instance_types: words.optional(),
    regions: words.optional(),
    exclude_regions: words.optional(),
    zones: words.optional(),
    exclude_zones: words.optional(),
    countries: words.optional(),
    exclude_countries: words.optional(),
    capacity_types: z.array(z.enum(CAPACITY_TYPES)).max(10).optional(),
    cpu_arch: z.enum(CPU_ARCHS).optional(),
    cpus: range.optional(),
    memory_mib: range.optional(),
    disk_mib: range.optional(),
    unknown_disk: z.enum(['include', 'exclude']).optional(),
    gpu: gpuFilter.optional(),
    flags: words.optional(),
    price_per_hour: range.optional(),
    availability: z.array(z.enum(AVAILABILITIES)).max(10).optional(),
    max_age_ms: z.int().positive().optional(),
  })
  .strict();

export const catalogQueryBody = catalogFilterBody
  .extend({
    sort: z.enum(OFFER_SORTS).optional(),
    limit: z.int().min(1).max(1000).optional().describe('100 when left out'),
    after: z.string().max(1000).optional().describe('`next` of the answer before'),
  })
  .strict();

export const catalogGroupsBody = catalogFilterBody
  .extend({
    group_by: z.array(z.enum(OFFER_GROUP_KEYS)).min(1).max(4),
  })
  .strict();

export const CatalogAcceleratorView = z.object({
  name: z.string(),
  vendor: z.string().nullable(),
  known: z.boolean().describe('False: `name` is the cloud’s own label'),
  count: z.number(),
  memory_mib: z.number().nullable().describe('Of one device'),
  form_factor: z.string().nullable(),
});

export const CatalogOfferView = z.object({
  id: z.string(),
  backend: z.string(),
  instance_type: z.string(),
  region: z.string(),
  zone: z.string().nullable(),
  country: z.string().nullable(),
  capacity_type: z.enum(CAPACITY_TYPES),
  price_per_hour: price,
  price_per_gpu: price.nullable(),
  cpus: z.number(),
  cpu_arch: z.enum(CPU_ARCHS),
  memory_mib: z.number(),
  disk_mib: z.number().nullable().describe('Null: chosen when a machine is made, or not known'),
  accelerator: CatalogAcceleratorView.nullable(),
  interconnect: z.string().nullable(),
  network_gbps: z.number().nullable(),
  flags: z.array(z.string()),
  availability: z.enum(AVAILABILITIES),
  source: z.string(),
  collected_at: millis,
});

export const CatalogSourceView = z.object({
  source: z.string(),
  kind: z.enum(['offline', 'online', 'starter']),
  state: z.enum(['fresh', 'stale', 'failed', 'skipped']),
  offers: z.int(),
  version: z.string().nullable(),
  collected_at: millis.nullable(),
  reason: z.string().nullable(),
});

/** What one filter costs: how many offers pass without it, and the cheapest of them. */
export const CatalogObstacleView = z.object({
  filter: z.string().describe('Its name in the request: `regions`, `gpu.count`; several are joined with ` + `'),
  total_without: z.int(),
  total_alone: z.int().describe('How many offers pass when it is the only filter'),
  cheapest_without: CatalogOfferView.nullable(),
});

export const CatalogOffersView = z.object({
  offers: z.array(CatalogOfferView),
  total: z.int(),
  next: z.string().nullable(),
  sources: z.array(CatalogSourceView),
  obstacles: z.array(CatalogObstacleView).describe('When nothing passes: the filters, the greatest obstacle first'),
});

export const CatalogGroupView = z.object({
  gpu: z.object({ name: z.string(), memory_mib: z.number() }).nullable().optional(),
  backend: z.string().optional(),
  region: z.string().optional(),
  gpu_count: z.number().optional(),
  count: z.int(),
  choosable: z.int(),
  min_price: price.nullable(),
  max_price: price.nullable(),
  min_price_per_gpu: price.nullable(),
  backends: z.array(z.string()),
  regions: z.array(z.string()),
  gpu_counts: z.array(z.number()),
  capacity_types: z.array(z.enum(CAPACITY_TYPES)),
});

export const CatalogGroupsView = z.object({
  groups: z.array(CatalogGroupView),
  total: z.int(),
  sources: z.array(CatalogSourceView),
});

export const marketBody = catalogQueryBody
  .extend({
    configured: z.boolean().optional().describe('Only what the project can use'),
    group_by: z.array(z.enum(OFFER_GROUP_KEYS)).min(1).max(4).optional().describe('Groups instead of offers'),
  })
  .strict();

export const MarketView = CatalogOffersView.extend({
  groups: z.array(CatalogGroupView).nullable().describe('When they were asked for'),
  configured: z.array(z.string()).describe('What the project can use, as `backend` names it in offers'),
});

export const CatalogGpuView = z.object({
  name: z.string(),
  vendor: z.string().nullable(),
  architecture: z.string().nullable(),
  memory_mib: z.array(z.number()).describe('Sizes of one device that are sold; known sizes where none is'),
  backends: z.array(z.string()),
  regions: z.int(),
  offers: z.int(),
  on_demand_from: price.nullable().describe('US dollars per hour and device'),
  spot_from: price.nullable().describe('US dollars per hour and device'),
});

export const CatalogGpusView = z.object({ gpus: z.array(CatalogGpuView), sources: z.array(CatalogSourceView) });

export const CatalogStatusView = z.object({
  offers: z.int(),
  sources: z.array(CatalogSourceView),
  unmapped: z
    .array(z.object({ label: z.string(), backend: z.string(), offers: z.int() }))
    .describe('Labels of accelerators that the registry does not know'),
  url: z.string().nullable().describe('Where it is pulled from'),
  refreshed_at: millis.nullable(),
  next_refresh_at: millis.nullable(),
});

export const CatalogHistoryView = z.object({
  gpu: z.string(),
  series: z.array(
    z.object({
      backend: z.string(),
      capacity_type: z.enum(CAPACITY_TYPES),
      points: z.array(z.object({ at: millis, price_per_gpu: price.nullable() })).describe('Only where it changed'),
    }),
  ),
});

/** The operations over them, under the names of `api-routes.ts`. */
export const catalogOperations = {
  'offer.market': {
    summary: 'Offers of the catalog and of the project’s own machines, and which of them the project can use',
    body: marketBody,
    response: MarketView,
    access: 'member',
  },

  'catalog.offers': {
    summary: 'Offers of all clouds that are known',
    body: catalogQueryBody,
    response: CatalogOffersView,
    access: 'user',
  },
  'catalog.groups': {
    summary: 'How many of them there are, and from what price, by accelerator, backend, region or count',
    body: catalogGroupsBody,
    response: CatalogGroupsView,
    access: 'user',
  },
  'catalog.gpus': {
    summary: 'Accelerators, where they are sold and from what price',
    response: CatalogGpusView,
    access: 'user',
  },
  'catalog.status': { summary: 'Sources of the catalog and their age', response: CatalogStatusView, access: 'user' },
  'catalog.history': {
    summary: 'The cheapest price of an accelerator over time',
    query: z
      .object({
        capacity_type: z.enum(HISTORY_CAPACITY_TYPES).optional(),
        since: z.coerce.number().int().min(0).optional(),
      })
      .strict(),
    response: CatalogHistoryView,
    access: 'user',
  },
} as const;

export type CatalogFilterBody = z.output<typeof catalogFilterBody>;
export type CatalogQueryBody = z.output<typeof catalogQueryBody>;
/** As it is written, before it is parsed. */
export type CatalogQueryInput = z.input<typeof catalogQueryBody>;
export type CatalogFilterInput = z.input<typeof catalogFilterBody>;
export type MarketBody = z.output<typeof marketBody>;
export type MarketView = z.output<typeof MarketView>;
export type CatalogOfferView = z.output<typeof CatalogOfferView>;
export type CatalogOffersView = z.output<typeof CatalogOffersView>;
export type CatalogObstacleView = z.output<typeof CatalogObstacleView>;
export type CatalogSourceView = z.output<typeof CatalogSourceView>;
export type CatalogGroupView = z.output<typeof CatalogGroupView>;
export type CatalogGroupsView = z.output<typeof CatalogGroupsView>;
export type CatalogGpuView = z.output<typeof CatalogGpuView>;
export type CatalogGpusView = z.output<typeof CatalogGpusView>;
export type CatalogStatusView = z.output<typeof CatalogStatusView>;
export type CatalogHistoryView = z.output<typeof CatalogHistoryView>;
