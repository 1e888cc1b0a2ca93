/**
 * Reads the label of an accelerator. A label is a list of words; words that every label may carry
 * (vendor, brand, memory, form factor, generation) are set aside and checked, and what remains must
 * be the name of a device, whole. Nothing is searched for inside a word: `A10` is not in `A100`.
 */

import { type Accelerator, type FormFactor, knownMemory, type ResolvedAccelerator } from './accelerator.ts';
import type { AcceleratorVendor } from './offer.ts';

export interface LabelMatch {
  readonly accelerator: Accelerator;
  readonly memoryMiB: number | null;
}

/** Words that say whose the device is. A label with the words of two vendors names nothing. */
const BRANDS: ReadonlyMap<string, AcceleratorVendor> = new Map([
  ['nvidia', 'nvidia'],
  ['tesla', 'nvidia'],
  ['geforce', 'nvidia'],
  ['quadro', 'nvidia'],
  ['grid', 'nvidia'],
  ['amd', 'amd'],
  ['instinct', 'amd'],
  ['radeon', 'amd'],
  ['google', 'google'],
  ['tpu', 'google'],
  ['aws', 'aws'],
  ['amazon', 'aws'],
  ['intel', 'intel'],
  ['habana', 'intel'],
  ['tenstorrent', 'tenstorrent'],
  ['tt', 'tenstorrent'],
  ['qualcomm', 'qualcomm'],
  ['arm', 'arm'],
  ['xilinx', 'xilinx'],
]);

/** Words that say nothing about which device it is. `vws` is a licence, `nvlink` a cable between devices. */
const FILLER: ReadonlySet<string> = new Set([
  'gpu',
  'gpus',
  'tensor',
  'core',
  'cloud',
  'labs',
  'corporation',
  'accelerator',
  'generation',
  'edition',
  'nvlink',
  'vws',
]);

const FORM_FACTORS: ReadonlyMap<string, FormFactor> = new Map([
  ['sxm', 'SXM'],
  ['sxm2', 'SXM'],
  ['sxm3', 'SXM'],
  ['sxm4', 'SXM'],
  ['sxm5', 'SXM'],
  ['sxm6', 'SXM'],
  ['hgx', 'SXM'],
  ['dgx', 'SXM'],
  ['pcie', 'PCIe'],
  ['fhhl', 'PCIe'],
  ['nvl', 'NVL'],
  ['oam', 'OAM'],
]);

const ARCHITECTURES: ReadonlySet<string> = new Set([
  'kepler',
  'maxwell',
  'pascal',
  'volta',
  'turing',
  'ampere',
  'ada',
  'hopper',
  'blackwell',
]);

const MEMORY = /^(\d{1,4})(?:g|gb|gib)$/;
const MEMORY_UNIT = /^(?:gb|gib)$/;
const MEMORY_KIND = /^(?:hbm|gddr)\d?[ex]?$/;
const NUMBER = /^\d{1,5}$/;

interface Words {
  readonly words: string[];
  /** Null: no brand named. */
  readonly vendor: AcceleratorVendor | null;
}

/** Lower-case words without brands and fillers; null when the brands contradict each other. */
function split(label: string): Words | null {
  const words: string[] = [];
  let vendor: AcceleratorVendor | null = null;
  const plain = label.toLowerCase().replace(/[®™©]|\((?:r|tm|c)\)/g, ' ');
  for (const word of plain.split(/[\s_\-/(),]+/)) {
    if (word === '' || FILLER.has(word)) continue;
    const brand = BRANDS.get(word);
    if (brand === undefined) {
      words.push(word);
    } else {
      if (vendor !== null && vendor !== brand) return null;
      vendor = brand;
    }
  }
  return { words, vendor };
}

/** Words run together, so that blanks do not matter; but `A10 0` is not `A100`. */
function keyOf(words: readonly string[]): string {
  return words
    .join(' ')
    .replace(/(\d) (?=\d)/g, '$1.')
    .replaceAll(' ', '');
}

/**
 * Every name and alias, by the key of its words.
 * Throws when one key would mean two devices: the data is wrong.
 */
export function indexLabels(accelerators: readonly Accelerator[]): ReadonlyMap<string, LabelMatch> {
  const index = new Map<string, LabelMatch>();
  for (const accelerator of accelerators) {
    for (const alias of [accelerator.name, ...accelerator.aliases]) {
      const label = typeof alias === 'string' ? alias : alias.label;
      const memoryMiB = typeof alias === 'string' ? null : alias.memoryGiB * 1024;
      const key = keyOf(split(label)?.words ?? []);
      const taken = index.get(key);
      if (key === '' || (taken !== undefined && taken.accelerator !== accelerator)) {
        throw new Error(`accelerator label '${label}' means both ${taken?.accelerator.name} and ${accelerator.name}`);
      }
      index.set(key, { accelerator, memoryMiB });
    }
  }
  return index;
}

/** What words say besides the name. */
interface Qualifiers {
  readonly memoryGiB: number | null;
  readonly formFactor: FormFactor | null;
  readonly architecture: string | null;
}

