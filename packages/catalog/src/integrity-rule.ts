/** What must be true of a source's offers, as data; checked in `integrity.ts`. */

import type { CapacityType } from '@berth/core/offer';

/** The general rules hold for every source; these say what one cloud is known for, or exempt it. */
export type IntegrityRule =
  /** All of these accelerators (canonical names) are sold, or at least `atLeast` of them. */
  | { readonly rule: 'accelerators'; readonly names: readonly string[]; readonly atLeast?: number }
  /** Offers are found in all of these regions, or in at least `atLeast` of them. */
  | { readonly rule: 'regions'; readonly names: readonly string[]; readonly atLeast?: number }
  | { readonly rule: 'instance-types'; readonly names: readonly string[] }
  /** Each of these capacity types occurs, and no other. */
  | { readonly rule: 'capacity-types'; readonly exactly: readonly CapacityType[] }
  /** No fewer offers than this. */
  | { readonly rule: 'offers'; readonly atLeast: number }
  /** Zones need not contain their region's name. */
  | { readonly rule: 'free-zone-names' }
  /** Spot may cost more than on demand: a market that both sides bid on. */
  | { readonly rule: 'spot-above-on-demand' }
  /** One device for under a fiftieth of the market is right here. Says why. */
  | { readonly rule: 'cheap'; readonly accelerators: readonly string[]; readonly because: string }
  /** Shares of a device are sold: one half, one third, …. Says why. */
  | { readonly rule: 'shares'; readonly because: string }
  /** Offers, regions and devices come and go from one hour to the next. Says why. */
  | { readonly rule: 'comes-and-goes'; readonly because: string };
