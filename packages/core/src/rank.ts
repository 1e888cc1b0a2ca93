/** Which of several places comes first. Every order is total, so that it does not depend on the input's. */

import type { InstanceId, Millis } from './ids.ts';
import type { Availability, Offer } from './offer.ts';

/** The lower, the better. Price comes before this: it only breaks ties. */
const AVAILABILITY_RANK: Readonly<Record<Availability, number>> = {
  idle: 0,
  available: 1,
  unknown: 2,
  busy: 3,
  'no-quota': 4,
  'not-available': 5,
};

/** May an offer be tried? What is unknown may: many clouds tell only when asked for the machine. */
export function isChoosable(availability: Availability): boolean {
  return availability === 'idle' || availability === 'available' || availability === 'unknown';
}

/** Cheapest first, then what is surely there, then by id. */
export function compareOffers(a: Offer, b: Offer): number {
  return a.pricePerHour - b.pricePerHour || compareAvailability(a, b) || compareIds(a.id, b.id);
}

export function compareAvailability(a: Offer, b: Offer): number {
  return AVAILABILITY_RANK[a.availability] - AVAILABILITY_RANK[b.availability];
}

export interface RankedInstance {
  readonly id: InstanceId;
  /** For the share of the instance that is meant. */
  readonly pricePerHour: number;
  /** Null: part of it is in use. */
  readonly idleSince: Millis | null;
  readonly createdAt: Millis;
}

/** Cheapest first, then longest idle (those in part use last), then oldest, then by id. */
export function compareInstances(a: RankedInstance, b: RankedInstance): number {
  return (
    a.pricePerHour - b.pricePerHour ||
    compareIdle(a.idleSince, b.idleSince) ||
    a.createdAt - b.createdAt ||
    compareIds(a.id, b.id)
  );
}

function compareIdle(a: Millis | null, b: Millis | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return a - b;
}

/** By code units: `localeCompare` depends on the machine. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The first `limit` items of the sorted list, without sorting the rest. */
export function firstOf<T>(items: Iterable<T>, limit: number, compare: (a: T, b: T) => number): T[] {
  if (limit === Number.POSITIVE_INFINITY) return [...items].sort(compare);
  const first: T[] = [];
  if (!(limit >= 1)) return first;
  for (const item of items) {
    const last = first.at(-1);
    if (first.length >= limit && last !== undefined && compare(item, last) >= 0) continue;
    let low = 0;
    let high = first.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      // Within the bounds, so there is an item.
      if (compare(item, first[middle] as T) < 0) high = middle;
      else low = middle + 1;
    }
    first.splice(low, 0, item);
    if (first.length > limit) first.pop();
  }
  return first;
}
