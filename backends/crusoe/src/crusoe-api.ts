import type { Http } from '@berth/http';
import { z } from 'zod';
import type { AccessKey } from './access-key.ts';
import { signedHeaders } from './signature.ts';

const ORIGIN = 'https://api.cloud.crusoe.ai';
const VERSION = '/v1';

/** Source: Crusoe Cloud API Gateway v1, `getVMTypes` (api.cloud.crusoe.ai/v1/openapi.json). */
const VmType = z.object({
  /** `h100-80gb-sxm-ib.8x`. */
  product_name: z.string(),
  cpu_cores: z.number(),
  /** `intel`, `amd`, `arm64`. */
  cpu_type: z.string(),
  memory_gb: z.number(),
  /** NVMe that is lost when the machine stops; 0: none. The disk of the system is another one. */
  disk_gb: z.number(),
  num_gpu: z.int().nonnegative(),
  /** `H100-SXM-80GB`; empty where `num_gpu` is 0. */
  gpu_type: z.string(),
});
export type VmType = z.output<typeof VmType>;

/** Source: the same, `listSliceCapacities`. */
const Capacity = z.object({
  location: z.string(),
  /** Machines of the type that could be started now. */
  quantity: z.number(),
  /** A `product_name`. */
  type: z.string().optional(),
});
export type Capacity = z.output<typeof Capacity>;

export interface CrusoeApi {
  vmTypes(): Promise<readonly VmType[]>;
  capacities(): Promise<readonly Capacity[]>;
}

/** @param now milliseconds since 1970; Crusoe refuses a request that was signed long before it came */
export function crusoeApi(http: Http, key: AccessKey, now: () => number, signal: AbortSignal): CrusoeApi {
  const list = async <T>(path: string, item: z.ZodType<T>): Promise<readonly T[]> => {
    const headers = signedHeaders({ method: 'GET', path: `${VERSION}${path}` }, key, now());
    const schema = z.object({ items: z.array(item) });
    return (await http.json({ url: `${ORIGIN}${VERSION}${path}`, headers, schema }, signal)).items;
  };
  return {
    vmTypes: () => list(`/projects/${key.project_id}/compute/vms/types`, VmType),
    capacities: () => list('/capacities', Capacity),
  };
}
