/** A filter as tests on single values, made once per query. Null: no constraint. */

import { findAccelerator, resolveAccelerator } from '@berth/core/accelerators';
import { AVAILABILITIES, CAPACITY_TYPES, type Range } from '@berth/core/offer';
import type { CatalogAccelerator } from './catalog-offer.ts';
import type { AcceleratorFilter, Capability, CatalogFilter } from './catalog-query.ts';
import { anyPattern, oneOf, type WordTest } from './word-pattern.ts';

export type NumberTest = (value: number) => boolean;

export interface CompiledFilter {
  readonly backend: WordTest | null;
  readonly instanceType: WordTest | null;
  readonly location: ((region: string, zone: string | null, country: string | null) => boolean) | null;
  /** By code of `CAPACITY_TYPES`. */
  readonly capacity: readonly boolean[];
  readonly cpus: NumberTest | null;
  readonly memoryMiB: NumberTest | null;
  /** Of NaN too, which stands for not known. */
  readonly diskMiB: NumberTest | null;
  readonly accelerator: ((accelerator: CatalogAccelerator | null) => boolean) | null;
  readonly traits: ((arm: boolean, flags: readonly string[]) => boolean) | null;
  readonly minPrice: number;
  readonly maxPrice: number;
  /** By code of `AVAILABILITIES`. */
  readonly availability: readonly boolean[] | null;
  /** Earliest `collectedAt` that passes. */
  readonly collectedSince: number | null;
}

export function compileFilter(filter: CatalogFilter, now: number): CompiledFilter {
  const { availability, pricePerHour, maxAgeMs, capacityTypes } = filter;
  return {
    backend: both(filter.backends && oneOf(filter.backends), filter.excludeBackends && oneOf(filter.excludeBackends)),
    instanceType: patterns(filter.instanceTypes, filter.excludeInstanceTypes),
    location: locationTest(filter),
    capacity: CAPACITY_TYPES.map((type) => capacityTypes === undefined || capacityTypes.includes(type)),
    cpus: rangeTest(filter.cpus),
    memoryMiB: rangeTest(filter.memoryMiB),
    diskMiB: diskTest(filter),
    accelerator: filter.accelerator === undefined ? null : acceleratorTest(filter.accelerator),
    traits: traitsTest(filter),
    minPrice: pricePerHour?.min ?? 0,
    maxPrice: pricePerHour?.max ?? Number.POSITIVE_INFINITY,
    availability: availability === undefined ? null : AVAILABILITIES.map((one) => availability.includes(one)),
    collectedSince: maxAgeMs === undefined ? null : now - maxAgeMs,
  };
}

function both(wanted: WordTest | undefined, excluded: WordTest | undefined): WordTest | null {
  if (excluded === undefined) return wanted ?? null;
  if (wanted === undefined) return (word) => !excluded(word);
  return (word) => wanted(word) && !excluded(word);
}

function patterns(wanted: readonly string[] | undefined, excluded: readonly string[] | undefined): WordTest | null {
  return both(wanted && anyPattern(wanted), excluded && anyPattern(excluded));
}

function locationTest(filter: CatalogFilter): CompiledFilter['location'] {
  const region = patterns(filter.regions, filter.excludeRegions);
  const zone = orNull(filter.zones, filter.excludeZones);
  const country = orNull(filter.countries, filter.excludeCountries);
  if (region === null && zone === null && country === null) return null;
  return (r, z, c) => (region === null || region(r)) && (zone === null || zone(z)) && (country === null || country(c));
}

/** What is not known is none of those wanted, and none of those excluded either. */
function orNull(
  wanted: readonly string[] | undefined,
  excluded: readonly string[] | undefined,
): ((word: string | null) => boolean) | null {
  const test = patterns(wanted, excluded);
  return test === null ? null : (word) => (word === null ? wanted === undefined : test(word));
}

/** NaN is in no range. */
function rangeTest(range: Range | undefined): NumberTest | null {
  if (range === undefined) return null;
  const min = range.min ?? Number.NEGATIVE_INFINITY;
  const max = range.max ?? Number.POSITIVE_INFINITY;
  return (value) => value >= min && value <= max;
}

function diskTest({ diskMiB, unknownDisk }: CatalogFilter): NumberTest | null {
  const test = rangeTest(diskMiB);
  return test === null || unknownDisk !== 'include' ? test : (value) => Number.isNaN(value) || test(value);
}

function traitsTest({ cpuArch, flags }: CatalogFilter): CompiledFilter['traits'] {
  if (cpuArch === undefined && flags === undefined) return null;
  const knows = flags === undefined ? null : oneOf(flags);
  return (arm, marks) =>
    (cpuArch === undefined || arm === (cpuArch === 'arm')) && (knows === null || marks.every(knows));
}

function acceleratorTest(filter: AcceleratorFilter): (accelerator: CatalogAccelerator | null) => boolean {
  const named = filter.names && namesTest(filter.names);
  const excluded = filter.excludeNames && namesTest(filter.excludeNames);
  const count = rangeTest(filter.count);
  const memory = rangeTest(filter.memoryMiB);
  const total = rangeTest(filter.totalMemoryMiB);
  const { vendors, formFactors, computeCapability } = filter;
  return (one) => {
    if (one === null) return filter.count?.min === 0;
    const memoryMiB = one.memoryMiB ?? Number.NaN;
    return (
      (named === undefined || named(one)) &&
      (excluded === undefined || !excluded(one)) &&
      (vendors === undefined || (one.vendor !== null && vendors.includes(one.vendor))) &&
      (count === null || count(one.count)) &&
      (memory === null || memory(memoryMiB)) &&
      (total === null || total(one.count * memoryMiB)) &&
      (formFactors === undefined || (one.formFactor !== null && formFactors.includes(one.formFactor))) &&
      (computeCapability === undefined || capable(one, computeCapability))
    );
  };
}

/** A label may say the memory (`A100-80GB`) and, of TPUs, how many (`v5litepod-8`): then both count. */
function namesTest(names: readonly string[]): (accelerator: CatalogAccelerator) => boolean {
  const wanted = names.map((label) => {
    const known = resolveAccelerator(label);
    return {
      name: (known?.name ?? label).toLowerCase(),
      memoryMiB: known?.memoryMiB ?? null,
      count: known?.count ?? null,
    };
  });
  return ({ name, memoryMiB, count }) => {
    const lower = name.toLowerCase();
    return wanted.some(
      (one) =>
        one.name === lower &&
        (one.memoryMiB === null || one.memoryMiB === memoryMiB) &&
        (one.count === null || one.count === count),
    );
  };
}

function capable(
  { known, name }: CatalogAccelerator,
  { min, max }: NonNullable<AcceleratorFilter['computeCapability']>,
): boolean {
  const capability = known ? (findAccelerator(name)?.computeCapability ?? null) : null;
  if (capability === null) return false;
  return (
    (min === undefined || compareCapabilities(capability, min) >= 0) &&
    (max === undefined || compareCapabilities(capability, max) <= 0)
  );
}

function compareCapabilities(a: Capability, b: Capability): number {
  return a[0] - b[0] || a[1] - b[1];
}
