/** Offers that must not be tried now, because of what clouds have refused or have not answered. */
import type { Millis, Offer, ProjectId } from '@berth/core';
import type { Held } from '@berth/core/place';
import type { ReadTables } from '@berth/store';
import type { Breakers } from './breaker.ts';
import { failuresOf, heldBy } from './failures.ts';
import type { Gathered } from './gather-offers.ts';

export type HeldOffers = (offer: Offer) => Held | null;

export async function heldOffers(
  read: Pick<ReadTables, 'failures'>,
  breakers: Breakers,
  project: ProjectId,
  now: Millis,
): Promise<HeldOffers> {
  const failures = await failuresOf(read, project, now);
  return (offer) => {
    const until = breakers.heldUntil({ projectId: project, backend: offer.backend, region: offer.region }, now);
    if (until !== null) return { until, reason: `${offer.backend} does not answer in ${offer.region} at present` };
    return failures.length === 0 ? null : heldBy(failures, offer, now);
  };
}

/** As plans and lists show them: what is held back is not to be had, and its backend says why. */
export function showHeld(gathered: Gathered, held: HeldOffers): Gathered {
  const reasons = new Map<string, Set<string>>();
  const offers = gathered.offers.map((offer): Offer => {
    const why = held(offer);
    if (why === null) return offer;
    reasons.set(offer.backend, (reasons.get(offer.backend) ?? new Set()).add(`${offer.instanceType}: ${why.reason}`));
    return { ...offer, availability: 'not-available' };
  });
  if (reasons.size === 0) return gathered;
  const sources = gathered.sources.map((source) => {
    const said = [...(reasons.get(source.backend) ?? [])];
    if (said.length === 0) return source;
    const rest = said.length > SHOWN ? [`and ${said.length - SHOWN} more`] : [];
    return { ...source, message: [source.message, ...said.slice(0, SHOWN), ...rest].filter(Boolean).join('; ') };
  });
  return { offers, sources };
}

const SHOWN = 3;
