import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { z } from 'zod';
import { deviceOf, LowestPrice } from './gpus.ts';
import { askRunPod } from './graphql.ts';
import { countryOf } from './regions.ts';

/** Pods that a cluster may have. The API does not tell; these are what RunPod offers for every type. */
const POD_COUNTS = [2, 3, 4, 5, 6, 7, 8];

const ClusterType = z.object({
  id: z.string(),
  displayName: z.string().nullable(),
  manufacturer: z.string().nullable(),
  memoryInGb: z.number().nullable(),
  maxGpuCount: z.number().nullable(),
  /** US dollars per device and hour. */
  clusterPrice: z.number().nullable(),
  nodeGroupDatacenters: z.array(z.object({ id: z.string() })).nullable(),
  lowestPrice: LowestPrice.nullable(),
});

const QUERY = `query {
  gpuTypes(input: { cluster: true }) {
    id displayName manufacturer memoryInGb maxGpuCount clusterPrice
    nodeGroupDatacenters { id }
    lowestPrice(input: { gpuCount: 8 }) { stockStatus minVcpu minMemory }
  }
}`;

/** Whole machines that are rented several at once, with a network between them. An offer is one of the machines. */
export async function* collectClusters(context: CollectContext<unknown>): AsyncGenerator<CollectedOffer> {
  const { gpuTypes } = await askRunPod(context, QUERY, z.object({ gpuTypes: z.array(ClusterType) }), context.signal);
  for (const { nodeGroupDatacenters, clusterPrice, maxGpuCount, lowestPrice, ...type } of gpuTypes) {
    const { minVcpu, minMemory } = lowestPrice ?? {};
    const places = nodeGroupDatacenters ?? [];
    if (places.length === 0) continue;
    if (!clusterPrice || !maxGpuCount || !minVcpu || !minMemory) {
      context.log.skipped(`clusters of ${type.id}`, 'their price, size, CPUs or memory are not told');
      continue;
    }
    for (const { id: region } of places) {
      yield {
        instanceType: type.id,
        region,
        country: countryOf(region),
        capacityType: 'on-demand',
        pricePerHour: clusterPrice * maxGpuCount,
        cpus: minVcpu,
        memoryMiB: minMemory * 1024,
        accelerator: deviceOf(type, maxGpuCount),
        flags: ['runpod-cluster'],
        providerData: { pod_counts: POD_COUNTS },
      };
    }
  }
}
