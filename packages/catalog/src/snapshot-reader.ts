/** Lays columns over a snapshot's sections and checks every code in them, so that nothing behind this needs to. */

import { FORM_FACTORS } from '@berth/core/accelerator';
import { ACCELERATOR_VENDORS, AVAILABILITIES, CAPACITY_TYPES } from '@berth/core/offer';
import { z } from 'zod';
import { SECTIONS, type SectionName, type SnapshotColumns, type SnapshotMeta } from './snapshot-columns.ts';
import { badSnapshot, type Codes, readSections, type Section } from './snapshot-file.ts';
import { StringTable } from './string-table.ts';

/** Checking this many codes takes well under a millisecond. */
const SLICE = 1 << 15;

/** The last millisecond that a `Date` can name; a later one would break whoever shows it. */
const LATEST_TIME = 8.64e15;

const metaSchema = z.object({ source: z.string(), collectedAt: z.number().nonnegative().max(LATEST_TIME) });

/** Yields where others may have their turn. @throws BerthError `invalid-request` */
export function* readColumns(bytes: Uint8Array): Generator<void, SnapshotColumns> {
  const list = yield* readSections(bytes, SECTIONS.length);
  const sections = Object.fromEntries(SECTIONS.map((name, index) => [name, list[index]])) as Record<
    SectionName,
    Section
  >; // as many as names
  const codes = (name: SectionName): Codes => {
    const section = sections[name];
    if (section instanceof Float64Array) throw badSnapshot(`${name} holds fractions`);
    return section;
  };
  const numbers = (name: SectionName): Float64Array => {
    const section = sections[name];
    if (!(section instanceof Float64Array)) throw badSnapshot(`${name} does not hold numbers`);
    return section;
  };
  const texts = (name: string, block: SectionName, ends: SectionName, remember: boolean): StringTable => {
    const [bytesOf, endsOf] = [sections[block], sections[ends]];
    if (!(bytesOf instanceof Uint8Array && endsOf instanceof Uint32Array)) throw badSnapshot(`${name} are no texts`);
    return new StringTable(name, bytesOf, endsOf, remember);
  };

  const meta = metaOf(sections.meta);
  const wordTable = texts('words', 'wordBytes', 'wordEnds', false);
  const words = Array.from({ length: wordTable.length }, (_, index) => wordTable.at(index));
  yield;
  const instanceTypes = texts('instance types', 'instanceTypeBytes', 'instanceTypeEnds', true);
  const dataTexts = texts('provider data', 'dataBytes', 'dataEnds', false);
  yield;

  const small = {
    backends: tableOf('backends', 1),
    locations: tableOf('locations', 3),
    origins: tableOf('origins', 1),
  };
  const accelerators = tableOf('accelerators', 4);
  const traits = tableOf('traits', 3);
  function tableOf(name: SectionName, width: number): { readonly column: Codes; readonly size: number } {
    const column = codes(name);
    if (column.length % width !== 0) throw badSnapshot(`its table ${name} is cut short`);
    return { column, size: column.length / width };
  }
  below('backends', small.backends.column, words.length);
  small.locations.column.forEach((code, at) => {
    if (code >= words.length + (at % 3 === 0 ? 0 : 1)) throw badSnapshot('a location points nowhere');
  });
  below('origins', small.origins.column, words.length);
  const originTimes = sized('originTimes', numbers('originTimes'), small.origins.size);
  const acceleratorNumbers = sized('acceleratorNumbers', numbers('acceleratorNumbers'), 2 * accelerators.size);
  const traitNumbers = sized('traitNumbers', numbers('traitNumbers'), traits.size);
  checkNumbers('originTimes', originTimes, LATEST_TIME);
  checkNumbers('traitNumbers', traitNumbers, 'may be unknown');
  acceleratorNumbers.forEach((value, at) => {
    if (at % 2 === 1 ? value < 0 || value === Number.POSITIVE_INFINITY : !isAmount(value)) {
      throw badSnapshot('an accelerator has an impossible count or memory');
    }
  });
  checkAccelerators(accelerators.column, words);
  checkTraits(traits.column, words);
  yield;

  const [cpus, memoryMiB, diskMiB] = [numbers('cpus'), numbers('memoryMiB'), numbers('diskMiB')];
  checkNumbers('cpus', cpus);
  checkNumbers('memoryMiB', memoryMiB);
  checkNumbers('diskMiB', diskMiB, 'may be unknown');
  const groupStart = codes('groupStart');
  const price = numbers('price');
  const [groups, rows] = [groupStart.length - 1, price.length];
  if (groups < 0) throw badSnapshot('it has no groups');
  const shapes = [...SECTIONS].reduce(
    (most, name) => (name.startsWith('shape') ? Math.max(most, codes(name).length) : most),
    0,
  );
  // A single shape may be all zeros and so have no elements at all.
  const shapeCount = shapes === 0 && rows > 0 ? 1 : shapes;
  const column = function* (name: SectionName, length: number, limit: number): Generator<void, Codes> {
    const found = codes(name);
    if (found.length !== 0 && found.length !== length)
      throw badSnapshot(`${name} has ${found.length} of ${length} codes`);
    if (found.length === 0 && length > 0 && limit === 0) throw badSnapshot(`${name} points nowhere`);
    for (let at = 0; at < found.length; at += SLICE) {
      below(name, found.subarray(at, at + SLICE), limit);
      yield;
    }
    return found;
  };
  const columns = {
    meta,
    words,
    instanceTypes,
    dataTexts,
    backends: small.backends.column,
    locations: small.locations.column,
    origins: small.origins.column,
    originTimes,
    accelerators: accelerators.column,
    acceleratorNumbers,
    traits: traits.column,
    traitNumbers,
    cpus,
    memoryMiB,
    diskMiB,
    shapeAccelerator: yield* column('shapeAccelerator', shapeCount, accelerators.size + 1),
    shapeBackend: yield* column('shapeBackend', shapeCount, small.backends.size),
    shapeInstanceType: yield* column('shapeInstanceType', shapeCount, instanceTypes.length),
    shapeCpus: yield* column('shapeCpus', shapeCount, cpus.length),
    shapeMemory: yield* column('shapeMemory', shapeCount, memoryMiB.length),
    shapeDisk: yield* column('shapeDisk', shapeCount, diskMiB.length),
    shapeTraits: yield* column('shapeTraits', shapeCount, traits.size),
    groupShape: yield* column('groupShape', groups, shapeCount),
    groupCapacity: yield* column('groupCapacity', groups, CAPACITY_TYPES.length),
    groupStart,
    byPrice: permutation('byPrice', codes('byPrice'), groups),
    byPricePerGpu: permutation('byPricePerGpu', codes('byPricePerGpu'), groups),
    byPricePerGpuGib: permutation('byPricePerGpuGib', codes('byPricePerGpuGib'), groups),
    price,
    location: yield* column('location', rows, small.locations.size),
    availability: yield* column('availability', rows, AVAILABILITIES.length),
    origin: yield* column('origin', rows, small.origins.size),
    data: yield* column('data', rows, dataTexts.length + 1),
    rows,
    shapes: shapeCount,
    groups,
  };
  yield;
  checkGroups(columns.groupStart, rows);
  yield* checkPrices(price, columns.groupStart);
  return { ...columns, acceleratorGroups: acceleratorGroups(columns, accelerators.size) };
}

