import { BackendError } from '@berth/backend/backend-error';
import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedAccelerator, CollectedOffer } from '@berth/catalog/collected-offer';
import { memoryOfOne } from '@berth/catalog/device-memory';
import type { Availability } from '@berth/core/offer';
import { z } from 'zod';
import { countryOf } from './regions.ts';

const URL = 'https://api.cloudrift.ai/api/v1/instance-types/list';
/** The answers' shape goes with it; every request names it. */
const API_VERSION = '2025-03-21';

const NodesByPlace = z.record(z.string(), z.number()).nullish();

/**
 * Source: CloudRift API, `instance-types/list`. Its fields are read as its clients read them: dstack's
 * backend (`cost_per_hour` in cents, sizes in bytes) and CloudRift's own Terraform provider (the counts).
 */
const Variant = z.object({
  name: z.string(),
  /** US cents, fractions included. */
  cost_per_hour: z.number(),
  cpu_count: z.number(),
  gpu_count: z.number(),
  /** Bytes. */
  dram: z.number(),
  disk: z.number().nullish(),
  /** Bytes of one device. */
  vram: z.number().nullish(),
  /** All nodes of this kind, in use or not. */
  nodes_per_dc: NodesByPlace,
  /** Those that can be had now. */
  available_nodes_per_dc: NodesByPlace,
});
type Variant = z.output<typeof Variant>;

const InstanceType = z.object({
  name: z.string().nullish(),
  brand_short: z.string().min(1),
  manufacturer: z.string().nullish(),
  variants: z.array(Variant),
});
type InstanceType = z.output<typeof InstanceType>;

const Answer = z.object({ data: z.object({ instance_types: z.array(InstanceType) }) });

const MIB = 1024 ** 2;

/** Everything that CloudRift rents as virtual machines, in every place that it names for it. */
export async function* collectCloudRift({
  http,
  signal,
  log,
}: CollectContext<unknown>): AsyncGenerator<CollectedOffer> {
  const request = {
    method: 'POST',
    url: URL,
    body: { version: API_VERSION, data: { selector: { ByServiceAndLocation: { services: ['vm'] } } } },
    schema: Answer,
    repeatable: true,
    timeoutMs: 15_000,
  } as const;
  const { data } = await http.json(request, signal);
  let found = 0;
  for (const type of data.instance_types) {
    for (const variant of type.variants) {
      if (!(variant.cost_per_hour > 0)) {
        log.skipped(variant.name, `its price is ${variant.cost_per_hour}`);
        continue;
      }
      const places = placesOf(variant);
      if (places.size === 0) log.skipped(variant.name, 'no location is named for it');
      for (const [place, availability] of places) {
        found += 1;
        yield offerOf(type, variant, place, availability);
      }
    }
  }
  if (found === 0) throw new BackendError('unknown', 'CloudRift listed no offers', { scope: 'cloud' });
}

/** A place may be listed with no node at all: it is where the cloud would have it, not where it can be had. */
function placesOf({ nodes_per_dc, available_nodes_per_dc }: Variant): ReadonlyMap<string, Availability> {
  const places = new Map<string, Availability>();
  for (const [place, nodes] of Object.entries(nodes_per_dc ?? {})) {
    const free = available_nodes_per_dc == null ? null : (available_nodes_per_dc[place] ?? 0);
    places.set(place, nodes > 0 && free !== 0 ? (free === null ? 'unknown' : 'available') : 'not-available');
  }
  for (const [place, free] of Object.entries(available_nodes_per_dc ?? {})) {
    if (!places.has(place)) places.set(place, free > 0 ? 'available' : 'not-available');
  }
  return places;
}

function offerOf(type: InstanceType, variant: Variant, place: string, availability: Availability): CollectedOffer {
  const { gpu_count: count, disk } = variant;
  return {
    instanceType: variant.name,
    region: place,
    country: countryOf(place),
    capacityType: 'on-demand',
    pricePerHour: variant.cost_per_hour / 100,
    cpus: variant.cpu_count,
    memoryMiB: variant.dram / MIB,
    accelerator: count > 0 ? acceleratorOf(type, count, variant.vram ?? null) : null,
    diskMiB: disk == null ? null : disk / MIB,
    availability,
  };
}

function acceleratorOf(type: InstanceType, count: number, vram: number | null): CollectedAccelerator {
  const label = type.brand_short;
  const memoryMiB = vram === null ? null : (memoryOfOne(label, count, vram / MIB, 'one') ?? vram / MIB);
  return { label, count, memoryMiB, vendor: vendorOf(type.manufacturer) };
}

function vendorOf(manufacturer: string | null | undefined): 'nvidia' | 'amd' | null {
  const name = manufacturer?.toLowerCase();
  return name === 'nvidia' || name === 'amd' ? name : null;
}
