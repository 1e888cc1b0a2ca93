import type { BackendRegistry, Logger } from '@berth/backend';
import { type CatalogOffer, normalizeOffer } from '@berth/catalog';
import type { OnlineSource } from '@berth/catalog/catalog';
import { checkOffers } from '@berth/catalog/integrity';
import type { Http } from '@berth/http';
import { boundedOffers, misfit } from './bounded-offers.ts';
import { accountFor, type CredentialPlaces } from './source-credentials.ts';

/** A marketplace lists itself in seconds; whoever asks meanwhile is answered without it (`PATIENCE_MS`). */
const DEADLINE_MS = 30_000;
/** They are made into a snapshot between two requests of others. The largest marketplace has some thousands. */
const MOST_OFFERS = 200_000;

/** Sources that are asked when needed: those of installed backends for which there is all that they need. */
export function onlineSources(
  registry: Pick<BackendRegistry, 'types' | 'definition'>,
  options: {
    readonly http: Http;
    readonly log: Logger;
    readonly now: () => number;
    readonly places: () => CredentialPlaces;
  },
): readonly OnlineSource[] {
  return registry.types.flatMap((type): OnlineSource[] => {
    const definition = registry.definition(type);
    const catalog = definition?.catalog;
    if (definition == null || catalog?.kind !== 'online') return [];
    // One that needs an account is asked only where there is one; that nobody gave it is no failure.
    if (catalog.credentials === 'required' && !hasCredentials(type, options.places())) return [];
    return [
      {
        name: type,
        backends: [type],
        cacheForMs: catalog.cacheForMs,
        deadlineMs: DEADLINE_MS,
        async collect(signal) {
          const collectedAt = options.now();
          const account = await accountFor(definition, options.places());
          const offers: CatalogOffer[] = [];
          const skipped = (what: string, reason: string) =>
            options.log.debug('left out', { source: type, what, reason });
          const log = { progress: () => {}, skipped };
          const collected = catalog.collect({ http: options.http, signal, now: options.now, ...account, log });
          for await (const one of boundedOffers(collected, { signal, most: MOST_OFFERS })) {
            const wrong = misfit(one);
            if (wrong !== null) {
              skipped('something', wrong);
              continue;
            }
            const normalized = normalizeOffer(one, { backend: type, source: type, collectedAt });
            if (normalized.ok) offers.push(normalized.offer);
            else skipped(`${one.instanceType} in ${one.region}`, normalized.reason);
          }
          return checkOffers(offers, catalog.rules, { previous: null, market: null }).good;
        },
      },
    ];
  });
}

function hasCredentials(type: string, { entries, env }: CredentialPlaces): boolean {
  const prefix = `BERTH_CATALOG_${type.toUpperCase().replaceAll('-', '_')}_`;
  return entries.some((entry) => entry.type === type) || Object.keys(env).some((name) => name.startsWith(prefix));
}
