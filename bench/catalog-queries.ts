/** What the catalog is asked in the benchmark, in its own words and in those of Python's gpuhunt. */

import type { CatalogQuery } from '@berth/catalog';

export interface AskedQuery {
  readonly name: string;
  readonly query: CatalogQuery;
  /** The same as keyword arguments of gpuhunt's `Catalog.query`; null: it cannot be asked that. */
  readonly gpuhunt: Readonly<Record<string, unknown>> | null;
}

const GIB = 1024;
const atLeast = (min: number) => ({ min, max: null });

/** Those that dstack knows. */
const FLAGS = ['oci-spot', 'lambda-arm', 'gcp-a4', 'gcp-g4', 'gcp-dws-calendar-mode', 'runpod-cpu', 'runpod-cluster'];
const TWELVE = [
  'H100',
  'A100',
  'L4',
  'L40S',
  'A10',
  'A10G',
  'RTX4090',
  'RTX3090',
  'A6000',
  'A5000',
  'RTX6000Ada',
  'T4',
];

const eightH100: CatalogQuery = {
  accelerator: { names: ['H100'], count: { min: 8, max: 8 } },
  memoryMiB: atLeast(64 * GIB),
};
const eightH100There = { gpu_name: 'H100', min_gpu_count: 8, max_gpu_count: 8, min_memory: 64 };

export const QUERIES: readonly AskedQuery[] = [
  { name: 'Q1 H100:8, memory 64GB..', query: eightH100, gpuhunt: eightH100There },
  {
    name: 'Q2 Q1 and seven flags',
    query: { ...eightH100, flags: FLAGS },
    gpuhunt: { ...eightH100There, allowed_flags: FLAGS },
  },
  {
    name: 'Q3 Q1 on gcp',
    query: { ...eightH100, backends: ['gcp'] },
    gpuhunt: { ...eightH100There, provider: 'gcp' },
  },
  { name: 'Q4 no filter', query: {}, gpuhunt: {} },
  {
    name: 'Q5 cpu 8.., memory 16GB.., GPU 1.., up to $1',
    query: {
      cpus: atLeast(8),
      memoryMiB: atLeast(16 * GIB),
      accelerator: { count: atLeast(1) },
      pricePerHour: { min: null, max: 1 },
    },
    gpuhunt: { min_cpu: 8, min_memory: 16, min_gpu_count: 1, max_price: 1 },
  },
  {
    name: 'Q6 compute capability 8.0..',
    query: { accelerator: { count: atLeast(1), computeCapability: { min: [8, 0] } } },
    gpuhunt: { min_gpu_count: 1, min_compute_capability: '8.0' },
  },
  {
    name: 'Q7 cpu 2.., memory 8GB.., GPU 0.., disk 100GB..',
    query: {
      cpus: atLeast(2),
      memoryMiB: atLeast(8 * GIB),
      accelerator: { count: atLeast(0) },
      diskMiB: atLeast(100 * GIB),
      unknownDisk: 'include',
      flags: FLAGS,
    },
    gpuhunt: { min_cpu: 2, min_memory: 8, min_gpu_count: 0, min_disk_size: 100, allowed_flags: FLAGS },
  },
  {
    name: 'Q8 a GPU that nobody sells',
    query: { accelerator: { names: ['Z9000'] } },
    gpuhunt: { gpu_name: 'Z9000' },
  },
  {
    name: 'Q9 twelve GPUs of 24..80GB, spot',
    query: {
      accelerator: { names: TWELVE, memoryMiB: { min: 24 * GIB, max: 80 * GIB } },
      capacityTypes: ['spot'],
    },
    gpuhunt: { gpu_name: TWELVE, min_gpu_memory: 24, max_gpu_memory: 80, spot: true },
  },
  // gpuhunt can neither filter by place nor sort by these.
  {
    name: 'Q12 GPU 1.. in one region, by price per GPU',
    query: { accelerator: {}, regions: ['aws-us-east0'], sort: 'price-per-gpu' },
    gpuhunt: null,
  },
  { name: 'Q13 everything in countries DE and JP', query: { countries: ['DE', 'JP'] }, gpuhunt: null },
  { name: 'Q14 everything, by price per GiB of its GPUs', query: { sort: 'price-per-gpu-gib' }, gpuhunt: null },
];
