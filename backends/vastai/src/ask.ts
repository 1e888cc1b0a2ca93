import { z } from 'zod';

/**
 * What a host asks for: a slice of its machine at a price. Source: Vast.ai API, "search offers"
 * (docs.vast.ai/api-reference/search/search-offers).
 */
export const Ask = z.object({
  id: z.int(),
  machine_id: z.int(),
  gpu_name: z.string().nullish(),
  /** Of this slice. */
  num_gpus: z.number(),
  /** MiB of one device, as its driver reports it. */
  gpu_ram: z.number().nullish(),
  /** `nvidia`, `amd`. */
  gpu_arch: z.string().nullish(),
  /** CUDA compute capability times 100: 890. The field that filters call by the same name. */
  compute_cap: z.number().nullish(),
  cpu_arch: z.string().nullish(),
  /** Of the whole machine. */
  cpu_cores: z.number().nullish(),
  /** Of this slice. */
  cpu_cores_effective: z.number().nullish(),
  /** MiB of the whole machine, as its kernel reports it. */
  cpu_ram: z.number().nullish(),
  /** GB that this slice may have. */
  disk_space: z.number(),
  /** US dollars per GB and month. */
  storage_cost: z.number(),
  /** US dollars per hour for the slice without disk. */
  dph_base: z.number(),
  /** US dollars per hour: below it no interruptible instance starts. */
  min_bid: z.number().nullish(),
  /** `Texas, US`, `, DE`, `Norway`; missing for some hosts. */
  geolocation: z.string().nullish(),
  /** 1: a data centre. */
  hosting_type: z.number().nullish(),
  verification: z.string().nullish(),
  cuda_max_good: z.number().nullish(),
  direct_port_count: z.number().nullish(),
  reliability2: z.number().nullish(),
});
export type Ask = z.output<typeof Ask>;

export const Answer = z.object({ offers: z.array(Ask) });
