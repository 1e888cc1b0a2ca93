/** How terms of payment show in an offer. */

import type { CollectedOffer } from '@berth/catalog/collected-offer';
import type { Terms } from './sku.ts';

/** Only with a reservation of one's own, at the price on demand. */
export const RESERVATION = 'gcp-reservation';
/** Reserved for days ahead. Source: https://cloud.google.com/compute/docs/instances/future-reservations-calendar-mode-overview */
const CALENDAR = 'gcp-dws-calendar-mode';
/** Starts when there is capacity, ends after 7 days. Source: https://cloud.google.com/compute/docs/instances/about-flex-start-vms */
const FLEX_START = 'gcp-dws-flex-start';

export type Capacity = Pick<CollectedOffer, 'capacityType'> & { readonly flags: readonly string[] };

export const CAPACITY: Readonly<Record<Terms, Capacity>> = {
  'on-demand': { capacityType: 'on-demand', flags: [] },
  spot: { capacityType: 'spot', flags: [] },
  calendar: { capacityType: 'reserved', flags: [CALENDAR] },
  'flex-start': { capacityType: 'reserved', flags: [FLEX_START] },
};
