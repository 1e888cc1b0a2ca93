import type { ApiKey } from '@berth/backend/api-key';
import { balance } from '@berth/catalog/balance';
import type { CollectContext, CollectLog } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { resolveAccelerator } from '@berth/core/accelerators';
import { BerthError } from '@berth/core/errors';
import { z } from 'zod';
import { countryCode } from './countries.ts';

/** Source: TensorDock API 2.0, "Fetch Hostnodes and Locations" (dashboard.tensordock.com/api/docs/fetch-hostnodes). */
const LOCATIONS = 'https://dashboard.tensordock.com/api/v2/locations';

const Gpu = z.object({
  v0Name: z.string(),
  displayName: z.string(),
  /** The most of them that one machine can have now. */
  max_count: z.int().nonnegative(),
  price_per_hr: z.number(),
  resources: z.object({ max_vcpus: z.number(), max_ram_gb: z.number(), max_storage_gb: z.number() }),
  pricing: z.object({ per_vcpu_hr: z.number(), per_gb_ram_hr: z.number(), per_gb_storage_hr: z.number() }),
});
type Gpu = z.output<typeof Gpu>;

const Answer = z.object({
  data: z.object({
    locations: z.array(
      z.object({
        id: z.string(),
        city: z.string(),
        stateprovince: z.string(),
        country: z.string(),
        gpus: z.array(Gpu),
      }),
    ),
  }),
});
type Location = z.output<typeof Answer>['data']['locations'][number];

const GIB = 1024;
/** "The minimum storage is 100 GB": the same documentation, "Create Instances". */
const LEAST_DISK_MIB = 100 * GIB;

/** One offer for each location, device and number of devices, with a sensible share of the rest. */
export async function* collectLocations({
  http,
  signal,
  log,
  credentials,
}: CollectContext<ApiKey>): AsyncGenerator<CollectedOffer> {
  const headers = { authorization: `Bearer ${credentials.api_key.reveal()}` };
  const { locations } = (await http.json({ url: LOCATIONS, headers, schema: Answer }, signal)).data;
  if (locations.length === 0) {
    throw new BerthError('no-offers', 'TensorDock lists no locations', {
      hint: 'Look at https://dashboard.tensordock.com whether anything can be deployed now.',
    });
  }
  for (const location of locations) {
    for (const gpu of location.gpus) yield* offersOf(location, gpu, log);
  }
}

function* offersOf(location: Location, gpu: Gpu, log: CollectLog): Generator<CollectedOffer> {
  const { resources, pricing } = gpu;
  // What CPUs and memory cost would pass for the price of it all.
  if (!(gpu.price_per_hr > 0)) {
    log.skipped(`${location.city}: ${gpu.displayName}`, `its price is ${gpu.price_per_hr}`);
    return;
  }
  const device = resolveAccelerator(gpu.displayName);
  const pool = {
    gpus: gpu.max_count,
    gpuMemoryMiB: device?.memoryMiB ?? device?.memorySizesMiB[0] ?? null,
    cpus: resources.max_vcpus,
    memoryMiB: resources.max_ram_gb * GIB,
    diskMiB: resources.max_storage_gb * GIB,
  };
  const prices = {
    gpu: gpu.price_per_hr,
    cpu: pricing.per_vcpu_hr,
    memoryGib: pricing.per_gb_ram_hr,
    diskGib: pricing.per_gb_storage_hr,
  };
  const { shapes, unbalanced } = balance(pool, prices, { diskMiB: LEAST_DISK_MIB });
  for (const { gpus, reason } of unbalanced) {
    log.skipped(`${location.city}: ${gpus} × ${gpu.displayName}`, reason);
  }
  for (const shape of shapes) {
    yield {
      // No instance types here: the device and the shape are what is ordered.
      instanceType: `${gpu.v0Name}-${shape.gpus}x-${shape.cpus}-${shape.memoryMiB / GIB}`,
      region: regionOf(location),
      zone: location.id,
      country: countryCode(location.country),
      capacityType: 'on-demand',
      pricePerHour: shape.pricePerHour,
      cpus: shape.cpus,
      memoryMiB: shape.memoryMiB,
      accelerator: { label: gpu.displayName, count: shape.gpus },
      diskMiB: shape.diskMiB,
      availability: 'available',
      providerData: { location_id: location.id, gpu: gpu.v0Name },
    };
  }
}

/** `united-states-texas-austin`: two cities of one name are two regions. */
function regionOf({ country, stateprovince, city }: Location): string {
  const words = [country, stateprovince, city].filter((part) => part.trim() !== '');
  return words
    .join(' ')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
