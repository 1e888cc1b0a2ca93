import { BerthError } from './errors.ts';
import { formatMemory, MEMORY } from './memory.ts';
import { nearestWords } from './nearest.ts';
import { ACCELERATOR_VENDORS, type AcceleratorVendor, type GpuRequirement, type Range } from './offer.ts';
import { oneOf, quote } from './quote.ts';
import { COUNT, formatRange, parseRange } from './ranges.ts';

/**
 * A GPU that is asked for without a count means exactly one: what dstack's documentation promises
 * (its code takes "one or more", so a plan may hold eight GPUs where one was meant).
 */
export const ONE_GPU: Range = { min: 1, max: 1 };

const VENDOR_ALIASES: ReadonlyMap<string, AcceleratorVendor> = new Map([
  ['tpu', 'google'],
  ['tt', 'tenstorrent'],
]);
const VENDOR_WORDS = [...ACCELERATOR_VENDORS, ...VENDOR_ALIASES.keys()];

/** Free order defeats a strict pattern: this one checks the letters, the parser the meaning. */
export const GPU_PATTERN = '^\\s*[A-Za-z0-9.][A-Za-z0-9 ._,:+/()-]*$';

/** The part of the accelerator registry that is needed to read a configuration. */
export interface AcceleratorLookup {
  /** By canonical name or alias, in any letter case; null: not known. */
  resolve(label: string): AcceleratorMeaning | null;
  /** Canonical names, for hints. */
  readonly names: readonly string[];
}

export interface AcceleratorMeaning {
  readonly name: string;
  readonly vendor: AcceleratorVendor;
  /** All sizes that the device is made with, smallest first. */
  readonly memorySizesMiB: readonly number[];
  /** The size that the label names (`A100-80GB`); null: none. */
  readonly memoryMiB: number | null;
  /** Devices that one of the label stands for (`v5litepod-8`: 8); null: one. */
  readonly count: number | null;
}

/** The vendor that a word names, or null. */
export function parseVendor(word: string): AcceleratorVendor | null {
  const name = word.trim().toLowerCase();
  return ACCELERATOR_VENDORS.find((vendor) => vendor === name) ?? VENDOR_ALIASES.get(name) ?? null;
}

/** Like `parseVendor`. @throws BerthError `invalid-configuration` when no vendor has that name */
export function requireVendor(word: string): AcceleratorVendor {
  const vendor = parseVendor(word);
  if (vendor !== null) return vendor;
  const near = nearestWords(word, VENDOR_WORDS, 1);
  throw new BerthError('invalid-configuration', `${quote(word)} is not a vendor of accelerators`, {
    hint: near.length > 0 ? `did you mean ${oneOf(near)}?` : `write ${oneOf(VENDOR_WORDS)}`,
  });
}

/**
 * Colon-separated parts in any order: vendor (`nvidia`, `amd`, `google` or `tpu`, `aws`, `intel`,
 * `tenstorrent` or `tt`, `qualcomm`, `arm`), names (`A100` or `A10G,A100`), memory of one device (`80GB`, `24GB..`, always with a unit)
 * and count (`2`, `1..4`). Names are as the user wrote them: see `resolveGpuNames`.
 * @throws BerthError `invalid-configuration`
 */
export function parseGpu(text: string): GpuRequirement {
  const found: { vendor?: AcceleratorVendor; names?: string[]; memory?: Range; count?: Range } = {};
  for (const token of text.split(':').map((part) => part.trim())) {
    if (token === '') {
      throw new BerthError('invalid-configuration', `${quote(text)} has an empty part`, {
        hint: 'write for example `A100:80GB:2`',
      });
    }
    const vendor = parseVendor(token);
    if (vendor !== null) {
      found.vendor = once(text, 'vendor', found.vendor, vendor);
    } else if (/^[a-z]/i.test(token)) {
      found.names = once(text, 'list of names', found.names, parseGpuNames(token));
    } else if (/[a-z]/i.test(token)) {
      found.memory = once(text, 'memory size', found.memory, parseRange(token, MEMORY));
    } else {
      found.count = once(text, 'count', found.count, parseRange(token, COUNT));
    }
  }
  return {
    vendor: found.vendor ?? null,
    names: found.names ?? null,
    count: found.count ?? ONE_GPU,
    memoryMiB: found.memory ?? null,
    totalMemoryMiB: null,
    computeCapability: null,
  };
}

/** `A10G, A100` as a list. @throws BerthError `invalid-configuration` */
export function parseGpuNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new BerthError('invalid-configuration', `${quote(text)} has an empty name`);
  return names;
}

/** `7.5`, `8` as [major, minor]. @throws BerthError `invalid-configuration` */
export function parseComputeCapability(value: string | number): readonly [number, number] {
  const match = /^\s*(\d{1,3})(?:\.(\d{1,2}))?\s*$/.exec(String(value));
  if (match === null) {
    throw new BerthError('invalid-configuration', `${quote(String(value))} is not a compute capability`, {
      hint: 'write major and minor version, for example `8.0`',
    });
  }
  return [Number(match[1]), Number(match[2] ?? 0)];
}

