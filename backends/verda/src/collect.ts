import type { CollectContext, CollectLog } from '@berth/catalog/catalog-source';
import type { CollectedAccelerator, CollectedOffer } from '@berth/catalog/collected-offer';
import { BerthError } from '@berth/core/errors';
import { mapConcurrently } from '@berth/http/concurrency';
import { accessToken, type ClientCredentials } from './access-token.ts';
import { type InstanceType, type LocationAvailability, verdaApi } from './verda-api.ts';

const GIB = 1024;

type Sale = 'on-demand' | 'spot';
const SALES: readonly Sale[] = ['on-demand', 'spot'];

/** One offer for each type that a location can start now, on demand and as spot. */
export async function* collectAvailable({
  http,
  signal,
  log,
  credentials,
}: CollectContext<ClientCredentials>): AsyncGenerator<CollectedOffer> {
  const api = verdaApi(http, await accessToken(http, credentials, signal), signal);
  const types = new Map((await api.instanceTypes()).map((type) => [type.instance_type, type]));
  if (types.size === 0) {
    throw new BerthError('no-offers', 'Verda lists no instance types', {
      hint: 'Look at https://console.verda.com whether this project can start any.',
    });
  }
  const countries = new Map((await api.locations()).map(({ code, country_code }) => [code, country_code]));
  const offered = await mapConcurrently(SALES, SALES.length, (sale, cut) => api.availability(sale, cut), signal);
  requireLocations(offered);

  const met = new Set<string>();
  for (const [index, sale] of SALES.entries()) {
    for (const { location_code, availabilities } of offered[index] ?? []) {
      for (const name of availabilities) {
        met.add(name);
        const offer = offerOf({ name, type: types.get(name), sale, location: location_code }, log);
        if (offer !== null) yield { ...offer, country: countries.get(location_code) ?? null };
      }
    }
  }
  for (const name of types.keys()) {
    if (!met.has(name)) log.skipped(name, 'no location can start one now, and which ones sell it is not told');
  }
}

/** Every location is listed, with an empty list when it is sold out; no location at all is no answer. */
function requireLocations(offered: readonly (readonly LocationAvailability[])[]): void {
  if (offered.some((locations) => locations.length > 0)) return;
  throw new BerthError('no-offers', 'Verda tells of no location that could start anything', {
    hint: 'Look at https://status.verda.com; the question is asked again at the next query.',
  });
}

interface Sold {
  readonly name: string;
  readonly type: InstanceType | undefined;
  readonly sale: Sale;
  readonly location: string;
}

function offerOf({ name, type, sale, location }: Sold, log: CollectLog): CollectedOffer | null {
  if (type === undefined) {
    log.skipped(`${name} in ${location}`, 'it is available, and no instance type of that name is listed');
    return null;
  }
  const pricePerHour = sale === 'spot' ? type.spot_price : type.price_per_hour;
  if (pricePerHour === null) {
    log.skipped(`${name} in ${location}`, 'it is available as spot, and has no spot price');
    return null;
  }
  return {
    instanceType: name,
    region: location,
    capacityType: sale,
    pricePerHour,
    cpus: type.cpu.number_of_cores,
    memoryMiB: type.memory.size_in_gigabytes * GIB,
    accelerator: acceleratorOf(type),
    availability: 'available',
  };
}

function acceleratorOf({ gpu, gpu_memory }: InstanceType): CollectedAccelerator | null {
  const count = gpu.number_of_gpus;
  if (count === 0) return null;
  // "8x H100 SXM5 80GB" begins with the number that `number_of_gpus` says.
  const label = gpu.description.replace(/^\d+\s*x\s+/i, '');
  return { label, count, memoryMiB: (gpu_memory.size_in_gigabytes / count) * GIB };
}
