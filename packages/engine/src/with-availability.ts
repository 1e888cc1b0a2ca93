/** Offers with what the account may have of them (facet `offers`). Where that is not told, the catalog's word stands. */
import type { Offer, Requirements } from '@berth/core';
import { matcher } from '@berth/core/match';
import { deadline } from './deadline.ts';
import { messageOf } from './effects.ts';
import type { EngineClock, UsableBackend } from './ports.ts';
import { AVAILABILITY_DEADLINE_MS } from './timing.ts';

export async function withAvailability(
  clock: EngineClock,
  backend: UsableBackend,
  offers: readonly Offer[],
  requirements: Requirements | null,
): Promise<{ readonly offers: readonly Offer[]; readonly problem: string | null }> {
  const facet = backend.compute.offers;
  if (facet === undefined) return { offers, problem: null };
  const misfit = requirements === null ? null : matcher(requirements);
  // Accounts are asked of few: each answer may cost them a request.
  const wanted = misfit === null ? offers : offers.filter((offer) => misfit(offer) === null);
  if (wanted.length === 0) return { offers, problem: null };
  const late = Promise.withResolvers<never>();
  const limit = deadline(clock, AVAILABILITY_DEADLINE_MS);
  limit.signal.addEventListener('abort', () => late.reject(limit.signal.reason), { once: true });
  try {
    const told = await Promise.race([facet.availability(wanted, { signal: limit.signal, log: NO_LOG }), late.promise]);
    const availability = (offer: Offer): Offer['availability'] => told.get(offer.id) ?? offer.availability;
    return { offers: offers.map((offer) => ({ ...offer, availability: availability(offer) })), problem: null };
  } catch (error) {
    return { offers, problem: `what is in stock was not told: ${messageOf(error)}` };
  } finally {
    limit.clear();
  }
}

const NO_LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
