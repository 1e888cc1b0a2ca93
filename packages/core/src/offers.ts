/** Offers as a plan shows them: those that fit, best first, with totals and groups. */

import { matcher } from './match.ts';
import { type MisfitCount, MisfitTally } from './misfit.ts';
import type { CapacityType, Offer, OfferGroupKey, OfferSort, Requirements } from './offer.ts';
import { compareIds, compareOffers, firstOf, isChoosable } from './rank.ts';

export interface OfferTotals {
  readonly count: number;
  /** US dollars per hour; null: there is no offer. */
  readonly minPrice: number | null;
  readonly maxPrice: number | null;
}

export interface FittingOffers {
  /** In the order of the input. */
  readonly fitting: readonly Offer[];
  readonly misfits: readonly MisfitCount[];
}

/** Parts offers into those that fit and the reasons of those that do not, most frequent first. */
export function fittingOffers(requirements: Requirements, offers: Iterable<Offer>): FittingOffers {
  const fits = matcher(requirements);
  const fitting: Offer[] = [];
  const tally = new MisfitTally(requirements);
  for (const offer of offers) {
    const misfit = fits(offer);
    if (misfit === null) fitting.push(offer);
    else tally.add(misfit);
  }
  return { fitting, misfits: tally.counts() };
}

/** The first `limit` offers in an order that does not depend on that of the input. */
export function sortOffers(
  offers: Iterable<Offer>,
  sort: OfferSort = 'price',
  limit: number = Number.POSITIVE_INFINITY,
): Offer[] {
  if (sort === 'price') return firstOf(offers, limit, compareOffers);
  const price = sort === 'price-per-gpu' ? pricePerGpu : pricePerGpuGib;
  // A machine without devices (or whose memory is not known) has no such price and comes last.
  const order = (a: Offer, b: Offer) => comparePrices(price(a), price(b)) || compareOffers(a, b);
  return firstOf(offers, limit, order);
}

export function totalsOf(offers: Iterable<Offer>): OfferTotals {
  let count = 0;
  let minPrice: number | null = null;
  let maxPrice: number | null = null;
  for (const { pricePerHour } of offers) {
    count++;
    minPrice = minPrice === null ? pricePerHour : Math.min(minPrice, pricePerHour);
    maxPrice = maxPrice === null ? pricePerHour : Math.max(maxPrice, pricePerHour);
  }
  return { count, minPrice, maxPrice };
}

/** US dollars per hour and device; null: it has none. */
export function pricePerGpu(offer: Offer): number | null {
  const count = gpuCount(offer);
  return count > 0 ? offer.pricePerHour / count : null;
}

/** US dollars per hour and GiB of the devices' memory; null: there is none, or it is not known. */
export function pricePerGpuGib(offer: Offer): number | null {
  let mib = 0;
  for (const device of offer.resources.accelerators) mib += device.count * device.memoryMiB;
  return mib > 0 ? offer.pricePerHour / (mib / 1024) : null;
}

function gpuCount(offer: Offer): number {
  let count = 0;
  for (const device of offer.resources.accelerators) count += device.count;
  return count;
}

function comparePrices(a: number | null, b: number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return a - b;
}

export interface OfferGroup extends OfferTotals {
  /** What all offers of the group share; a key that was not grouped by is absent. `gpu: null`: no device. */
  readonly gpu?: { readonly name: string; readonly memoryMiB: number } | null;
  readonly backend?: string;
  readonly region?: string;
  /** Devices of one machine. */
  readonly gpuCount?: number;
  /** How many of the offers may be tried now. */
  readonly choosable: number;
  readonly minPricePerGpu: number | null;
  readonly backends: readonly string[];
  readonly regions: readonly string[];
  readonly gpuCounts: readonly number[];
  readonly capacityTypes: readonly CapacityType[];
}

/** Groups in the order of their cheapest offer; an offer with two kinds of devices is under the first. */
export function groupOffers(offers: Iterable<Offer>, by: readonly OfferGroupKey[]): OfferGroup[] {
  const groups = new Map<string, Offer[]>();
  for (const offer of offers) {
    const device = offer.resources.accelerators[0];
    const key = JSON.stringify([
      by.includes('gpu') ? [device?.name, device?.memoryMiB] : null,
      by.includes('backend') ? offer.backend : null,
      by.includes('region') ? [offer.backend, offer.region] : null, // regions of two clouds may share a name
      by.includes('count') ? gpuCount(offer) : null,
    ]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [offer]);
    else group.push(offer);
  }
  return [...groups]
    .map(([key, members]) => ({ key, group: describe(members, by) }))
    .sort((a, b) => comparePrices(a.group.minPrice, b.group.minPrice) || compareIds(a.key, b.key))
    .map(({ group }) => group);
}

function describe(members: readonly Offer[], by: readonly OfferGroupKey[]): OfferGroup {
  const first = members[0];
  const device = first?.resources.accelerators[0];
  const distinct = <T extends string | number>(of: (offer: Offer) => T) => [...new Set(members.map(of))];
  const perGpu = members.map(pricePerGpu).filter((price) => price !== null);
  return {
    ...(by.includes('gpu') && {
      gpu: device === undefined ? null : { name: device.name, memoryMiB: device.memoryMiB },
    }),
    ...(first !== undefined && (by.includes('backend') || by.includes('region')) && { backend: first.backend }),
    ...(first !== undefined && by.includes('region') && { region: first.region }),
    ...(first !== undefined && by.includes('count') && { gpuCount: gpuCount(first) }),
    ...totalsOf(members),
    choosable: members.filter((offer) => isChoosable(offer.availability)).length,
    minPricePerGpu: perGpu.length === 0 ? null : perGpu.reduce((a, b) => Math.min(a, b)),
    backends: distinct((offer) => offer.backend).sort(compareIds),
    regions: distinct((offer) => offer.region).sort(compareIds),
    gpuCounts: distinct(gpuCount).sort((a, b) => a - b),
    capacityTypes: distinct((offer) => offer.capacityType).sort(compareIds),
  };
}
