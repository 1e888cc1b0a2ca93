import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { z } from 'zod';
import { lookUpAll } from './lookups.ts';
import { availabilityOf, type CpuFlavor, type Overview } from './overview.ts';
import { countryOf } from './regions.ts';

const GIB = 1024;

const Specifics = z.object({
  stockStatus: z.string().nullable(),
  /** US dollars per hour for the flavour's smallest size. */
  securePrice: z.number().nullable(),
});

/** Pods without GPU: flavours in sizes that double from the smallest to the largest. */
export async function* collectCpus(
  context: CollectContext<unknown>,
  overview: Overview,
): AsyncGenerator<CollectedOffer> {
  const flavors = new Map(overview.cpuFlavors.map((flavor) => [flavor.id, flavor]));
  if (flavors.size === 0) return;
  const lookups = overview.dataCenters.filter(({ listed }) => listed === true).map(({ id }) => id);
  const found = await lookUpAll(context, {
    list: 'cpuFlavors',
    lookups,
    field: (region) => `specifics(input: { dataCenterId: ${JSON.stringify(region)} }) { stockStatus securePrice }`,
    answer: Specifics,
    describe: (region) => `CPU flavours in ${region}`,
  });
  for (const { lookup: region, answers } of found) {
    for (const [id, { stockStatus, securePrice }] of answers) {
      const flavor = flavors.get(id);
      if (flavor === undefined || stockStatus == null) continue;
      const sizes = sizesOf(flavor);
      if (sizes.length === 0 || !securePrice) {
        context.log.skipped(`${id} in ${region}`, securePrice ? 'its sizes are not told' : 'it has no price');
        continue;
      }
      for (const { cpus, memoryGb, diskGb, share } of sizes) {
        yield {
          instanceType: `${id}-${cpus}-${memoryGb}`,
          region,
          country: countryOf(region),
          capacityType: 'on-demand',
          pricePerHour: securePrice * share,
          cpus,
          memoryMiB: memoryGb * GIB,
          diskMiB: diskGb === null ? null : diskGb * GIB,
          flags: ['runpod-cpu'],
          availability: availabilityOf(stockStatus),
        };
      }
    }
  }
}

interface Size {
  readonly cpus: number;
  readonly memoryGb: number;
  readonly diskGb: number | null;
  /** Of the smallest one's price. */
  readonly share: number;
}

/** Empty: a number that is needed is not told. */
function sizesOf({ minVcpu, maxVcpu, ramMultiplier, diskLimitPerVcpu }: CpuFlavor): readonly Size[] {
  if (!minVcpu || !maxVcpu || !ramMultiplier || minVcpu < 0 || maxVcpu < minVcpu) return [];
  const counts: number[] = [];
  for (let cpus = minVcpu; cpus < maxVcpu; cpus *= 2) counts.push(cpus);
  counts.push(maxVcpu);
  return counts.map((cpus) => ({
    cpus,
    memoryGb: Math.floor(cpus * ramMultiplier),
    diskGb: diskLimitPerVcpu ? cpus * diskLimitPerVcpu : null,
    share: cpus / minVcpu,
  }));
}
