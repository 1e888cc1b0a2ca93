/**
 * What a snapshot's sections are. Offers of one *shape* (everything but place, price and stock) and one
 * capacity type are a *group*; the rows of a group are sorted by price and id. Shapes are sorted by
 * accelerator first, so that one accelerator's groups lie side by side.
 *
 * A column of codes is as narrow as its largest code; one of zeros only has no element. Where a code
 * may be absent, 0 stands for null and others are raised by one.
 */

import type { Codes } from './snapshot-file.ts';
import type { StringTable } from './string-table.ts';

/** Order of the sections in the file. */
export const SECTIONS = [
  'meta', // JSON
  'wordBytes', // backends, regions, names: few, used by all tables
  'wordEnds',
  'instanceTypeBytes',
  'instanceTypeEnds',
  'dataBytes', // JSON of provider data
  'dataEnds',
  'backends', // word
  'locations', // word of region; of zone, of country or 0
  'origins', // word of source
  'originTimes', // ms since 1970
  'accelerators', // word of name; of vendor or 0; known; form factor or 0
  'acceleratorNumbers', // count; MiB of one, NaN: not known
  'traits', // arm; word of interconnect or 0; word of flags as JSON
  'traitNumbers', // Gbit/s, NaN: not known
  'cpus',
  'memoryMiB',
  'diskMiB', // NaN: not known
  'shapeAccelerator', // or 0
  'shapeBackend',
  'shapeInstanceType',
  'shapeCpus',
  'shapeMemory',
  'shapeDisk',
  'shapeTraits',
  'groupShape',
  'groupCapacity',
  'groupStart', // and, last, the number of rows
  'byPrice', // groups in the order of their first row
  'byPricePerGpu',
  'byPricePerGpuGib',
  'price',
  'location',
  'availability',
  'origin',
  'data', // or 0
] as const;
export type SectionName = (typeof SECTIONS)[number];

export interface SnapshotMeta {
  /** Whose offers these are: a backend's type, `starter`, or the name of an import. */
  readonly source: string;
  /** When they were collected, in milliseconds since 1970; single offers may say otherwise. */
  readonly collectedAt: number;
}

type NumberSection = 'originTimes' | 'acceleratorNumbers' | 'traitNumbers' | 'cpus' | 'memoryMiB' | 'diskMiB' | 'price';
type TextSection = 'meta' | `${'word' | 'instanceType' | 'data'}${'Bytes' | 'Ends'}`;
type CodeSection = Exclude<SectionName, NumberSection | TextSection>;

/** Checked: every code in here points at something. */
export type SnapshotColumns = Readonly<Record<NumberSection, Float64Array>> &
  Readonly<Record<CodeSection, Codes>> & {
    readonly meta: SnapshotMeta;
    readonly words: readonly string[];
    readonly instanceTypes: StringTable;
    readonly dataTexts: StringTable;
    readonly rows: number;
    readonly shapes: number;
    readonly groups: number;
    /** First group of the shapes with accelerator code `i` (0: none), and, last, the number of groups. */
    readonly acceleratorGroups: Uint32Array;
  };

/** The code at `index`, also of a column of zeros that has no elements. */
export function codeAt(column: Codes, index: number): number {
  return column[index] ?? 0;
}
