import type { CollectContext } from '@berth/catalog/catalog-source';
import { z } from 'zod';
import { askRunPod } from './graphql.ts';

/** Source: RunPod's GraphQL schema, `GpuType`. Prices are US dollars per device and hour. */
const GpuType = z.object({
  /** `NVIDIA H100 80GB HBM3`. */
  id: z.string(),
  /** `H100 SXM`. */
  displayName: z.string().nullable(),
  manufacturer: z.string().nullable(),
  memoryInGb: z.number().nullable(),
  maxGpuCount: z.number().nullable(),
  securePrice: z.number().nullable(),
  communityPrice: z.number().nullable(),
});
export type GpuType = z.output<typeof GpuType>;

/** Source: RunPod's GraphQL schema, `CpuFlavor`. */
const CpuFlavor = z.object({
  id: z.string(),
  minVcpu: z.number().nullable(),
  maxVcpu: z.number().nullable(),
  /** GB of memory for a vCPU. */
  ramMultiplier: z.number().nullable(),
  /** GB. */
  diskLimitPerVcpu: z.number().nullable(),
});
export type CpuFlavor = z.output<typeof CpuFlavor>;

const Overview = z.object({
  countryCodes: z.array(z.string().nullable()),
  dataCenters: z.array(z.object({ id: z.string(), listed: z.boolean().nullable() })),
  gpuTypes: z.array(GpuType),
  cpuFlavors: z.array(CpuFlavor),
});
export type Overview = z.output<typeof Overview>;

const QUERY = `query {
  countryCodes
  dataCenters { id listed }
  gpuTypes { id displayName manufacturer memoryInGb maxGpuCount securePrice communityPrice }
  cpuFlavors { id minVcpu maxVcpu ramMultiplier diskLimitPerVcpu }
}`;

/** What there is at all, and where. */
export function readOverview(context: CollectContext<unknown>): Promise<Overview> {
  return askRunPod(context, QUERY, Overview, context.signal);
}

/** Out of the words `High`, `Medium`, `Low`; anything else that is said is no stock. */
export function availabilityOf(stockStatus: string): 'available' | 'not-available' {
  return /^(?:high|medium|low)$/i.test(stockStatus) ? 'available' : 'not-available';
}
