/**
 * Catalogs like the real ones, from a seed, offer by offer: nine clouds in their shares of all rows,
 * each selling its instance types in its regions and zones, on demand and mostly as spot too. About
 * 45 % of the rows have accelerators and 45 % are spot.
 */

import { findAccelerator } from '@berth/core/accelerators';
import type { CapacityType } from '@berth/core/offer';
import { type CatalogAccelerator, type CatalogOffer, catalogOfferId } from '../catalog-offer.ts';

export interface SyntheticOptions {
  readonly rows: number;
  readonly seed: number;
  /** Milliseconds since 1970. */
  readonly collectedAt: number;
}

interface Cloud {
  readonly backend: string;
  /** Of all rows. */
  readonly share: number;
  readonly regions: number;
  /** Of a region; 0: it tells none. */
  readonly zones: number;
}

export const SYNTHETIC_CLOUDS: readonly Cloud[] = [
  { backend: 'gcp', share: 0.46, regions: 40, zones: 3 },
  { backend: 'aws', share: 0.17, regions: 30, zones: 3 },
  { backend: 'azure', share: 0.15, regions: 50, zones: 0 },
  { backend: 'oci', share: 0.08, regions: 40, zones: 0 },
  { backend: 'runpod', share: 0.07, regions: 18, zones: 0 },
  { backend: 'lambda', share: 0.02, regions: 15, zones: 0 },
  { backend: 'nebius', share: 0.02, regions: 6, zones: 0 },
  { backend: 'verda', share: 0.02, regions: 4, zones: 0 },
  { backend: 'cloudrift', share: 0.01, regions: 5, zones: 0 },
];

/** Name, GiB, weight and $/h of one device. */
const DEVICES: readonly (readonly [name: string, gib: number, weight: number, price: number])[] = [
  ['H100', 80, 9, 3.2],
  ['H200', 141, 4, 4.1],
  ['B200', 180, 3, 6.2],
  ['A100', 40, 6, 1.6],
  ['A100', 80, 7, 2.1],
  ['L4', 24, 7, 0.5],
  ['L40S', 48, 6, 1.2],
  ['A10', 24, 4, 0.75],
  ['A10G', 24, 4, 0.8],
  ['T4', 16, 7, 0.25],
  ['V100', 16, 4, 0.9],
  ['P100', 16, 3, 0.6],
  ['RTX4090', 24, 4, 0.45],
  ['RTX3090', 24, 3, 0.3],
  ['A6000', 48, 3, 0.6],
  ['A5000', 24, 3, 0.35],
  ['RTX6000Ada', 48, 3, 0.8],
  ['MI300X', 192, 4, 2.9],
];
const TOTAL_WEIGHT = DEVICES.reduce((sum, [, , weight]) => sum + weight, 0);

const SPOT_SHARE_OF_PLACES = 0.82; // 45 % of all rows then
const SOLD_IN_PLACE = 0.6;
const COUNTRIES = ['US', 'DE', 'GB', 'JP', 'SG', 'BR', 'IN', 'CA'];

/** All rows of one cloud after the other. */
export function* syntheticCatalog(options: SyntheticOptions): Generator<CatalogOffer> {
  for (const { backend } of SYNTHETIC_CLOUDS) yield* syntheticCloud(backend, options);
}

/** The rows of one of `SYNTHETIC_CLOUDS`; `rows` are those of all. */
export function* syntheticCloud(
  backend: string,
  { rows, seed, collectedAt }: SyntheticOptions,
): Generator<CatalogOffer> {
  const index = SYNTHETIC_CLOUDS.findIndex((one) => one.backend === backend);
  const cloud = SYNTHETIC_CLOUDS[index];
  if (cloud === undefined) throw new RangeError(`there is no synthetic cloud ${backend}`);
  const random = generator(seed * 31 + index);
  let left = Math.round(rows * cloud.share);
  const places = placesOf(cloud);
  for (let number = 0; left > 0; number += 1) {
    const shape = shapeOf(cloud, number, random);
    for (const place of places) {
      if (random() > SOLD_IN_PLACE) continue;
      const onDemand = cents(shape.price * place.factor);
      yield offerOf(shape, place, 'on-demand', onDemand, collectedAt);
      left -= 1;
      if (left > 0 && random() < SPOT_SHARE_OF_PLACES) {
        yield offerOf(shape, place, 'spot', cents(onDemand * (0.25 + 0.35 * random())), collectedAt);
        left -= 1;
      }
      if (left <= 0) return;
    }
  }
}

