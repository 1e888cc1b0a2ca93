/** What the market has to say, for people: offers, groups, accelerators, and how its sources stand. */
import type {
  CatalogGpuView,
  CatalogGroupView,
  CatalogObstacleView,
  CatalogOfferView,
  CatalogSourceView,
} from '@berth/core/api-catalog';
import { age, dollars, memory, plural } from './format.ts';
import { printableLine } from './printable.ts';
import { styledFor } from './style.ts';
import { type Column, formatTable, terminalWidth } from './table.ts';

export interface OfferTableOptions {
  readonly stream?: NodeJS.WriteStream;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What the project can use; those rows are marked. Null: nobody asked. */
  readonly configured?: readonly string[] | null;
}

export function formatMarket(offers: readonly CatalogOfferView[], options: OfferTableOptions): string {
  const { stream = process.stdout, now, configured = null } = options;
  const columns: readonly Column<CatalogOfferView>[] = [
    {
      title: 'BACKEND',
      value: (offer) => offer.backend,
      min: 6,
      style: (text, offer) => (configured?.includes(offer.backend) ? styledFor(stream, 'green', text) : text),
    },
    { title: 'REGION', value: (offer) => offer.zone ?? offer.region, min: 8, dispensable: 2 },
    { title: 'INSTANCE', value: (offer) => offer.instance_type, min: 10, dispensable: 1 },
    { title: 'RESOURCES', value: describeShape, min: 27 },
    { title: 'CAPACITY', value: (offer) => offer.capacity_type, dispensable: 3 },
    { title: 'PER HOUR', value: (offer) => dollars(offer.price_per_hour), align: 'right' },
    {
      title: 'PER GPU',
      value: (offer) => (offer.price_per_gpu === null ? '' : dollars(offer.price_per_gpu)),
      align: 'right',
      dispensable: 4,
    },
    {
      title: 'STOCK',
      value: (offer) => (offer.availability === 'unknown' ? '' : offer.availability),
      style: (text, offer) => styledFor(stream, stockColour(offer.availability), text),
      dispensable: 5,
    },
    { title: 'AGE', value: (offer) => age(offer.collected_at, now), align: 'right', dispensable: 6 },
  ];
  return formatTable(columns, offers, terminalWidth(stream));
}

/** `26 CPU, 225GB, H100:80GB x8`. */
function describeShape(offer: CatalogOfferView): string {
  const arch = offer.cpu_arch === 'arm' ? ' ARM' : '';
  const parts = [`${offer.cpus}${arch} CPU`, memory(offer.memory_mib)];
  if (offer.disk_mib !== null) parts.push(`${memory(offer.disk_mib)} disk`);
  const { accelerator } = offer;
  if (accelerator !== null) {
    const size = accelerator.memory_mib === null ? '' : `:${memory(accelerator.memory_mib)}`;
    parts.push(`${accelerator.name}${size}${accelerator.count === 1 ? '' : ` x${accelerator.count}`}`);
  }
  return parts.join(', ');
}

function stockColour(availability: CatalogOfferView['availability']): 'green' | 'yellow' {
  return availability === 'available' || availability === 'idle' ? 'green' : 'yellow';
}

export function formatGroups(groups: readonly CatalogGroupView[], stream: NodeJS.WriteStream = process.stdout): string {
  const columns: readonly Column<CatalogGroupView>[] = [
    {
      title: 'GPU',
      value: ({ gpu }) => (gpu === undefined ? '' : gpu === null ? 'none' : gpuName(gpu.name, gpu.memory_mib)),
      min: 6,
    },
    { title: 'BACKEND', value: (group) => group.backend ?? '', min: 6 },
    { title: 'REGION', value: (group) => group.region ?? '', min: 8 },
    { title: 'COUNT', value: (group) => group.gpu_count?.toString() ?? '', align: 'right' },
    { title: 'OFFERS', value: (group) => `${group.count}`, align: 'right', dispensable: 3 },
    { title: 'FROM', value: (group) => priceOf(group.min_price), align: 'right' },
    { title: 'TO', value: (group) => priceOf(group.max_price), align: 'right', dispensable: 4 },
    { title: 'PER GPU', value: (group) => priceOf(group.min_price_per_gpu), align: 'right' },
    {
      title: 'SOLD BY',
      value: (group) => (group.backend === undefined ? group.backends.join(', ') : ''),
      min: 8,
      dispensable: 2,
    },
    {
      title: 'REGIONS',
      value: (group) => (group.region === undefined ? `${group.regions.length}` : ''),
      align: 'right',
    },
  ];
  return formatTable(columns, groups, terminalWidth(stream));
}

