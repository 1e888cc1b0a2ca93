import { FORM_FACTORS, type FormFactor } from '@berth/core/accelerator';
import type { CatalogFilterInput } from '@berth/core/api-catalog';
import { parseCpu } from '@berth/core/cpu-spec';
import { parseDuration } from '@berth/core/durations';
import { BerthError } from '@berth/core/errors';
import { parseComputeCapability, parseGpu } from '@berth/core/gpu-spec';
import { MEMORY } from '@berth/core/memory';
import { AVAILABILITIES, type Availability } from '@berth/core/offer';
import { parseRange } from '@berth/core/ranges';
import { InvalidArgumentError, Option, type Command as Parser } from 'commander';
import { collect } from '../output/parse-option.ts';

/** Flags that say what is looked for on the market. */
export interface FilterOptions {
  readonly gpu?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly disk?: string;
  readonly backend?: readonly string[];
  readonly excludeBackend?: readonly string[];
  readonly region?: readonly string[];
  readonly excludeRegion?: readonly string[];
  readonly zone?: readonly string[];
  readonly excludeZone?: readonly string[];
  readonly country?: readonly string[];
  readonly excludeCountry?: readonly string[];
  readonly instanceType?: readonly string[];
  readonly excludeInstanceType?: readonly string[];
  readonly excludeGpu?: readonly string[];
  readonly formFactor?: readonly FormFactor[];
  readonly totalGpuMemory?: string;
  readonly computeCapability?: string;
  readonly flag?: readonly string[];
  readonly minPrice?: number;
  readonly maxPrice?: number;
  readonly maxAge?: number;
  readonly available?: true;
  readonly availability?: readonly Availability[];
  readonly reserved?: true;
  readonly spot?: true;
  readonly onDemand?: true;
  readonly spotAuto?: true;
}

export function withFilter(parser: Parser): Parser {
  return parser
    .option('--gpu <spec>', 'name, memory and count, for example H100:8 or A100:80GB:2..4')
    .option('--exclude-gpu <name>', 'not this accelerator; may be repeated', collect)
    .addOption(
      new Option('--form-factor <name>', 'how the accelerator is built in; may be repeated')
        .choices(FORM_FACTORS)
        .argParser((value: string, before: readonly string[] | undefined) => collect(formFactor(value), before)),
    )
    .option('--total-gpu-memory <range>', 'of all accelerators of a machine, for example 640GB..')
    .option('--compute-capability <range>', "of NVIDIA's devices, for example 8.0.. or 8.6..9.0")
    .option('--cpu <spec>', 'count, for example 16.. or arm:4')
    .option('--memory <range>', 'for example 64GB..')
    .option('--disk <range>', 'for example 200GB..; a disk that is chosen when a machine is made fits')
    .option('-b, --backend <name>', 'only this backend; may be repeated', collect)
    .option('--exclude-backend <name>', 'not this backend; may be repeated', collect)
    .option('-r, --region <name>', 'only this region; may be repeated', collect)
    .option('--exclude-region <name>', 'not this region; may be repeated', collect)
    .option('--zone <name>', 'only this zone; may be repeated', collect)
    .option('--exclude-zone <name>', 'not this zone; may be repeated', collect)
    .option('--country <code>', 'only in this country (two letters); may be repeated', collectCountry)
    .option('--exclude-country <code>', 'not in this country; may be repeated', collectCountry)
    .option('--instance-type <glob>', 'only these types, for example p5*; may be repeated', collect)
    .option('--exclude-instance-type <glob>', 'not these types; may be repeated', collect)
    .option('--min-price <dollars>', 'dollars per hour', parsePrice)
    .option('--max-price <dollars>', 'dollars per hour', parsePrice)
    .option('--flag <name>', 'a mark that you know of; offers with other marks are left out; may be repeated', collect)
    .option('--max-age <duration>', 'only prices that are not older, for example 6h', parseAge)
    .option('--available', 'only what is said to be in stock')
    .addOption(
      new Option('--availability <state>', 'only this state of stock; may be repeated')
        .choices(AVAILABILITIES)
        .argParser((value: string, before: readonly string[] | undefined) => collect(availability(value), before))
        .conflicts('available'),
    )
    .addOption(capacityFlag('--spot', 'only machines that the cloud may take back'))
    .addOption(capacityFlag('--on-demand', 'only machines that it may not'))
    .addOption(capacityFlag('--spot-auto', 'either, but nothing reserved'))
    .addOption(capacityFlag('--reserved', 'only capacity that is booked for a time'));
}