/** Hosts of a marketplace: hardly two rows are of one shape, and each says something of its own. */
export function* syntheticMarketplace({ rows, seed, collectedAt }: SyntheticOptions): Generator<CatalogOffer> {
  const random = generator(seed);
  const market: Cloud = { backend: 'vastai', share: 1, regions: 60, zones: 0 };
  const places = placesOf(market);
  for (let row = 0; row < rows; row += 1) {
    const place = places[Math.floor(random() * places.length)];
    if (place === undefined) return;
    const shape = shapeOf(market, row, random, 1);
    const own = {
      ...shape,
      instanceType: String(10_000_000 + row),
      memoryMiB: 8192 + Math.floor(random() * 1_000_000),
      diskMiB: 16_384 + 1024 * Math.floor(random() * 4096),
      providerData: row % 2 === 0 ? null : { min_bid: cents(shape.price * 0.4) },
    };
    const spot = row % 2 === 1;
    yield offerOf(own, place, spot ? 'spot' : 'on-demand', cents(shape.price * (0.5 + random())), collectedAt);
  }
}

type Shape = Pick<
  CatalogOffer,
  | 'backend'
  | 'instanceType'
  | 'cpus'
  | 'memoryMiB'
  | 'cpuArch'
  | 'accelerator'
  | 'diskMiB'
  | 'interconnect'
  | 'networkGbps'
  | 'flags'
  | 'providerData'
> & { readonly price: number };

interface Place {
  readonly region: string;
  readonly zone: string | null;
  readonly country: string;
  /** Of the cheapest region's prices. */
  readonly factor: number;
}

function placesOf({ backend, regions, zones }: Cloud): readonly Place[] {
  const places: Place[] = [];
  for (let number = 0; number < regions; number += 1) {
    const region = `${backend}-${['us', 'eu', 'ap', 'sa'][number % 4]}-${['east', 'west', 'north', 'south'][number % 3]}${number}`;
    const country = COUNTRIES[number % COUNTRIES.length] ?? 'US';
    const factor = 1 + (number % 7) * 0.05;
    for (let zone = 0; zone < Math.max(1, zones); zone += 1) {
      places.push({ region, zone: zones === 0 ? null : `${region}-${'abc'[zone]}`, country, factor });
    }
  }
  return places;
}

function shapeOf({ backend }: Cloud, number: number, random: () => number, acceleratorShare = 0.45): Shape {
  const isAccelerated = random() < acceleratorShare;
  const device = isAccelerated ? pick(random) : null;
  const count = device === null ? 0 : ([1, 2, 4, 8, 8][Math.floor(random() * 5)] ?? 1);
  const cpus = device === null ? 2 ** Math.floor(random() * 7) : count * (4 + 4 * Math.floor(random() * 6));
  const memoryMiB = 1024 * cpus * ([2, 4, 8][Math.floor(random() * 3)] ?? 4);
  const cpuPrice = 0.02 * cpus + (0.003 * memoryMiB) / 1024;
  const arm = device === null && random() < 0.15;
  const isLarge = count === 8 && (device?.price ?? 0) > 2;
  return {
    backend,
    instanceType: `${device === null ? 'c' : device.accelerator.name.toLowerCase()}${number}.${cpus}x`,
    cpus,
    memoryMiB,
    cpuArch: arm ? 'arm' : 'x86',
    accelerator: device === null ? null : { ...device.accelerator, count },
    diskMiB: random() < 0.2 ? 1024 * (60 + 20 * Math.floor(random() * 40)) : null,
    interconnect: isLarge ? 'InfiniBand' : null,
    networkGbps: isLarge ? 3200 : random() < 0.5 ? 10 : null,
    flags: isLarge && random() < 0.3 ? [`${backend}-a4`] : [],
    providerData: random() < 0.02 ? { fabrics: [`${backend}-fabric-${number % 5}`] } : null,
    price: Math.max(0.01, cents((device?.price ?? 0) * count + cpuPrice)),
  };
}

function pick(random: () => number): { readonly accelerator: CatalogAccelerator; readonly price: number } {
  let at = random() * TOTAL_WEIGHT;
  let chosen = DEVICES[0];
  for (const device of DEVICES) {
    chosen = device;
    at -= device[2];
    if (at < 0) break;
  }
  const [name, gib, , price] = chosen ?? ['H100', 80, 1, 3];
  const vendor = findAccelerator(name)?.vendor ?? null;
  return { accelerator: { name, vendor, known: true, count: 1, memoryMiB: gib * 1024, formFactor: null }, price };
}

function offerOf(
  { price: _, ...shape }: Shape,
  { region, zone, country }: Place,
  capacityType: CapacityType,
  pricePerHour: number,
  collectedAt: number,
): CatalogOffer {
  const flags = shape.backend === 'oci' && capacityType === 'spot' ? ['oci-spot'] : shape.flags;
  const offer = { ...shape, region, zone, country, capacityType, flags };
  return {
    id: catalogOfferId(offer),
    ...offer,
    pricePerHour: Math.max(0.0001, pricePerHour),
    availability: 'unknown',
    source: shape.backend,
    collectedAt,
  };
}

function cents(price: number): number {
  return Math.round(price * 10_000) / 10_000;
}

/** Mulberry32: numbers from 0 to 1 that a seed decides. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
