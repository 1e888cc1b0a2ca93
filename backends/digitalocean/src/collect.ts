import type { ApiKey } from '@berth/backend/api-key';
import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedAccelerator, CollectedOffer } from '@berth/catalog/collected-offer';
import { memoryOfOne } from '@berth/catalog/device-memory';
import { countryOf } from './regions.ts';
import { type GpuInfo, readSizes, type Size } from './sizes.ts';

const GIB = 1024;

/** One offer for each size and region that the account can use. */
export async function* collectSizes(context: CollectContext<ApiKey>): AsyncGenerator<CollectedOffer> {
  for (const size of await readSizes(context)) {
    if (size.regions.length === 0) context.log.skipped(size.slug, 'this account can create it in no region');
    yield* offersOf(size);
  }
}

function* offersOf(size: Size): Generator<CollectedOffer> {
  const accelerator = size.gpu_info === undefined ? null : acceleratorOf(size.gpu_info);
  for (const region of size.regions) {
    yield {
      instanceType: size.slug,
      region,
      country: countryOf(region),
      // Such sizes have a price of their own; nothing but the name says what it buys.
      capacityType: size.slug.endsWith('-spot') ? 'spot' : 'on-demand',
      pricePerHour: size.price_hourly,
      cpus: size.vcpus,
      memoryMiB: size.memory,
      accelerator,
      diskMiB: size.disk * GIB,
      availability: size.available ? 'available' : 'not-available',
    };
  }
}

function acceleratorOf({ model, count, vram }: GpuInfo): CollectedAccelerator {
  const all = vram.amount * GIB;
  return { label: model, count, memoryMiB: memoryOfOne(model, count, all, 'all') ?? all / count };
}
