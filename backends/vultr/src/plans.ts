import { z } from 'zod';

const Prices = {
  /** US dollars. */
  hourly_cost: z.number(),
  hourly_cost_preemptible: z.number().nullish(),
};

const Sold = {
  id: z.string(),
  ...Prices,
  /** Ids of the regions where it can be had. */
  locations: z.array(z.string()),
  /** Where a region's price is another one. An empty list where there is none. */
  location_cost: z.union([z.record(z.string(), z.object(Prices)), z.tuple([])]).nullish(),
  deploy_ondemand: z.boolean().nullish(),
  deploy_preemptible: z.boolean().nullish(),
  /** MB as memory is counted: 1024 of them are a GB. */
  ram: z.number(),
  /** GB of one disk. */
  disk: z.number(),
  disk_count: z.number().nullish(),
  /** `NVIDIA_A100`; absent for some plans that have one nevertheless. */
  gpu_type: z.string().nullish(),
  gpu_brand: z.string().nullish(),
  /** `1`, `8`, `"1/8"`. */
  gpu_count: z.union([z.number(), z.string()]).nullish(),
  /** GB of all devices together. */
  gpu_vram_gb: z.number().nullish(),
};

/** Source: Vultr API v2, "List Plans" (www.vultr.com/api/#operation/list-plans). */
export const Plan = z.object({ ...Sold, vcpu_count: z.number() });
export type Plan = z.output<typeof Plan>;

/** Source: Vultr API v2, "List Bare Metal Plans" (www.vultr.com/api/#operation/list-metal-plans). */
export const MetalPlan = z.object({ ...Sold, cpu_threads: z.number() });
export type MetalPlan = z.output<typeof MetalPlan>;

/** Source: Vultr API v2, "List Regions" (www.vultr.com/api/#operation/list-regions). */
export const Region = z.object({ id: z.string(), country: z.string() });