/** Takes the memory out of the words; null when two different ones are said. */
function takeMemory(words: readonly string[]): { rest: string[]; memoryGiB: number | null } | null {
  const rest: string[] = [];
  let memoryGiB: number | null = null;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const unitFollows = NUMBER.test(word) && MEMORY_UNIT.test(words[i + 1] ?? '');
    const size = unitFollows ? word : MEMORY.exec(word)?.[1];
    if (unitFollows) i++;
    if (size === undefined) {
      if (!MEMORY_KIND.test(word)) rest.push(word);
    } else {
      if (memoryGiB !== null && memoryGiB !== Number(size)) return null;
      memoryGiB = Number(size);
    }
  }
  return { rest, memoryGiB };
}

/** Takes the words of one kind out; null when they say two different things. */
function take<T>(words: readonly string[], meaningOf: (word: string) => T | undefined): Taken<T> | null {
  const rest: string[] = [];
  let said: T | null = null;
  for (const word of words) {
    const meaning = meaningOf(word);
    if (meaning === undefined) {
      rest.push(word);
    } else {
      if (said !== null && said !== meaning) return null;
      said = meaning;
    }
  }
  return { rest, said };
}

interface Taken<T> {
  readonly rest: readonly string[];
  readonly said: T | null;
}

const formFactorOf = (word: string): FormFactor | undefined => FORM_FACTORS.get(word);
const architectureOf = (word: string): string | undefined => (ARCHITECTURES.has(word) ? word : undefined);

/** See `resolveAccelerator`. */
export function readLabel(label: string, index: ReadonlyMap<string, LabelMatch>): ResolvedAccelerator | null {
  const parts = split(label);
  if (parts === null || parts.words.length === 0) return null;
  const resolved = readWords(parts.words, index);
  if (resolved === null) return null;
  return parts.vendor === null || parts.vendor === resolved.vendor ? resolved : null;
}

function readWords(words: readonly string[], index: ReadonlyMap<string, LabelMatch>): ResolvedAccelerator | null {
  // A name may hold words that look like qualifiers (`GH200 480GB`, `H100 NVL`, `RTX 6000 Ada`),
  // so the most words are tried first.
  const whole = index.get(keyOf(words));
  if (whole !== undefined) return resolve(whole, null, null);

  const sized = takeMemory(words);
  if (sized === null) return null;
  const { memoryGiB } = sized;
  const unsized = index.get(keyOf(sized.rest));
  if (unsized !== undefined) return qualify(unsized, { memoryGiB, formFactor: null, architecture: null });

  const formed = take(sized.rest, formFactorOf);
  if (formed === null) return null;
  const formFactor = formed.said;
  // `RTX 6000 Ada PCIe`: the generation belongs to the name, and without it another device would have it.
  const card = index.get(keyOf(formed.rest));
  if (card !== undefined) return qualify(card, { memoryGiB, formFactor, architecture: null });

  const bare = take(formed.rest, architectureOf);
  if (bare === null) return null;
  const { rest, said: architecture } = bare;
  const named = index.get(keyOf(rest));
  if (named !== undefined) return qualify(named, { memoryGiB, formFactor, architecture });

  // `v5litepod-8`, `A100-PCIe-40`: a last word that is a bare number.
  const last = rest.at(-1) ?? '';
  const numbered = rest.length > 1 && NUMBER.test(last) ? index.get(keyOf(rest.slice(0, -1))) : undefined;
  if (numbered === undefined || memoryGiB !== null) return null;
  if (numbered.accelerator.vendor === 'google') {
    const count = chipsOfSlice(numbered.accelerator, Number(last));
    return count === null || formFactor !== null || architecture !== null ? null : resolve(numbered, null, null, count);
  }
  // Nothing says that this number is a memory, so it must be a size of the device to the last GiB.
  if (!numbered.accelerator.memorySizesMiB.includes(Number(last) * 1024)) return null;
  return qualify(numbered, { memoryGiB: Number(last), formFactor, architecture });
}

function qualify(match: LabelMatch, said: Qualifiers): ResolvedAccelerator | null {
  const { accelerator } = match;
  if (said.architecture !== null && said.architecture !== accelerator.architecture.toLowerCase()) return null;
  if (said.formFactor !== null && !accelerator.formFactors.includes(said.formFactor)) return null;
  if (said.memoryGiB === null) return resolve(match, null, said.formFactor);
  const memoryMiB = knownMemory(accelerator, said.memoryGiB * 1024);
  return memoryMiB === null ? null : resolve(match, memoryMiB, said.formFactor);
}

function resolve(
  match: LabelMatch,
  memoryMiB: number | null,
  formFactor: FormFactor | null,
  count: number | null = null,
): ResolvedAccelerator {
  const { accelerator } = match;
  const only = accelerator.formFactors.length === 1 ? (accelerator.formFactors[0] ?? null) : null;
  return {
    ...accelerator,
    memoryMiB: memoryMiB ?? match.memoryMiB,
    formFactor: formFactor ?? only,
    count,
  };
}

/**
 * Chips of a Cloud TPU slice. Google counts TensorCores (two a chip) in the names of v2, v3, v4 and v5p,
 * and chips in those of v5e and v6e. Null: not a size that can be.
 */
function chipsOfSlice(tpu: Accelerator, size: number): number | null {
  const countsCores = ['v2', 'v3', 'v4', 'v5p'].includes(tpu.name);
  const countsChips = ['v5litepod', 'v6e'].includes(tpu.name);
  if (size < 1 || !(countsCores || countsChips)) return null;
  const chips = countsCores ? size / 2 : size;
  return Number.isInteger(chips) ? chips : null;
}
