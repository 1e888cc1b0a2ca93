/** Why something does not fit, as data, and as words that a person can act on. */

import { formatDollars } from './cost.ts';
import type { GpuRequirement, Range, Requirements } from './offer.ts';
import { compareIds } from './rank.ts';

/** What does not fit, in the order in which it is checked: later ones are nearer to a fit. */
export const MISFIT_KINDS = [
  'backend',
  'facet',
  'reservation',
  'region',
  'zone',
  'instance-type',
  'capacity-type',
  'gpu',
  'gpu-vendor',
  'gpu-name',
  'gpu-memory',
  'compute-capability',
  'gpu-count',
  'gpu-total-memory',
  'cpu-arch',
  'cpus',
  'memory',
  'disk',
  'price',
] as const;
export type MisfitKind = (typeof MISFIT_KINDS)[number];

export interface Misfit {
  readonly kind: MisfitKind;
  /** What there is instead: MiB, a count, dollars per hour, or a name. Null: not known. */
  readonly have: number | string | null;
  /** For numbers: on which side of what is wanted. */
  readonly side: 'below' | 'above' | null;
}

export interface MisfitCount {
  readonly reason: string;
  readonly count: number;
}

/** One misfit in words: `memory 15 GiB < 64 GiB`. */
export function explainMisfit(misfit: Misfit, requirements: Requirements): string {
  const tally = new MisfitTally(requirements);
  tally.add(misfit);
  return tally.counts()[0]?.reason ?? '';
}

interface Group {
  readonly misfit: Misfit;
  count: number;
  /** The number that is nearest to what is wanted. */
  nearest: number;
  varies: boolean;
  readonly names: Set<string>;
}

/** Counts misfits by what is wrong, so that a hundred thousand of them are a few lines. */
export class MisfitTally {
  readonly #requirements: Requirements;
  readonly #groups = new Map<string, Group>();

  constructor(requirements: Requirements) {
    this.#requirements = requirements;
  }

  add(misfit: Misfit): void {
    const { kind, side, have } = misfit;
    const key = have === null ? `${kind}?` : side === null ? kind : side === 'below' ? `${kind}<` : `${kind}>`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { misfit, count: 0, nearest: typeof have === 'number' ? have : 0, varies: false, names: new Set() };
      this.#groups.set(key, group);
    }
    group.count++;
    if (typeof have === 'string') group.names.add(have);
    if (typeof have === 'number' && have !== group.nearest) {
      group.varies = true;
      group.nearest = side === 'above' ? Math.min(group.nearest, have) : Math.max(group.nearest, have);
    }
  }

  /** Most frequent first, then those that came further through the checks. */
  counts(): MisfitCount[] {
    return [...this.#groups.values()]
      .map((group) => ({ group, reason: explain(group, this.#requirements) }))
      .sort(
        (a, b) =>
          b.group.count - a.group.count || orderOf(b.group) - orderOf(a.group) || compareIds(a.reason, b.reason),
      )
      .map(({ group, reason }) => ({ reason, count: group.count }));
  }
}

function orderOf(group: Group): number {
  return MISFIT_KINDS.indexOf(group.misfit.kind);
}

function explain(group: Group, wanted: Requirements): string {
  const { kind, have } = group.misfit;
  switch (kind) {
    case 'backend':
    case 'region':
    case 'zone':
      if (have === null) return `the ${kind} is not known`;
      return `in ${plural(kind, group.names.size)} ${list(group.names)}, which the configuration excludes`;
    case 'facet':
      return list(group.names);
    case 'reservation':
      if (have === null) return `in no reservation, where ${wanted.reservation ?? 'one'} is wanted`;
      return `in reservation ${list(group.names)}, where ${wanted.reservation ?? 'another'} is wanted`;
    case 'instance-type':
      return `of type ${list(group.names)}, which the configuration excludes`;
    case 'capacity-type':
      return `${list(group.names)}, where ${wanted.capacityTypes.join(' or ')} is wanted`;
    case 'gpu':
      return `no GPU, where ${gpuWords(wanted.gpu)} is wanted`;
    case 'gpu-vendor':
      return `GPU of ${list(group.names)}, where ${wanted.gpu?.vendor ?? 'another'} is wanted`;
    case 'gpu-name':
      return `GPU ${list(group.names)}, where ${gpuWords(wanted.gpu)} is wanted`;
    case 'gpu-memory':
      return compare(group, 'memory of a GPU', wanted.gpu?.memoryMiB ?? null, MEMORY);
    case 'compute-capability': {
      const least = (wanted.gpu?.computeCapability ?? []).join('.');
      return have === null
        ? 'the compute capability is not known'
        : `compute capability ${list(group.names)} < ${least}`;
    }
    case 'gpu-count':
      return compare(group, 'GPUs', wanted.gpu?.count ?? null, COUNT);
    case 'gpu-total-memory':
      return compare(group, 'memory of all GPUs', wanted.gpu?.totalMemoryMiB ?? null, MEMORY);
    case 'cpu-arch':
      return `CPU ${list(group.names)}, where ${wanted.cpuArch ?? 'another'} is wanted`;
    case 'cpus':
      return compare(group, 'CPUs', wanted.cpu, COUNT);
    case 'memory':
      return compare(group, 'memory', wanted.memoryMiB, MEMORY);
    case 'disk':
      return compare(group, 'disk', wanted.diskMiB, MEMORY);
    case 'price':
      return compare(group, 'price', { min: null, max: wanted.maxPricePerHour }, PRICE);
  }
}

interface Format {
  readonly short: (value: number) => string;
  /** For two values that look alike when they are short. */
  readonly exact: (value: number) => string;
}

const COUNT: Format = { short: String, exact: String };
const MEMORY: Format = {
  short: (mib) => (mib < 1024 ? `${Math.round(mib)} MiB` : `${Math.round((mib / 1024) * 10) / 10} GiB`),
  exact: (mib) => `${mib} MiB`,
};
const PRICE: Format = { short: (dollars) => `${formatDollars(dollars)}/h`, exact: (dollars) => `$${dollars}/h` };

function compare(group: Group, what: string, wanted: Range | null, format: Format): string {
  const { side, have } = group.misfit;
  if (have === null || side === null) return `${what}: not known`;
  const limit = (side === 'below' ? wanted?.min : wanted?.max) ?? 0;
  const most = !group.varies ? '' : side === 'below' ? 'at most ' : 'at least ';
  const write = format.short(group.nearest) === format.short(limit) ? format.exact : format.short;
  return `${what} ${most}${write(group.nearest)} ${side === 'below' ? '<' : '>'} ${write(limit)}`;
}

function gpuWords(gpu: GpuRequirement | null): string {
  return gpu?.names?.join(' or ') ?? (gpu?.vendor === null || gpu === null ? 'one' : `one of ${gpu.vendor}`);
}

const SHOWN_NAMES = 3;

function list(names: ReadonlySet<string>): string {
  const sorted = [...names].sort();
  const more = sorted.length - SHOWN_NAMES;
  if (more <= 0) return sorted.join(', ');
  return `${sorted.slice(0, SHOWN_NAMES).join(', ')} and ${more} more`;
}

function plural(word: string, count: number): string {
  return count === 1 ? word : `${word}s`;
}
