import type { ApiKey } from '@berth/backend/api-key';
import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { BerthError } from '@berth/core/errors';
import { z } from 'zod';
import { countryOf } from './countries.ts';

/** Source: Lambda Cloud API 1.10, "List available instance types" (docs-api.lambda.ai/api/cloud). */
const INSTANCE_TYPES = 'https://cloud.lambda.ai/api/v1/instance-types';

const Specs = z.object({
  vcpus: z.number(),
  memory_gib: z.number(),
  storage_gib: z.number(),
  gpus: z.int().nonnegative(),
});

const Entry = z.object({
  instance_type: z.object({
    name: z.string(),
    /** Of one device: `H100 (80 GB SXM5)`; of a machine without any: `N/A`. */
    gpu_description: z.string(),
    /** US cents for the whole machine. */
    price_cents_per_hour: z.number(),
    specs: Specs,
  }),
  /** The regions that can start one now. The API names no others. */
  regions_with_capacity_available: z.array(z.object({ name: z.string(), description: z.string() })),
});
type Entry = z.output<typeof Entry>;

/** By name of the type. */
const Answer = z.object({ data: z.record(z.string(), Entry) });

const GIB = 1024;

/** One offer for each type and region that has capacity for it. */
export async function* collectInstanceTypes({
  http,
  signal,
  log,
  credentials,
}: CollectContext<ApiKey>): AsyncGenerator<CollectedOffer> {
  const answer = await http.json(
    { url: INSTANCE_TYPES, headers: { authorization: `Bearer ${credentials.api_key.reveal()}` }, schema: Answer },
    signal,
  );
  const entries = Object.values(answer.data);
  if (entries.length === 0) {
    throw new BerthError('no-offers', 'Lambda lists no instance types', {
      hint: 'Look at https://cloud.lambda.ai/instances whether this account can start any.',
    });
  }
  for (const entry of entries) {
    if (entry.regions_with_capacity_available.length === 0) {
      log.skipped(entry.instance_type.name, 'no region has capacity now, and which ones sell it is not told');
    }
    yield* offersOf(entry);
  }
}

function* offersOf({ instance_type, regions_with_capacity_available }: Entry): Generator<CollectedOffer> {
  const { name, gpu_description, price_cents_per_hour, specs } = instance_type;
  for (const region of regions_with_capacity_available) {
    yield {
      instanceType: name,
      region: region.name,
      country: countryOf(region.description),
      capacityType: 'on-demand',
      pricePerHour: price_cents_per_hour / 100,
      cpus: specs.vcpus,
      memoryMiB: specs.memory_gib * GIB,
      // The number is said twice; the one in `description` ("8x …") is for people.
      accelerator: specs.gpus === 0 ? null : { label: gpu_description, count: specs.gpus },
      diskMiB: specs.storage_gib * GIB,
      availability: 'available',
    };
  }
}
