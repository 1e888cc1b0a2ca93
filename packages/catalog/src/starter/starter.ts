/**
 * The catalog that ships with Berth, so that the first plan has prices without any network: well-known
 * instance types at list prices, on demand. A fact of a date, and shown as such; it counts only where no
 * other source knows the cloud.
 */

import type { CatalogOffer } from '../catalog-offer.ts';
import { normalizeOffer } from '../normalize.ts';
import { AWS } from './aws.ts';
import { AZURE } from './azure.ts';
import { GCP } from './gcp.ts';
import { LAMBDA } from './lambda.ts';
import { OCI } from './oci.ts';
import { offersOf, type PriceTable } from './price-table.ts';
import { RUNPOD } from './runpod.ts';

export const STARTER_SOURCE = 'starter';

export const STARTER_TABLES: readonly PriceTable[] = [AWS, AZURE, GCP, LAMBDA, OCI, RUNPOD];

/** When the oldest of its prices was known to hold, in ms since 1970. */
export const STARTER_AS_OF: number = Math.min(...STARTER_TABLES.map(({ asOf }) => Date.parse(asOf)));

/** Each with the date of its own cloud's list. */
export function starterOffers(): CatalogOffer[] {
  return STARTER_TABLES.flatMap((table) => {
    const { backend, asOf } = table;
    return offersOf(table).map((collected) => {
      const read = normalizeOffer(collected, { backend, source: STARTER_SOURCE, collectedAt: Date.parse(asOf) });
      // The tables are ours: a row that makes no offer is a defect, and the test finds it.
      if (!read.ok) throw new Error(`${backend} ${collected.instanceType}: ${read.reason}`);
      return read.offer;
    });
  });
}