const CAPACITY_FLAGS = ['spot', 'onDemand', 'spotAuto', 'reserved'] as const;

/** One of them at most. */
function capacityFlag(flag: string, description: string): Option {
  const option = new Option(flag, description);
  return option.conflicts(CAPACITY_FLAGS.filter((name) => name !== option.attributeName()));
}

/**
 * The same as a request; what no flag says is left out.
 * @throws BerthError whose message names the flag that cannot be understood
 */
export function filterBody(options: FilterOptions): CatalogFilterInput {
  const cpu = options.cpu === undefined ? undefined : about('--cpu', () => parseCpu(options.cpu ?? ''));
  return defined({
    backends: list(options.backend),
    exclude_backends: list(options.excludeBackend),
    instance_types: list(options.instanceType),
    exclude_instance_types: list(options.excludeInstanceType),
    regions: list(options.region),
    exclude_regions: list(options.excludeRegion),
    zones: list(options.zone),
    exclude_zones: list(options.excludeZone),
    countries: list(options.country),
    exclude_countries: list(options.excludeCountry),
    capacity_types: capacityTypes(options),
    cpu_arch: cpu?.arch ?? undefined,
    cpus: cpu?.count,
    memory_mib: sizes('--memory', options.memory),
    disk_mib: sizes('--disk', options.disk),
    // Most clouds let one choose the disk; leaving them all out would hide the market.
    unknown_disk: options.disk === undefined ? undefined : 'include',
    gpu: gpuBody(options),
    flags: list(options.flag),
    price_per_hour: prices(options),
    availability: options.available === true ? ['available', 'idle'] : list(options.availability),
    max_age_ms: options.maxAge,
  });
}

function gpuBody(options: FilterOptions): CatalogFilterInput['gpu'] {
  const gpu = options.gpu === undefined ? undefined : about('--gpu', () => parseGpu(options.gpu ?? ''));
  const body = defined({
    names: list(gpu?.names ?? undefined),
    exclude_names: list(options.excludeGpu),
    vendors: gpu?.vendor == null ? undefined : [gpu.vendor],
    count: gpu?.count,
    memory_mib: gpu?.memoryMiB ?? undefined,
    total_memory_mib: sizes('--total-gpu-memory', options.totalGpuMemory),
    compute_capability: capabilities(options.computeCapability),
    form_factors: list(options.formFactor),
  });
  return Object.keys(body).length === 0 ? undefined : body;
}

function prices({ minPrice: min, maxPrice: max }: FilterOptions): CatalogFilterInput['price_per_hour'] {
  if (min === undefined && max === undefined) return undefined;
  if (min !== undefined && max !== undefined && min > max) {
    throw new BerthError('invalid-configuration', `--min-price: ${min} is more than --max-price ${max}`);
  }
  return defined({ min, max });
}

/** `8.0` is the least, as in configurations; `8.0..9.0` has both ends, `..7.5` the upper one. */
function capabilities(text: string | undefined) {
  if (text === undefined) return undefined;
  const [min = '', max = ''] = text.split('..', 2);
  const read = (end: string): [number, number] | undefined =>
    end === '' ? undefined : about('--compute-capability', () => [...parseComputeCapability(end)]);
  const range = defined({ min: read(min), max: read(max) });
  if (Object.keys(range).length > 0) return range;
  throw new BerthError('invalid-configuration', '--compute-capability: write one like 8.0 or a range like 8.0..9.0');
}

