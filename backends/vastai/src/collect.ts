import { BackendError } from '@berth/backend/backend-error';
import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import type { Ask } from './ask.ts';
import { placeOf } from './places.ts';
import { searchAsks } from './search.ts';

/** GB of disk that an offer comes with, where the slice has as many: it is chosen, and paid for, at creation. */
const DISK_GB = 100;
/** Storage is billed for months of 30 days. */
const HOURS_PER_MONTH = 720;
const MIB_PER_GB = 1e9 / 1024 ** 2;
/** Some hosts report nonsense; when it is more than this share, the field has changed its meaning. */
const MOST_SKIPPED = 0.1;

/** Every slice that can be rented now, on demand and, where a lowest bid is told, interruptible. */
export async function* collectVastAi(context: CollectContext<unknown>): AsyncGenerator<CollectedOffer> {
  let found = 0;
  let skipped = 0;
  for await (const ask of searchAsks(context)) {
    const shape = shapeOf(ask);
    if (typeof shape === 'string') {
      skipped += 1;
      context.log.skipped(`offer ${ask.id} of machine ${ask.machine_id}`, shape);
      continue;
    }
    found += 1;
    yield* pricesOf(ask, shape);
  }
  if (found === 0) throw new BackendError('unknown', 'Vast.ai listed no offers', { scope: 'cloud' });
  if (skipped > (found + skipped) * MOST_SKIPPED) {
    const message = `Vast.ai's list is not whole: ${skipped} of ${found + skipped} offers cannot be read`;
    throw new BackendError('unknown', message, { scope: 'cloud' });
  }
}

type Shape = Pick<CollectedOffer, 'cpus' | 'memoryMiB' | 'diskMiB' | 'accelerator'> & { readonly diskGb: number };

/** What the slice has; a text: why it is none. */
function shapeOf(ask: Ask): Shape | string {
  const { gpu_name, cpu_cores, cpu_cores_effective: cpus, cpu_ram } = ask;
  if (!gpu_name) return 'its device has no name';
  if (!(ask.num_gpus > 0)) return `it has ${ask.num_gpus} devices`;
  if (!cpu_cores || !cpus || !cpu_ram) return 'its CPUs or memory are not told';
  const diskGb = Math.min(DISK_GB, Math.floor(ask.disk_space));
  if (!(diskGb > 0)) return 'it has no disk left';
  if (!(ask.dph_base > 0)) return `its price is ${ask.dph_base}`;
  return {
    cpus,
    // The slice's share of the machine's memory is that of its CPUs.
    memoryMiB: Math.floor(cpu_ram * Math.min(1, cpus / cpu_cores)),
    diskGb,
    diskMiB: Math.floor(diskGb * MIB_PER_GB),
    accelerator: { label: gpu_name, count: ask.num_gpus, memoryMiB: ask.gpu_ram ?? null, vendor: vendorOf(ask) },
  };
}

function vendorOf({ gpu_arch }: Ask): 'nvidia' | 'amd' | null {
  const arch = gpu_arch?.toLowerCase();
  return arch === 'nvidia' || arch === 'amd' ? arch : null;
}

function* pricesOf(ask: Ask, { diskGb, ...shape }: Shape): Generator<CollectedOffer> {
  const disk = (diskGb * ask.storage_cost) / HOURS_PER_MONTH;
  const facts = {
    machine_id: ask.machine_id,
    disk_gb: diskGb,
    compute_cap: ask.compute_cap ?? null,
    cuda_max_good: ask.cuda_max_good ?? null,
    direct_port_count: ask.direct_port_count ?? null,
    reliability: ask.reliability2 ?? null,
  };
  const offer = {
    instanceType: String(ask.id),
    ...placeOf(ask.geolocation),
    ...shape,
    cpuArch: ask.cpu_arch === 'arm64' ? 'arm' : 'x86',
    flags: flagsOf(ask),
    availability: 'available',
  } as const;
  yield { ...offer, capacityType: 'on-demand', pricePerHour: ask.dph_base + disk, providerData: facts };
  if (ask.min_bid != null && ask.min_bid > 0) {
    const providerData = { ...facts, min_bid: ask.min_bid };
    yield { ...offer, capacityType: 'spot', pricePerHour: ask.min_bid + disk, providerData };
  }
}

/** Somebody's own machine, and one whose facts nobody has checked, are taken only by those who want to. */
function flagsOf({ hosting_type, verification }: Ask): readonly string[] {
  const flags: string[] = [];
  if (hosting_type !== 1) flags.push('vastai-community');
  if (verification !== 'verified') flags.push('vastai-unverified');
  return flags;
}
