/**
 * What a filter, an order and a page mean, written down plainly: every offer is looked at, one after
 * the other. The index must answer the same.
 */

import { findAccelerator, resolveAccelerator } from '@berth/core/accelerators';
import type { OfferSort, Range } from '@berth/core/offer';
import { type CatalogOffer, pricePerGpu, pricePerGpuGib, totalAcceleratorMemoryMiB } from '../catalog-offer.ts';
import type { AcceleratorFilter, Capability, CatalogFilter } from '../catalog-query.ts';

/** All offers that pass, in order. */
export function naiveQuery(
  offers: readonly CatalogOffer[],
  filter: CatalogFilter,
  sort: OfferSort,
  now: number,
): CatalogOffer[] {
  return offers
    .filter((offer) => passes(offer, filter, now))
    .sort(
      (a, b) =>
        compareNumbers(keyOf(a, sort), keyOf(b, sort)) ||
        a.pricePerHour - b.pricePerHour ||
        (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
    );
}

/** The sort's price; one that is none comes last. */
function keyOf(offer: CatalogOffer, sort: OfferSort): number {
  const price = {
    price: offer.pricePerHour,
    'price-per-gpu': pricePerGpu(offer),
    'price-per-gpu-gib': pricePerGpuGib(offer),
  };
  const key = price[sort];
  return key === null || !Number.isFinite(key) ? Number.POSITIVE_INFINITY : key;
}

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function passes(offer: CatalogOffer, filter: CatalogFilter, now: number): boolean {
  const { accelerator } = offer;
  return (
    listed(filter.backends, offer.backend) &&
    !(filter.excludeBackends !== undefined && listed(filter.excludeBackends, offer.backend)) &&
    matchesPatterns(filter.instanceTypes, filter.excludeInstanceTypes, offer.instanceType) &&
    matchesPatterns(filter.regions, filter.excludeRegions, offer.region) &&
    matchesPatterns(filter.zones, filter.excludeZones, offer.zone) &&
    matchesPatterns(filter.countries, filter.excludeCountries, offer.country) &&
    (filter.capacityTypes === undefined || filter.capacityTypes.includes(offer.capacityType)) &&
    (filter.cpuArch === undefined || filter.cpuArch === offer.cpuArch) &&
    within(filter.cpus, offer.cpus) &&
    within(filter.memoryMiB, offer.memoryMiB) &&
    (within(filter.diskMiB, offer.diskMiB) || (filter.unknownDisk === 'include' && offer.diskMiB === null)) &&
    (filter.flags === undefined || offer.flags.every((flag) => listed(filter.flags, flag))) &&
    within(filter.pricePerHour, offer.pricePerHour) &&
    (filter.availability === undefined || filter.availability.includes(offer.availability)) &&
    (filter.maxAgeMs === undefined || now - offer.collectedAt <= filter.maxAgeMs) &&
    (filter.accelerator === undefined ||
      (accelerator === null ? filter.accelerator.count?.min === 0 : hasDevice(offer, filter.accelerator)))
  );
}

function hasDevice(offer: CatalogOffer, filter: AcceleratorFilter): boolean {
  const { accelerator } = offer;
  if (accelerator === null) return false;
  const { name, vendor, known, count, memoryMiB, formFactor } = accelerator;
  const isNamed = (label: string): boolean => {
    const meant = resolveAccelerator(label);
    if (meant === null) return label.toLowerCase() === name.toLowerCase();
    return (
      meant.name.toLowerCase() === name.toLowerCase() &&
      (meant.memoryMiB === null || meant.memoryMiB === memoryMiB) &&
      (meant.count === null || meant.count === count)
    );
  };
  const capability = known ? (findAccelerator(name)?.computeCapability ?? null) : null;
  const { min, max } = filter.computeCapability ?? {};
  return (
    (filter.names?.some(isNamed) ?? true) &&
    !(filter.excludeNames?.some(isNamed) ?? false) &&
    (filter.vendors === undefined || (vendor !== null && filter.vendors.includes(vendor))) &&
    within(filter.count, count) &&
    within(filter.memoryMiB, memoryMiB) &&
    within(filter.totalMemoryMiB, totalAcceleratorMemoryMiB(offer)) &&
    (filter.formFactors === undefined || (formFactor !== null && filter.formFactors.includes(formFactor))) &&
    (filter.computeCapability === undefined ||
      (capability !== null &&
        (min === undefined || !isLess(capability, min)) &&
        (max === undefined || !isLess(max, capability))))
  );
}

function isLess(a: Capability, b: Capability): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

/** What is not known is in no range. */
function within(range: Range | undefined, value: number | null): boolean {
  if (range === undefined) return true;
  if (value === null) return false;
  return (range.min === null || value >= range.min) && (range.max === null || value <= range.max);
}

function listed(words: readonly string[] | undefined, word: string): boolean {
  return words === undefined || words.some((one) => one.toLowerCase() === word.toLowerCase());
}

/** What is not known is none of those wanted, and none of those excluded. */
function matchesPatterns(
  wanted: readonly string[] | undefined,
  excluded: readonly string[] | undefined,
  word: string | null,
): boolean {
  if (word === null) return wanted === undefined;
  return (wanted?.some((glob) => fits(glob, word)) ?? true) && !(excluded?.some((glob) => fits(glob, word)) ?? false);
}

function fits(glob: string, word: string): boolean {
  const source = glob
    .toLowerCase()
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`).test(word.toLowerCase());
}
