/** What an online source tells one account: asked for when needed, and made into offers of that backend. */
import type { CatalogOffer } from '@berth/catalog/catalog-offer';
import { checkOffers } from '@berth/catalog/integrity';
import { normalizeOffer } from '@berth/catalog/normalize';
import { toOffer } from '@berth/catalog/requirements-filter';
import type { Offer, Requirements } from '@berth/core';
import { BackendError } from './backend-error.ts';
import type { BackendContext, Call, OnlineCatalog } from './contract.ts';

/** Where the disk is chosen at creation and nobody said how large it must be. As dstack's default. */
const DEFAULT_DISK_MIB = 100 * 1024;
/** The largest marketplace has some thousands; a module that yields without end must not fill the memory. */
const MOST_OFFERS = 200_000;

/** All its offers that break no rule; what is left out goes to the log. @throws what the source throws */
export async function askedOffers(
  type: string,
  catalog: OnlineCatalog<unknown, unknown>,
  context: Pick<BackendContext<unknown, unknown>, 'http' | 'clock' | 'credentials' | 'config'>,
  { signal, log }: Call,
): Promise<readonly CatalogOffer[]> {
  const { http, clock, credentials, config } = context;
  const collectedAt = clock.now();
  const skipped = (what: string, reason: string): void => log.debug('left out', { source: type, what, reason });
  const told = { progress: () => {}, skipped };
  const offers: CatalogOffer[] = [];
  for await (const one of catalog.collect({ http, signal, now: clock.now, credentials, config, log: told })) {
    signal.throwIfAborted();
    if (offers.length >= MOST_OFFERS) {
      throw new BackendError('config', `It told more than ${MOST_OFFERS} offers, which is no price list.`);
    }
    const normalized = normalizeOffer(one, { backend: type, source: type, collectedAt });
    if (normalized.ok) offers.push(normalized.offer);
    else skipped(`${one.instanceType} in ${one.region}`, normalized.reason);
  }
  return checkOffers(offers, catalog.rules, { previous: null, market: null }).good;
}

/** The same as the planner takes them, by the name of the configured backend. */
export function offersOf(
  told: readonly CatalogOffer[],
  backendName: string,
  requirements: Requirements | null,
): readonly Offer[] {
  const options = { backendName, requestedDiskMiB: requirements?.diskMiB?.min ?? DEFAULT_DISK_MIB };
  return told.map((offer) => toOffer(offer, options)).filter((offer) => offer !== null);
}
