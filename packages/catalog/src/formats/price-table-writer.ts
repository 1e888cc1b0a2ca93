/** Writes the generic price table: a row an offer, its columns named as the reader knows them. */

import type { CatalogOffer } from '../catalog-offer.ts';
import { csvRow } from './csv-text.ts';

export const PRICE_TABLE_HEADER = csvRow([
  'instance_type',
  'region',
  'zone',
  'country',
  'on_demand_usd_per_hour',
  'spot_usd_per_hour',
  'vcpus',
  'memory_gib',
  'cpu_arch',
  'gpu_label',
  'gpu_count',
  'gpu_memory_gib',
  'local_disk',
  'network_gbps',
]);

/** Left away: flags, provider data, interconnect, availability, form factor, age and the vendor of unknown devices. */
export function priceTableRow(offer: CatalogOffer): string {
  const { accelerator } = offer;
  const price = String(offer.pricePerHour);
  const spot = offer.capacityType === 'spot';
  return csvRow([
    offer.instanceType,
    offer.region,
    offer.zone ?? '',
    offer.country ?? '',
    spot ? '' : price,
    spot ? price : '',
    String(offer.cpus),
    plainNumber(offer.memoryMiB / 1024),
    offer.cpuArch,
    accelerator?.name ?? '',
    accelerator === null ? '' : String(accelerator.count),
    accelerator?.memoryMiB == null ? '' : plainNumber(accelerator.memoryMiB / 1024),
    offer.diskMiB === null ? '' : `${plainNumber(offer.diskMiB / 1024)} GiB`,
    offer.networkGbps === null ? '' : plainNumber(offer.networkGbps),
  ]);
}

/** Why the table cannot hold this offer; null: it can. */
export function whyNotPriceTable(offer: CatalogOffer): string | null {
  return offer.capacityType === 'reserved' ? 'it is reserved capacity' : null;
}

/** Without an exponent, which nobody writes into a table; MiB are 1/1024 of a GiB, so ten digits are exact. */
function plainNumber(value: number): string {
  return value.toFixed(10).replace(/\.?0+$/, '');
}
