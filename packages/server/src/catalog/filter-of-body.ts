import type { AcceleratorFilter, CatalogFilter } from '@berth/catalog';
import { knownAcceleratorNames, resolveAccelerator } from '@berth/core/accelerators';
import type { CatalogFilterBody } from '@berth/core/api-catalog';
import { BerthError } from '@berth/core/errors';
import { nearestWords } from '@berth/core/nearest';
import { oneOf, quote } from '@berth/core/quote';

/**
 * A request's filter in the words of the catalog. `soldLabels`: labels that the registry does not know and
 * that are sold all the same.
 * @throws BerthError `invalid-request` for an accelerator that nobody has heard of, with the nearest names
 */
export function filterOfBody(body: CatalogFilterBody, soldLabels: () => readonly string[]): CatalogFilter {
  for (const name of [...(body.gpu?.names ?? []), ...(body.gpu?.exclude_names ?? [])]) {
    requireKnown(name, soldLabels);
  }
  return defined({
    backends: body.backends,
    excludeBackends: body.exclude_backends,
    instanceTypes: body.instance_types,
    excludeInstanceTypes: body.exclude_instance_types,
    regions: body.regions,
    excludeRegions: body.exclude_regions,
    zones: body.zones,
    excludeZones: body.exclude_zones,
    countries: body.countries,
    excludeCountries: body.exclude_countries,
    capacityTypes: body.capacity_types,
    cpuArch: body.cpu_arch,
    cpus: body.cpus,
    memoryMiB: body.memory_mib,
    diskMiB: body.disk_mib,
    unknownDisk: body.unknown_disk,
    accelerator: body.gpu === undefined ? undefined : acceleratorOf(body.gpu),
    flags: body.flags,
    pricePerHour: body.price_per_hour,
    availability: body.availability,
    maxAgeMs: body.max_age_ms,
  });
}

function acceleratorOf(gpu: NonNullable<CatalogFilterBody['gpu']>): AcceleratorFilter {
  const capability = gpu.compute_capability;
  return defined({
    names: gpu.names,
    excludeNames: gpu.exclude_names,
    vendors: gpu.vendors,
    count: gpu.count,
    memoryMiB: gpu.memory_mib,
    totalMemoryMiB: gpu.total_memory_mib,
    computeCapability: capability === undefined ? undefined : defined({ min: capability.min, max: capability.max }),
    formFactors: gpu.form_factors,
  });
}

/** @throws BerthError `invalid-request` */
export function requireKnown(name: string, soldLabels: () => readonly string[]): void {
  if (resolveAccelerator(name) !== null) return;
  const labels = soldLabels();
  if (labels.some((label) => label.toLowerCase() === name.toLowerCase())) return;
  const near = nearestWords(name, [...knownAcceleratorNames(), ...labels]);
  throw new BerthError('invalid-request', `${quote(name)} is not a known accelerator`, {
    hint: near.length > 0 ? `did you mean ${oneOf(near)}?` : '`berth gpus --all` lists those that are known.',
  });
}

type Defined<T> = { -readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  -readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the keys that are undefined: to the catalog they are not there. */
function defined<T extends object>(value: T): Defined<T> {
  // What is left are the entries of T that are defined, which `fromEntries` cannot know.
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Defined<T>;
}
