/** What FluffyCloud sells: one offer for each type, region and way to pay. */
import { BackendError } from '@berth/backend';
import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { type InstanceType, instanceTypes } from './api.ts';
import type { Config, Credentials } from './index.ts';

/** Disks are sold in GB, offers speak of MiB. */
const MIB_PER_GB = 1e9 / 2 ** 20;

export async function* collect(context: CollectContext<Credentials, Config>): AsyncGenerator<CollectedOffer> {
  const { http, config, credentials, signal } = context;
  if (config === null)
    throw new BackendError('config', 'FluffyCloud’s prices are asked for at `api_url`, which is not set.');
  for (const type of await instanceTypes({ http, config, credentials }, signal)) {
    for (const region of Object.keys(type.regions)) {
      if (config.regions?.includes(region) !== false) yield* offersOf(type, region);
    }
  }
}

function* offersOf(type: InstanceType, region: string): Generator<CollectedOffer> {
  const { gpus, price_per_hour_cents: cents } = type;
  const stock = type.regions[region]?.in_stock;
  const shape = {
    instanceType: type.name,
    region,
    cpus: type.vcpus,
    memoryMiB: type.memory_mib,
    cpuArch: 'x86',
    diskMiB: Math.floor(type.disk_gb * MIB_PER_GB),
    accelerator: gpus === null ? null : { label: gpus.model, count: gpus.count, memoryMiB: gpus.memory_mib },
  } as const;
  yield {
    ...shape,
    capacityType: 'on-demand',
    pricePerHour: cents.on_demand / 100,
    availability: stock?.on_demand === true ? 'available' : 'not-available',
  };
  if (cents.spot === null) return;
  yield {
    ...shape,
    capacityType: 'spot',
    pricePerHour: cents.spot / 100,
    availability: stock?.spot === true ? 'available' : 'not-available',
  };
}