function metaOf(section: Section): SnapshotMeta {
  try {
    if (!(section instanceof Uint8Array)) throw badSnapshot('its description is no text');
    return metaSchema.parse(JSON.parse(Buffer.from(section).toString('utf8')));
  } catch (cause) {
    throw badSnapshot(`its description cannot be read (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

function below(name: string, codes: Codes, limit: number): void {
  let largest = 0;
  for (let at = 0; at < codes.length; at += 1) largest = Math.max(largest, codes[at] ?? 0);
  if (codes.length > 0 && largest >= limit) throw badSnapshot(`${name} points outside of its table`);
}

function sized(name: string, numbers: Float64Array, length: number): Float64Array {
  if (numbers.length !== length) throw badSnapshot(`${name} has ${numbers.length} numbers instead of ${length}`);
  return numbers;
}

/** What the builder writes: no number below zero, none without an end, and NaN only where it stands for "unknown". */
function checkNumbers(name: string, numbers: Float64Array, bound: number | 'may be unknown' = Number.MAX_VALUE): void {
  for (const value of numbers) {
    const unknown = bound === 'may be unknown' && Number.isNaN(value);
    if (!unknown && !(isAmount(value) && (typeof bound === 'string' || value <= bound))) {
      throw badSnapshot(`${name} holds ${value}, which is no amount`);
    }
  }
}

function isAmount(value: number): boolean {
  return value >= 0 && value < Number.POSITIVE_INFINITY;
}

function checkAccelerators(table: Codes, words: readonly string[]): void {
  for (let at = 0; at < table.length; at += 4) {
    const [name = 0, vendor = 0, known = 0, form = 0] = table.subarray(at, at + 4);
    if (name >= words.length || vendor > words.length || known > 1 || form > FORM_FACTORS.length) {
      throw badSnapshot('an accelerator points nowhere');
    }
    if (vendor > 0 && !(ACCELERATOR_VENDORS as readonly string[]).includes(words[vendor - 1] ?? '')) {
      throw badSnapshot(`"${words[vendor - 1]}" is no vendor that this version of Berth knows`);
    }
  }
}

function checkTraits(table: Codes, words: readonly string[]): void {
  // Thousands of traits may share one long text, which is read once.
  const read = new Set<number>();
  for (let at = 0; at < table.length; at += 3) {
    const [arm = 0, interconnect = 0, flags = 0] = table.subarray(at, at + 3);
    const text = words[flags];
    if (arm > 1 || interconnect > words.length || text === undefined) throw badSnapshot('a trait points nowhere');
    if (!read.has(flags)) readFlags(text);
    read.add(flags);
  }
}

/** @throws BerthError when this is no list of texts */
export function readFlags(text: string): readonly string[] {
  let flags: unknown;
  try {
    flags = JSON.parse(text);
  } catch {
    flags = null;
  }
  if (!Array.isArray(flags) || !flags.every((flag) => typeof flag === 'string')) throw badSnapshot('flags are no list');
  return flags;
}

function permutation(name: string, codes: Codes, length: number): Codes {
  const seen = new Uint8Array(length);
  for (const code of codes) seen[code] = 1;
  if (codes.length !== length || seen.includes(0)) throw badSnapshot(`${name} does not name every group once`);
  return codes;
}

function checkGroups(starts: Codes, rows: number): void {
  for (let group = 0; group + 1 < starts.length; group += 1) {
    if ((starts[group] ?? 0) >= (starts[group + 1] ?? 0)) throw badSnapshot('its groups are out of order');
  }
  if (starts[0] !== 0 || starts[starts.length - 1] !== rows) throw badSnapshot('its groups do not cover its rows');
}

function* checkPrices(price: Float64Array, starts: Codes): Generator<void> {
  let checked = 0;
  for (let group = 0; group + 1 < starts.length; group += 1) {
    const end = starts[group + 1] ?? 0;
    let last = Number.MIN_VALUE;
    for (let row = starts[group] ?? 0; row < end; row += 1) {
      const value = price[row] ?? 0;
      if (!(value >= last && value < Number.POSITIVE_INFINITY)) throw badSnapshot('its prices are out of order');
      last = value;
    }
    if (end - checked > SLICE) {
      checked = end;
      yield;
    }
  }
}

function acceleratorGroups(
  columns: Pick<SnapshotColumns, 'groupShape' | 'shapeAccelerator' | 'groups'>,
  accelerators: number,
): Uint32Array {
  const starts = new Uint32Array(accelerators + 2).fill(columns.groups);
  let last = -1;
  for (let group = 0; group < columns.groups; group += 1) {
    const code = columns.shapeAccelerator[columns.groupShape[group] ?? 0] ?? 0;
    if (code < last) throw badSnapshot('its groups are not sorted by accelerator');
    if (code > last) starts.fill(group, last + 1, code + 1);
    last = code;
  }
  return starts;
}
