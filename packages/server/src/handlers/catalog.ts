import type { Catalog, CatalogQuery } from '@berth/catalog';
import { cursorAfter } from '@berth/catalog/cursor';
import { CAPACITY_TYPES, type ProjectId, type Requirements } from '@berth/core';
import type { CatalogSourceView, MarketBody, MarketView } from '@berth/core/api-catalog';
import type { OfferList } from '@berth/engine';
import type { HandlersOf } from '../http/call.ts';
import type { ServerParts } from './parts.ts';

type Names =
  | 'offer.market'
  | 'catalog.offers'
  | 'catalog.groups'
  | 'catalog.gpus'
  | 'catalog.status'
  | 'catalog.history';

/** Loaded at the first question: a server that nobody asks for prices does without. */
const answers = () => import('../catalog/answers.ts');

export function catalogHandlers(parts: ServerParts): HandlersOf<Names> {
  const { catalog: service } = parts;
  return {
    'offer.market': async ({ access: { project }, body }) => marketAnswer(parts, project.id, body),

    'catalog.offers': async ({ body }) => {
      const { offersAnswer, queryOf } = await answers();
      const query = queryOf(await service.catalog(), body);
      return await offersAnswer(await service.asked(query), query);
    },

    'catalog.groups': async ({ body: { group_by: by, ...body } }) => {
      const { filterOf, groupsAnswer } = await answers();
      const filter = filterOf(await service.catalog(), body);
      return groupsAnswer(await service.asked(filter), filter, by);
    },

    'catalog.gpus': async () => {
      const { gpusAnswer } = await answers();
      return gpusAnswer(await service.asked({}));
    },

    'catalog.status': async () => {
      const { statusAnswer } = await answers();
      return statusAnswer(await service.catalog(), service.times);
    },

    'catalog.history': async ({ params: { gpu }, query }) => {
      const { historyOf } = await import('../catalog/history.ts');
      return await historyOf(service.places, gpu, {
        capacityType: query.capacity_type ?? null,
        since: query.since ?? null,
      });
    },
  };
}

async function marketAnswer(parts: ServerParts, project: ProjectId, body: MarketBody): Promise<MarketView> {
  const { configured: onlyConfigured, group_by: groupBy, ...rest } = body;
  const [{ queryOf }, { ownedMarket }, { mergeGroups, mergeOffers }, { findObstacles }, views] = await Promise.all([
    answers(),
    import('../catalog/owned-market.ts'),
    import('../catalog/merge-market.ts'),
    import('../catalog/obstacles.ts'),
    import('../views/catalog.ts'),
  ]);
  const { catalog: service, clock } = parts;
  const usable = (await parts.backends.views(project)).filter(({ status }) => status === 'ready');
  const given = queryOf(await service.catalog(), rest);
  // What an account is told about its cloud takes the place of what everybody is told.
  const told = usable.filter(({ type }) => parts.backends.isOwned(type)).map(({ type }) => type);
  const query: CatalogQuery = { ...given, excludeBackends: [...(given.excludeBackends ?? []), ...told] };
  const sold = usable.filter(({ type }) => !parts.backends.isOwned(type)).map(({ type }) => type);
  const own = usable.filter(({ type }) => parts.backends.isOwned(type)).map(({ name }) => name);
  const [catalog, machines] = await Promise.all([service.asked(query), ownOffers(parts, project, own)]);
  const owned = ownedMarket(machines.offers, clock.now());
  const onMarket: CatalogQuery = onlyConfigured === true ? { ...query, backends: within(query.backends, sold) } : query;
  const [market, machine] = [catalog.query(onMarket), owned.catalog.query(given)];
  const total = market.total + machine.total;
  const limit = query.limit ?? 100;
  const sort = query.sort ?? 'price';
  const merged = mergeOffers([market, machine], sort, limit);
  const isMore =
    market.next !== null || machine.next !== null || market.offers.length + machine.offers.length > merged.length;
  const last = merged.at(-1);
  const { sort: _sort, limit: _limit, after: _after, ...filter } = onMarket;
  const groups =
    groupBy === undefined
      ? null
      : mergeGroups([groupsOf(catalog, onMarket), groupsOf(owned.catalog, given).map(owned.pricedGroup)]);
  return {
    offers: groups === null ? merged.map((offer) => views.catalogOfferView(owned.priced(offer))) : [],
    total,
    // Both go on behind the same offer, whose of them it is.
    next: isMore && last !== undefined && groups === null ? cursorAfter(last, sort) : null,
    sources: [...market.sources.map(views.catalogSourceView), ...failedSources(machines)],
    obstacles: total > 0 ? [] : (await findObstacles(catalog, filter)).map(views.obstacleView),
    groups: groups === null ? null : groups.map(views.catalogGroupView),
    configured: [...sold, ...own],
  };

  function groupsOf(of: Catalog, asked: CatalogQuery) {
    return of.groups(asked, groupBy ?? []).groups;
  }
}

const ANYTHING: Requirements = {
  cpu: { min: null, max: null },
  cpuArch: null,
  memoryMiB: { min: null, max: null },
  diskMiB: null,
  shmMiB: null,
  gpu: null,
  capacityTypes: CAPACITY_TYPES,
  maxPricePerHour: null,
  backends: null,
  regions: null,
  zones: null,
  instanceTypes: null,
};

async function ownOffers(parts: ServerParts, project: ProjectId, names: readonly string[]): Promise<OfferList> {
  if (names.length === 0) return { offers: [], sources: [], misfits: [] };
  return await parts.engine.offers(project, { ...ANYTHING, backends: names });
}

/** Backends of the project that could not be asked; those that were are no news. */
function failedSources({ sources }: OfferList): CatalogSourceView[] {
  return sources.flatMap(({ backend, status, message }) =>
    status === 'failed' || status === 'timed-out'
      ? [
          {
            source: backend,
            kind: 'online' as const,
            state: 'failed' as const,
            offers: 0,
            version: null,
            collected_at: null,
            reason: message ?? 'it did not answer in time',
          },
        ]
      : [],
  );
}

/** A name that no cloud has stands for none at all: an empty list would mean any. */
const NOBODY = '-';

function within(asked: readonly string[] | undefined, types: readonly string[]): readonly string[] {
  const both = asked === undefined ? types : types.filter((type) => asked.includes(type));
  return both.length === 0 ? [NOBODY] : both;
}
