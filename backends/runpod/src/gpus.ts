import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedAccelerator, CollectedOffer } from '@berth/catalog/collected-offer';
import { resolveAccelerator } from '@berth/core/accelerators';
import { z } from 'zod';
import { lookUpAll } from './lookups.ts';
import { availabilityOf, type GpuType, type Overview } from './overview.ts';
import { countryOf } from './regions.ts';

const GIB = 1024;
/** A pod is on one machine, and those have no more. */
const MOST_GPUS = 16;

/** Data centres are RunPod's own or its partners'; in the community cloud only the country is told. */
interface Lookup {
  readonly cloud: 'secure' | 'community';
  readonly region: string;
  readonly count: number;
}

/** Source: RunPod's GraphQL schema, `LowestPrice`. Without stock there is nothing in it. */
export const LowestPrice = z.object({
  stockStatus: z.string().nullable(),
  minVcpu: z.number().nullable(),
  /** GB. */
  minMemory: z.number().nullable(),
});

/** Pods with GPUs, in every place and size in which they are told to be. */
export async function* collectGpus(
  context: CollectContext<unknown>,
  overview: Overview,
): AsyncGenerator<CollectedOffer> {
  const types = new Map(overview.gpuTypes.map((type) => [type.id, type]));
  const found = await lookUpAll(context, {
    list: 'gpuTypes',
    lookups: lookupsOf(overview),
    field: ({ cloud, region, count }) => {
      const place = `${cloud === 'secure' ? 'dataCenterId' : 'countryCode'}: ${JSON.stringify(region)}`;
      const input = `{ gpuCount: ${count}, secureCloud: ${cloud === 'secure'}, ${place} }`;
      return `lowestPrice(input: ${input}) { stockStatus minVcpu minMemory }`;
    },
    answer: LowestPrice,
    describe: ({ region, count }) => `${count} GPUs in ${region}`,
  });
  for (const { lookup, answers } of found) {
    for (const [id, { stockStatus, minVcpu, minMemory }] of answers) {
      const type = types.get(id);
      if (type === undefined || stockStatus == null) continue;
      const price = lookup.cloud === 'secure' ? type.securePrice : type.communityPrice;
      const what = `${lookup.count} × ${id} in ${lookup.region}`;
      if (!price) {
        context.log.skipped(what, `it has no price in the ${lookup.cloud} cloud`);
        continue;
      }
      if (!minVcpu || !minMemory) {
        context.log.skipped(what, 'its CPUs or memory are not told');
        continue;
      }
      yield {
        instanceType: id,
        region: lookup.region,
        country: countryOf(lookup.region),
        capacityType: 'on-demand',
        pricePerHour: price * lookup.count,
        cpus: minVcpu,
        memoryMiB: minMemory * GIB,
        accelerator: deviceOf(type, lookup.count),
        flags: lookup.cloud === 'community' ? ['runpod-community'] : [],
        providerData: { cloud: lookup.cloud },
        availability: availabilityOf(stockStatus),
      };
    }
  }
}

function lookupsOf({ dataCenters, countryCodes, gpuTypes }: Overview): readonly Lookup[] {
  const most = Math.min(MOST_GPUS, Math.max(0, ...gpuTypes.map(({ maxGpuCount }) => maxGpuCount ?? 0)));
  const places = [
    ...dataCenters.filter(({ listed }) => listed === true).map(({ id }) => ({ cloud: 'secure', region: id }) as const),
    ...countryCodes.filter((code) => code !== null).map((code) => ({ cloud: 'community', region: code }) as const),
  ];
  return Array.from({ length: most }, (_, index) => index + 1).flatMap((count) =>
    places.map((place) => ({ ...place, count })),
  );
}

/** Of its two names, the one on display says more (`H100 SXM`); the id is the fallback. */
export function deviceOf(
  type: Pick<GpuType, 'id' | 'displayName' | 'memoryInGb' | 'manufacturer'>,
  count: number,
): CollectedAccelerator {
  const { displayName, id, memoryInGb, manufacturer } = type;
  const label = displayName && resolveAccelerator(displayName) !== null ? displayName : id;
  const vendor = manufacturer?.toLowerCase();
  return {
    label,
    count,
    memoryMiB: memoryInGb ? memoryInGb * GIB : null,
    vendor: vendor === 'nvidia' || vendor === 'amd' ? vendor : null,
  };
}
