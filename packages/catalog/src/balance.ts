/**
 * Marketplaces rent out GPUs, CPUs, memory and disk of a host one by one. An offer needs a sensible
 * mix: an A100 with 1 GB of memory is cheap and useless. Pure.
 */

/** What can be had together with all of its devices. */
export interface ResourcePool {
  /** Devices that are free. */
  readonly gpus: number;
  /** Of one device; null: not known. */
  readonly gpuMemoryMiB: number | null;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
}

/** US dollars per hour and unit. */
export interface UnitPrices {
  readonly gpu: number;
  readonly cpu: number;
  readonly memoryGib: number;
  readonly diskGib: number;
}

/** What an offer has at least, besides what its devices need. */
export interface LeastResources {
  readonly cpus?: number;
  readonly memoryMiB?: number;
  readonly diskMiB?: number;
}

export interface BalancedShape {
  readonly gpus: number;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  /** US dollars per hour, rounded to a thousandth of a cent. */
  readonly pricePerHour: number;
}

export interface Balanced {
  /** By number of devices. */
  readonly shapes: readonly BalancedShape[];
  /** Numbers of devices that the rest of the host is too small for. */
  readonly unbalanced: readonly { readonly gpus: number; readonly reason: string }[];
}

const GIB = 1024;
/** Data is staged in memory on its way to the device: twice the device's memory is what gpuhunt and dstack settled on. */
const MEMORY_PER_GPU_MEMORY = 2;
/** Where the memory of a device is not known. */
const MEMORY_PER_UNKNOWN_GPU_MIB = 32 * GIB;
/** As the general-purpose machines of the large clouds have it, rounded up to leave room for data loading. */
const MEMORY_PER_CPU_MIB = 6 * GIB;
/** Less than this beside a device and nothing useful runs on it. */
const LEAST_MEMORY_PER_GPU_MIB = 4 * GIB;

/** One shape for each number of devices from 1 to all that are free. */
export function balance(pool: ResourcePool, prices: UnitPrices, least: LeastResources = {}): Balanced {
  const shapes: BalancedShape[] = [];
  const unbalanced: { gpus: number; reason: string }[] = [];
  for (let gpus = 1; gpus <= pool.gpus; gpus++) {
    const shape = shapeFor(gpus, pool, least);
    if (typeof shape === 'string') unbalanced.push({ gpus, reason: shape });
    else shapes.push({ ...shape, pricePerHour: priceOf(shape, prices) });
  }
  return { shapes, unbalanced };
}

type Shape = Omit<BalancedShape, 'pricePerHour'>;

function shapeFor(gpus: number, pool: ResourcePool, least: LeastResources): Shape | string {
  // Whoever takes some of the devices leaves their share of the host to those who take the others.
  const share = gpus / pool.gpus;
  const deviceMiB = pool.gpuMemoryMiB === null ? null : pool.gpuMemoryMiB * gpus;
  const wishMiB = deviceMiB === null ? gpus * MEMORY_PER_UNKNOWN_GPU_MIB : deviceMiB * MEMORY_PER_GPU_MEMORY;

  const memoryMiB = portion(wishMiB, least.memoryMiB ?? 0, pool.memoryMiB, share, 2 * GIB);
  if (memoryMiB === null) return `${gib(pool.memoryMiB)} GiB of memory are free, and more is asked for`;
  if (memoryMiB < gpus * LEAST_MEMORY_PER_GPU_MIB) {
    return `${gib(memoryMiB)} GiB of memory for ${gpus} GPUs are too little`;
  }
  const wishCpus = Math.max(gpus, Math.ceil(memoryMiB / MEMORY_PER_CPU_MIB));
  const cpus = portion(wishCpus, least.cpus ?? 0, pool.cpus, share, 2);
  if (cpus === null) return `${pool.cpus} vCPUs are free, and more are asked for`;
  if (cpus < gpus) return `${cpus} vCPUs for ${gpus} GPUs are too few`;

  const diskMiB = portion(Math.max(memoryMiB, deviceMiB ?? 0), least.diskMiB ?? 0, pool.diskMiB, share, GIB);
  if (diskMiB === null) return `${gib(pool.diskMiB)} GiB of disk are free, and more is asked for`;
  return { gpus, cpus, memoryMiB, diskMiB };
}

/**
 * What is wished, within the share; what is needed even beyond it, while the pool has it. In whole
 * steps, because hosts sell even numbers of vCPUs and GiB. Null: the pool has less than is needed.
 */
function portion(wish: number, need: number, pool: number, share: number, step: number): number | null {
  const all = Math.floor(pool / step) * step;
  const needed = Math.ceil(need / step) * step;
  if (needed > all) return null;
  const fair = Math.floor((pool * share) / step) * step;
  return Math.max(needed, Math.min(Math.ceil(wish / step) * step, fair));
}

function priceOf(shape: Shape, prices: UnitPrices): number {
  const price =
    shape.gpus * prices.gpu +
    shape.cpus * prices.cpu +
    gib(shape.memoryMiB) * prices.memoryGib +
    gib(shape.diskMiB) * prices.diskGib;
  return Math.round(price * 1e5) / 1e5;
}

function gib(mib: number): number {
  return Math.round((mib / GIB) * 100) / 100;
}
