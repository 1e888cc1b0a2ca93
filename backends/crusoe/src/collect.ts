import type { CollectContext, CollectLog } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { BerthError } from '@berth/core/errors';
import type { AccessKey } from './access-key.ts';
import { type Capacity, crusoeApi, type VmType } from './crusoe-api.ts';
import { placeOf } from './locations.ts';
import { PRICE_LIST, priceOf } from './price-list.ts';

const GIB = 1024;

/** One offer for each type and location whose capacity is told, none being a capacity too. */
export async function* collectCapacities({
  http,
  signal,
  now,
  log,
  credentials,
}: CollectContext<AccessKey>): AsyncGenerator<CollectedOffer> {
  const api = crusoeApi(http, credentials, now, signal);
  const types = await api.vmTypes();
  const free = freeMachines(await api.capacities(), log);
  if (types.length === 0 || free.size === 0) {
    const what = types.length === 0 ? 'no VM types for this project' : 'no capacity, not even that there is none';
    throw new BerthError('no-offers', `Crusoe lists ${what}`, {
      hint: 'Look at https://console.crusoecloud.com whether the project is the right one.',
    });
  }
  log.progress(`${types.length} types, with the prices of ${PRICE_LIST.asOf}`);
  for (const type of types) {
    const locations = free.get(type.product_name);
    if (locations === undefined) log.skipped(type.product_name, 'no location tells of capacity for it');
    else yield* offersOf(type, locations, log);
  }
  const known = new Set(types.map(({ product_name }) => product_name));
  for (const name of free.keys()) {
    if (!known.has(name))
      log.skipped(name, 'a location tells of capacity for it, and it is no VM type of this project');
  }
}

type ByLocation = ReadonlyMap<string, number>;

/** By type and location. A pair may be told several times, once for each kind of host; the best one counts. */
function freeMachines(capacities: readonly Capacity[], log: CollectLog): ReadonlyMap<string, ByLocation> {
  const free = new Map<string, Map<string, number>>();
  for (const { type, location, quantity } of capacities) {
    if (type === undefined) {
      log.skipped(`capacity in ${location}`, 'it names no type');
      continue;
    }
    const locations = free.get(type) ?? new Map<string, number>();
    locations.set(location, Math.max(quantity, locations.get(location) ?? 0));
    free.set(type, locations);
  }
  return free;
}

function* offersOf(type: VmType, locations: ByLocation, log: CollectLog): Generator<CollectedOffer> {
  const price = priceOf(type);
  if ('unpriced' in price) {
    log.skipped(type.product_name, price.unpriced);
    return;
  }
  for (const [location, quantity] of locations) {
    yield {
      instanceType: type.product_name,
      ...placeOf(location),
      capacityType: 'on-demand',
      pricePerHour: price.usdPerHour,
      cpus: type.cpu_cores,
      memoryMiB: type.memory_gb * GIB,
      ...(type.cpu_type.toLowerCase().startsWith('arm') ? { cpuArch: 'arm' as const } : {}),
      accelerator: type.num_gpu === 0 ? null : { label: type.gpu_type, count: type.num_gpu },
      diskMiB: type.disk_gb === 0 ? null : type.disk_gb * GIB,
      interconnect: interconnectOf(type.product_name),
      providerData: { disk_gb: type.disk_gb, price_as_of: PRICE_LIST.asOf },
      availability: quantity > 0 ? 'available' : 'not-available',
    };
  }
}

/** The family of a type that needs a partition of such a network ends with its name. */
function interconnectOf(productName: string): string | null {
  const family = productName.split('.')[0] ?? '';
  if (family.endsWith('-ib')) return 'InfiniBand';
  return family.endsWith('-roce') ? 'RoCE' : null;
}
