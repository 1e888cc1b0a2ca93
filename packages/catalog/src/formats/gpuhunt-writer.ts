/** Writes gpuhunt's CSV, byte for byte as gpuhunt does. */

import type { CatalogOffer } from '../catalog-offer.ts';
import { csvRow } from './csv-text.ts';
import { GPUHUNT_COLUMNS, GPUHUNT_VENDORS, locationOfPlace, placeOfLocation } from './gpuhunt-columns.ts';
import { pythonFloat, pythonJson } from './python-text.ts';

export const GPUHUNT_HEADER = csvRow(GPUHUNT_COLUMNS);

/**
 * The offer's row. What the format has no place for is left away: country, interconnect, network,
 * availability, form factor and age, the zone (but in GCP's file, where the zone is the location), and
 * whether a number in `providerData` is written `1` or `1.0`.
 */
export function gpuhuntRow(offer: CatalogOffer): string {
  const { accelerator } = offer;
  const slice = accelerator === null ? null : tpuSlice(accelerator);
  const gpuName = slice?.name ?? accelerator?.name ?? '';
  const memoryMiB = slice === null ? (accelerator?.memoryMiB ?? null) : slice.totalMemoryMiB;
  return csvRow([
    offer.instanceType,
    locationOfPlace(placeOfOffer(offer)),
    pythonFloat(offer.pricePerHour),
    String(offer.cpus),
    pythonFloat(offer.memoryMiB / 1024),
    String(slice === null ? (accelerator?.count ?? 0) : 1),
    gpuName,
    memoryMiB === null ? '' : pythonFloat(memoryMiB / 1024),
    offer.capacityType === 'spot' ? 'True' : 'False',
    offer.diskMiB === null ? '' : pythonFloat(offer.diskMiB / 1024),
    accelerator?.vendor ?? '',
    offer.flags.join(' '),
    offer.cpuArch,
    offer.providerData === null ? '{}' : pythonJson(offer.providerData),
  ]);
}

/** Why gpuhunt's CSV cannot hold this offer; null: it can. */
export function whyNotGpuhunt(offer: CatalogOffer): string | null {
  const { accelerator } = offer;
  if (offer.capacityType === 'reserved') return 'it is reserved capacity';
  if (!Number.isInteger(offer.cpus)) return 'it has a fraction of a vCPU';
  const place = placeOfLocation(offer.backend, locationOfPlace(placeOfOffer(offer)));
  if (place.region !== offer.region) return 'its region would be read as a zone';
  if (offer.flags.some((flag) => flag === '' || /\s/.test(flag))) return 'a flag has a blank in it';
  if (accelerator === null) return null;
  if (!Number.isInteger(accelerator.count)) return 'it has a share of an accelerator';
  const vendor = GPUHUNT_VENDORS.find((known) => known === accelerator.vendor);
  return vendor === undefined ? `gpuhunt knows no accelerators of ${accelerator.vendor ?? 'an unknown vendor'}` : null;
}

/** The zone only where gpuhunt's reader finds the region in it again. */
function placeOfOffer(offer: CatalogOffer): Pick<CatalogOffer, 'region' | 'zone'> {
  if (offer.zone === null) return offer;
  const read = placeOfLocation(offer.backend, offer.zone);
  return read.zone === offer.zone && read.region === offer.region ? offer : { region: offer.region, zone: null };
}

const CORES_IN_NAME: ReadonlySet<string> = new Set(['v2', 'v3', 'v4', 'v5p']);
const CHIPS_IN_NAME: ReadonlySet<string> = new Set(['v5litepod', 'v6e']);

interface Slice {
  readonly name: string;
  readonly totalMemoryMiB: number | null;
}

/** gpuhunt sells the chips of a slice as one device that is named for them. */
function tpuSlice(accelerator: NonNullable<CatalogOffer['accelerator']>): Slice | null {
  const { name, count, memoryMiB } = accelerator;
  const cores = CORES_IN_NAME.has(name);
  if (!cores && !CHIPS_IN_NAME.has(name)) return null;
  return {
    name: `${name}-${cores ? 2 * count : count}`,
    totalMemoryMiB: memoryMiB === null ? null : memoryMiB * count,
  };
}