/**
 * The text that `parseGpu` reads as the same. What its grammar cannot say (total memory, compute
 * capability: only the map form can) follows in brackets, for people.
 */
export function formatGpu(gpu: GpuRequirement): string {
  const parts: string[] = [];
  if (gpu.vendor !== null) parts.push(gpu.vendor);
  if (gpu.names !== null) parts.push(gpu.names.join(','));
  if (gpu.memoryMiB !== null) parts.push(formatRange(gpu.memoryMiB, MEMORY));
  parts.push(formatRange(gpu.count));
  const more: string[] = [];
  if (gpu.totalMemoryMiB !== null) more.push(`total ${formatRange(gpu.totalMemoryMiB, MEMORY)}`);
  if (gpu.computeCapability !== null) more.push(`compute capability ${gpu.computeCapability.join('.')} or more`);
  return parts.join(':') + (more.length > 0 ? ` (${more.join(', ')})` : '');
}

/**
 * The same requirement with canonical names, the vendor when all names share one, and the memory and
 * count that names imply (`A100-80GB`, `v5litepod-8`).
 * @throws BerthError `invalid-configuration` when a name is unknown or contradicts the rest
 */
export function resolveGpuNames(gpu: GpuRequirement, accelerators: AcceleratorLookup): GpuRequirement {
  if (gpu.computeCapability !== null && gpu.vendor !== null && gpu.vendor !== 'nvidia') {
    throw new BerthError('invalid-configuration', `only NVIDIA devices have a compute capability, not ${gpu.vendor}'s`);
  }
  if (gpu.names === null) return gpu;
  const known = gpu.names.map((name) => {
    const meaning = accelerators.resolve(name);
    if (meaning === null) throw unknownAccelerator(name, accelerators.names);
    if (gpu.vendor !== null && meaning.vendor !== gpu.vendor) {
      throw new BerthError('invalid-configuration', `${quote(name)} is made by ${meaning.vendor}, not ${gpu.vendor}`);
    }
    return meaning;
  });
  const vendors = new Set(known.map((meaning) => meaning.vendor));
  const [onlyVendor] = vendors;
  return {
    ...gpu,
    names: [...new Set(known.map((meaning) => meaning.name))],
    vendor: vendors.size === 1 && onlyVendor !== undefined ? onlyVendor : gpu.vendor,
    memoryMiB: narrowMemory(gpu, known),
    count: multiplyCount(gpu, known),
  };
}

/** One range speaks for all names: from the smallest to the largest size that they allow. */
function narrowMemory(gpu: GpuRequirement, known: readonly AcceleratorMeaning[]): Range | null {
  if (known.every((meaning) => meaning.memoryMiB === null)) return gpu.memoryMiB;
  const sizes = known.flatMap((meaning) => (meaning.memoryMiB === null ? meaning.memorySizesMiB : [meaning.memoryMiB]));
  const min = Math.max(Math.min(...sizes), gpu.memoryMiB?.min ?? 0);
  const max = Math.min(Math.max(...sizes), gpu.memoryMiB?.max ?? Number.POSITIVE_INFINITY);
  if (min > max) {
    const asked = gpu.memoryMiB === null ? '' : formatRange(gpu.memoryMiB, MEMORY);
    throw new BerthError(
      'invalid-configuration',
      `${quote(gpu.names?.join(',') ?? '')} does not have \`${asked}\` of memory`,
    );
  }
  return { min, max };
}

function multiplyCount(gpu: GpuRequirement, known: readonly AcceleratorMeaning[]): Range {
  const [factor, ...others] = new Set(known.map((meaning) => meaning.count ?? 1));
  if (others.length > 0) {
    throw new BerthError(
      'invalid-configuration',
      `${quote(gpu.names?.join(',') ?? '')} stand for different numbers of chips`,
      {
        hint: 'name devices of one size',
      },
    );
  }
  const times = (end: number | null): number | null => (end === null ? null : end * (factor ?? 1));
  return { min: times(gpu.count.min), max: times(gpu.count.max) };
}

function unknownAccelerator(name: string, names: readonly string[]): BerthError {
  const near = nearestWords(name, [...names, ...VENDOR_WORDS]);
  return new BerthError('invalid-configuration', `${quote(name)} is not a known accelerator`, {
    hint:
      near.length > 0
        ? `did you mean ${oneOf(near)}?`
        : `write a name such as \`A100\`, or only what it must have, such as \`${formatMemory(24 * 1024)}..\``,
  });
}

function once<T>(text: string, what: string, before: T | undefined, value: T): T {
  if (before !== undefined) throw new BerthError('invalid-configuration', `${quote(text)} gives more than one ${what}`);
  return value;
}