function capacityTypes({ spot, onDemand, spotAuto, reserved }: FilterOptions): CatalogFilterInput['capacity_types'] {
  if (reserved) return ['reserved'];
  if (spot) return ['spot'];
  if (onDemand) return ['on-demand'];
  return spotAuto ? ['on-demand', 'spot'] : undefined;
}

function sizes(flag: string, text: string | undefined) {
  return text === undefined ? undefined : about(flag, () => parseRange(text, MEMORY));
}

/** The grammar knows no flags; whoever reads its errors wrote one. */
function about<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    const { code, message, hint } = error;
    throw new BerthError(code, `${flag}: ${message}`, hint === undefined ? {} : { hint });
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function list<T>(given: readonly T[] | undefined): T[] | undefined {
  return given === undefined ? undefined : [...given];
}

/** Without the keys that say nothing: a request holds no `undefined`. */
function defined<T extends object>(value: T): Defined<T> {
  // The entries that are left are those of T that are defined, which `fromEntries` cannot know.
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Defined<T>;
}

function availability(text: string): string {
  const known = AVAILABILITIES.find((name) => name === text.toLowerCase());
  if (known === undefined) throw new InvalidArgumentError(`It must be one of ${AVAILABILITIES.join(', ')}.`);
  return known;
}

function formFactor(text: string): string {
  const known = FORM_FACTORS.find((name) => name.toLowerCase() === text.toLowerCase());
  if (known === undefined) throw new InvalidArgumentError(`It must be one of ${FORM_FACTORS.join(', ')}.`);
  return known;
}

function collectCountry(text: string, before: readonly string[] | undefined): readonly string[] {
  if (!/^[a-z]{2}$/i.test(text)) throw new InvalidArgumentError('It must be two letters, for example DE.');
  return collect(text.toUpperCase(), before);
}

function parsePrice(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It must be a number of dollars.');
  return value;
}

/** In milliseconds. */
function parseAge(text: string): number {
  let seconds: number | 'off' = 'off';
  try {
    seconds = parseDuration(text);
  } catch {
    // Told below.
  }
  if (seconds === 'off' || seconds <= 0) throw new InvalidArgumentError('Write a duration like 30m, 6h or 2d.');
  return seconds * 1000;
}

/** How a person says what a request calls so; for messages about the filters that these options made. */
export function flagsOfFilters(options: FilterOptions): Readonly<Record<string, string>> {
  const { spot, onDemand, reserved, availability: states, maxPrice } = options;
  return {
    ...FLAG_OF_FILTER,
    capacity_types: spot ? '`--spot`' : onDemand ? '`--on-demand`' : reserved ? '`--reserved`' : '`--spot-auto`',
    availability: states === undefined ? '`--available`' : '`--availability`',
    price_per_hour: maxPrice === undefined ? '`--min-price`' : '`--max-price`',
  };
}

const FLAG_OF_FILTER: Readonly<Record<string, string>> = {
  backends: '`--backend`',
  exclude_backends: '`--exclude-backend`',
  instance_types: '`--instance-type`',
  exclude_instance_types: '`--exclude-instance-type`',
  regions: '`--region`',
  exclude_regions: '`--exclude-region`',
  zones: '`--zone`',
  exclude_zones: '`--exclude-zone`',
  countries: '`--country`',
  exclude_countries: '`--exclude-country`',
  cpu_arch: '`--cpu`',
  cpus: '`--cpu`',
  memory_mib: '`--memory`',
  disk_mib: '`--disk`',
  'gpu.names': 'the name in `--gpu`',
  'gpu.exclude_names': '`--exclude-gpu`',
  'gpu.vendors': 'the vendor in `--gpu`',
  'gpu.count': 'the count in `--gpu`',
  'gpu.memory_mib': 'the memory in `--gpu`',
  'gpu.total_memory_mib': '`--total-gpu-memory`',
  'gpu.compute_capability': '`--compute-capability`',
  'gpu.form_factors': '`--form-factor`',
  flags: '`--flag`',
  max_age_ms: '`--max-age`',
};
