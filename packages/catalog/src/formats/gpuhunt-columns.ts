/** gpuhunt's CSV: its 14 columns, and what its cells can say. */

export const GPUHUNT_COLUMNS = [
  'instance_name',
  'location',
  'price',
  'cpu',
  'memory',
  'gpu_count',
  'gpu_name',
  'gpu_memory',
  'spot',
  'disk_size',
  'gpu_vendor',
  'flags',
  'cpu_arch',
  'provider_data',
] as const;

/** The vendors that gpuhunt's reader accepts; it drops rows with another one. */
export const GPUHUNT_VENDORS = ['nvidia', 'amd', 'google', 'intel', 'tenstorrent'] as const;
export type GpuhuntVendor = (typeof GPUHUNT_VENDORS)[number];

/** `location` is a zone in these clouds' files, a region in all others. */
const ZONED = new Set(['gcp']);
const ZONE = /^(.+-.+)-[a-z0-9]+$/;

export interface Place {
  readonly region: string;
  readonly zone: string | null;
}

export function placeOfLocation(backend: string, location: string): Place {
  const region = ZONED.has(backend) ? ZONE.exec(location)?.[1] : undefined;
  return region === undefined ? { region: location, zone: null } : { region, zone: location };
}

export function locationOfPlace(place: Place): string {
  return place.zone ?? place.region;
}
