/** What can be asked of the catalog, and what it answers. */

import type { FormFactor } from '@berth/core/accelerator';
import type {
  AcceleratorVendor,
  Availability,
  CapacityType,
  CpuArch,
  OfferGroupKey,
  OfferSort,
  Range,
} from '@berth/core/offer';
import type { OfferGroup } from '@berth/core/offers';
import type { CatalogOffer } from './catalog-offer.ts';
import type { SourceStatus } from './source-status.ts';

/**
 * Absent means: any. Words are compared without regard to letter case. Both ends of a range belong to it.
 *
 * What is not known never satisfies a filter on it: an offer without a zone is in no zone. An offer
 * without accelerator passes a filter on accelerators only where none will do (`count.min` is 0).
 */
export interface CatalogFilter {
  /** Types of backends. */
  readonly backends?: readonly string[];
  readonly excludeBackends?: readonly string[];
  /** `*` and `?` stand for characters, as in a shell: `p5*.48xlarge`. So in the next ones. */
  readonly instanceTypes?: readonly string[];
  readonly excludeInstanceTypes?: readonly string[];
  readonly regions?: readonly string[];
  readonly excludeRegions?: readonly string[];
  readonly zones?: readonly string[];
  readonly excludeZones?: readonly string[];
  /** ISO 3166-1 alpha-2. */
  readonly countries?: readonly string[];
  readonly excludeCountries?: readonly string[];
  readonly capacityTypes?: readonly CapacityType[];
  readonly cpuArch?: CpuArch;
  readonly cpus?: Range;
  readonly memoryMiB?: Range;
  readonly diskMiB?: Range;
  /** Whether an offer passes whose disk is chosen at creation, or not known; `exclude` when absent. */
  readonly unknownDisk?: 'include' | 'exclude';
  readonly accelerator?: AcceleratorFilter;
  /** Marks that the asker knows; an offer with another one does not pass. */
  readonly flags?: readonly string[];
  readonly pricePerHour?: Range;
  readonly availability?: readonly Availability[];
  /** Offers that were collected longer ago than this, in ms, do not pass. */
  readonly maxAgeMs?: number;
}

export interface AcceleratorFilter {
  /**
   * Any spelling that the registry reads; a memory in it counts (`A100-80GB`), and so does the size of a
   * TPU slice (`v5litepod-8`). Others match their own label only.
   */
  readonly names?: readonly string[];
  readonly excludeNames?: readonly string[];
  readonly vendors?: readonly AcceleratorVendor[];
  readonly count?: Range;
  /** Of one device. */
  readonly memoryMiB?: Range;
  readonly totalMemoryMiB?: Range;
  /** [major, minor] of NVIDIA's table; other vendors' devices have none. */
  readonly computeCapability?: { readonly min?: Capability; readonly max?: Capability };
  readonly formFactors?: readonly FormFactor[];
}

export type Capability = readonly [major: number, minor: number];

export interface CatalogQuery extends CatalogFilter {
  /** `price` when absent. Offers without such a price come last, by price. */
  readonly sort?: OfferSort;
  /** 100 when absent. */
  readonly limit?: number;
  /** `next` of the answer before: what comes after it in the order, also in a newer catalog. */
  readonly after?: string;
}

export interface CatalogAnswer {
  /** In order: by the sort's price, then price, then id by code units. */
  readonly offers: readonly CatalogOffer[];
  /** How many pass in all, those before `after` included. */
  readonly total: number;
  /** Null: there are no more. */
  readonly next: string | null;
  /** Every source that was asked or left out, by name. */
  readonly sources: readonly SourceStatus[];
}

export interface CatalogGroups {
  /** In the order of their cheapest offer. */
  readonly groups: readonly OfferGroup[];
  readonly total: number;
  readonly sources: readonly SourceStatus[];
}

export type { OfferGroup, OfferGroupKey, OfferSort };
