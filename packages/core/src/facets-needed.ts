/** Which optional abilities of a backend (its facets) a workload cannot do without. */

import type { Offer, Requirements } from './offer.ts';

/** For each facet that requirements may need: whether these do. A field that needs another one is one line more. */
const NEEDS = {
  reservations: (wanted) => wanted.reservation !== undefined,
} as const satisfies Readonly<Record<string, (wanted: Requirements) => boolean>>;

export type NeededFacet = keyof typeof NEEDS;
const NEEDED = Object.keys(NEEDS) as readonly NeededFacet[]; // the keys of a literal

export function facetsNeeded(wanted: Requirements): readonly NeededFacet[] {
  return NEEDED.filter((facet) => NEEDS[facet](wanted));
}

/** The facets among those needed that a backend does not have. */
export function facetsLacking(wanted: Requirements, facets: readonly string[]): readonly NeededFacet[] {
  return facetsNeeded(wanted).filter((facet) => !facets.includes(facet));
}

/**
 * Offers of one backend as the planner gets them: with the reservation that a machine of theirs will use, or
 * with what the backend lacks, for which none of them fits. Where nothing is needed they are what they were.
 */
export function withFacets(
  offers: readonly Offer[],
  wanted: Requirements | null,
  facets: readonly string[],
): readonly Offer[] {
  if (wanted === null || facetsNeeded(wanted).length === 0) return offers;
  const lacks = facetsLacking(wanted, facets);
  if (lacks.length > 0) return offers.map((offer) => ({ ...offer, lacks }));
  const { reservation } = wanted;
  return reservation === undefined ? offers : offers.map((offer) => ({ ...offer, reservation }));
}