export function formatGpus(gpus: readonly CatalogGpuView[], stream: NodeJS.WriteStream = process.stdout): string {
  const columns: readonly Column<CatalogGpuView>[] = [
    { title: 'GPU', value: (gpu) => gpu.name, min: 6 },
    { title: 'MEMORY', value: (gpu) => gpu.memory_mib.map(memory).join(', '), min: 5 },
    { title: 'VENDOR', value: (gpu) => gpu.vendor ?? 'unknown', dispensable: 3 },
    { title: 'ON DEMAND', value: (gpu) => priceOf(gpu.on_demand_from), align: 'right' },
    { title: 'SPOT', value: (gpu) => priceOf(gpu.spot_from), align: 'right' },
    { title: 'REGIONS', value: (gpu) => (gpu.offers === 0 ? '' : `${gpu.regions}`), align: 'right', dispensable: 2 },
    {
      title: 'SOLD BY',
      value: (gpu) => gpu.backends.join(', '),
      min: 8,
      style: (text, gpu) => (gpu.offers === 0 ? styledFor(stream, 'gray', text) : text),
      dispensable: 1,
    },
  ];
  return formatTable(columns, gpus, terminalWidth(stream));
}

/** A line for each source whose prices are not what they should be; empty when all are fresh. */
export function formatSourceNotes(
  sources: readonly CatalogSourceView[],
  now: number,
  stream: NodeJS.WriteStream = process.stderr,
): string {
  const word = (text: string) => styledFor(stream, 'yellow', text);
  const lines = sources.flatMap((source) => {
    // One that is skipped has none of the offers that are shown.
    if (source.kind === 'starter') {
      if (source.offers === 0 || source.state === 'skipped') return [];
      const of = source.collected_at === null ? '' : ` of ${day(source.collected_at)}`;
      return [
        `${word('note:')} prices${of} that ship with Berth are shown; \`berth catalog pull\` or \`berth catalog collect\` brings newer ones`,
      ];
    }
    if (source.state === 'stale') {
      const old = source.collected_at === null ? '' : ` ${age(source.collected_at, now)} old`;
      return [`${word('warning:')} prices of ${source.source} are${old}${because(source.reason)}`];
    }
    if (source.state === 'failed') {
      return [
        `${word('warning:')} ${source.source} could not be asked${because(source.reason)}; its offers are missing`,
      ];
    }
    return [];
  });
  return lines.join('\n');
}

/** Which filter is in the way, and what there would be without it. */
export function formatObstacles(
  obstacles: readonly CatalogObstacleView[],
  flags: Readonly<Record<string, string>>,
): string {
  const helpful = obstacles.filter(({ total_without: total }) => total > 0);
  const [worst] = helpful;
  if (worst === undefined) return 'The catalog holds no offer at all.';
  const named = ({ filter }: CatalogObstacleView) =>
    filter
      .split(' + ')
      .map((name) => flags[name] ?? name)
      .join(' and ');
  const lines = helpful.slice(0, 3).map((obstacle) => {
    const best = obstacle.cheapest_without;
    const place =
      best === null ? '' : printableLine(`${best.backend} ${best.instance_type} in ${best.zone ?? best.region}`);
    const cheapest =
      best === null ? '' : `, from ${dollars(best.price_per_hour)} per hour (${place}, ${best.capacity_type})`;
    return `  without ${named(obstacle)}: ${plural(obstacle.total_without, 'offer')}${cheapest}`;
  });
  const verb = worst.filter.includes(' + ') ? 'exclude' : 'excludes';
  return `No offer fits; ${named(worst)} ${verb} most.\n${lines.join('\n')}`;
}

function gpuName(name: string, mib: number): string {
  return mib > 0 ? `${name}:${memory(mib)}` : name;
}

function priceOf(value: number | null): string {
  return value === null ? '' : dollars(value);
}

function because(reason: string | null): string {
  return reason === null ? '' : ` (${printableLine(reason)})`;
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
