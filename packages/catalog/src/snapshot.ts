/** One source's offers at one time, as columns that are never changed: written once, read in one go. */

import { setImmediate as turn } from 'node:timers/promises';
import { FORM_FACTORS } from '@berth/core/accelerator';
import { ACCELERATOR_VENDORS, AVAILABILITIES, CAPACITY_TYPES } from '@berth/core/offer';
import { acceleratorWord, type CatalogAccelerator, type CatalogOffer } from './catalog-offer.ts';
import { SnapshotBuilder } from './snapshot-builder.ts';
import { codeAt, type SnapshotColumns, type SnapshotMeta } from './snapshot-columns.ts';
import { readColumns, readFlags } from './snapshot-reader.ts';

export { SnapshotBuilder } from './snapshot-builder.ts';
export type { SnapshotMeta } from './snapshot-columns.ts';

/** Others wait no longer than this for their turn while a snapshot is decoded. */
const LONGEST_SLICE_MS = 2;

/**
 * The file. The same offers give the same bytes, whatever their order.
 * @throws BerthError `invalid-request` for an offer whose numbers are none, or whose price is not above zero
 */
export function encodeSnapshot(offers: Iterable<CatalogOffer>, meta: SnapshotMeta): Uint8Array<ArrayBuffer> {
  const builder = new SnapshotBuilder(meta);
  for (const offer of offers) builder.add(offer);
  return builder.finish();
}

/**
 * `bytes` stay in use: they must not change afterwards.
 * @throws BerthError `invalid-request`, saying what is wrong with the file
 */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const reading = readColumns(bytes);
  for (;;) {
    const { done, value } = reading.next();
    if (done === true) return new Snapshot(value);
  }
}

/** Like `decodeSnapshot`, in slices: queries are answered in between. */
export async function decodeSnapshotInSlices(bytes: Uint8Array, signal?: AbortSignal): Promise<Snapshot> {
  const reading = readColumns(bytes);
  let began = performance.now();
  for (;;) {
    const { done, value } = reading.next();
    if (done === true) return new Snapshot(value);
    if (performance.now() - began < LONGEST_SLICE_MS) continue;
    await turn(undefined, signal === undefined ? undefined : { signal });
    began = performance.now();
  }
}

export class Snapshot implements Iterable<CatalogOffer> {
  readonly meta: SnapshotMeta;
  /** For the query; nothing in here may be changed. */
  readonly columns: SnapshotColumns;
  readonly #accelerators: readonly CatalogAccelerator[];
  readonly #flags: readonly (readonly string[])[];
  /** What follows type and capacity in an id, by accelerator code. */
  readonly #acceleratorTails: readonly string[];
  /** Place in the id, by location. */
  readonly #locationTexts: readonly string[];

  constructor(columns: SnapshotColumns) {
    this.columns = columns;
    this.meta = columns.meta;
    this.#accelerators = acceleratorsOf(columns);
    // By word: a long list of flags that many traits share is read once.
    const flagsOf = new Map<number, readonly string[]>();
    this.#flags = Array.from({ length: columns.traits.length / 3 }, (_, trait) => {
      const word = columns.traits[trait * 3 + 2] ?? 0;
      const flags = flagsOf.get(word) ?? Object.freeze(readFlags(this.#word(word)));
      flagsOf.set(word, flags);
      return flags;
    });
    this.#acceleratorTails = ['', ...this.#accelerators.map((accelerator) => `/${acceleratorWord(accelerator)}`)];
    this.#locationTexts = Array.from({ length: columns.locations.length / 3 }, (_, location) => {
      const zone = columns.locations[location * 3 + 1] ?? 0;
      return `${this.#word(columns.locations[location * 3] ?? 0)}/${zone === 0 ? '-' : this.#word(zone - 1)}`;
    });
  }

  /** How many offers. */
  get size(): number {
    return this.columns.rows;
  }

  /** By code of `shapeAccelerator` − 1; frozen. */
  get accelerators(): readonly CatalogAccelerator[] {
    return this.#accelerators;
  }

  /** By code of `shapeTraits`; frozen. */
  get flags(): readonly (readonly string[])[] {
    return this.#flags;
  }

  /** Backends that offers are of. */
  get backends(): readonly string[] {
    return Array.from(this.columns.backends, (word) => this.#word(word));
  }

  /** Offers by accelerator, shape, capacity type and price. */
  *[Symbol.iterator](): IterableIterator<CatalogOffer> {
    const { groups, groupStart } = this.columns;
    for (let group = 0; group < groups; group += 1) {
      const end = groupStart[group + 1] ?? 0;
      for (let row = groupStart[group] ?? 0; row < end; row += 1) yield this.offer(group, row);
    }
  }

  /** `catalogOfferId` of the offer, without making it. */
  id(group: number, row: number): string {
    const { columns } = this;
    const shape = codeAt(columns.groupShape, group);
    const flags = this.#flags[codeAt(columns.shapeTraits, shape)] ?? [];
    const place = this.#locationTexts[codeAt(columns.location, row)] ?? '';
    const backend = this.#word(columns.backends[codeAt(columns.shapeBackend, shape)] ?? 0);
    const type = columns.instanceTypes.at(codeAt(columns.shapeInstanceType, shape));
    const accelerator = this.#acceleratorTails[codeAt(columns.shapeAccelerator, shape)] ?? '';
    const tail = flags.length === 0 ? '' : `/${flags.join('+')}`;
    return `${backend}/${place}/${type}/${CAPACITY_TYPES[codeAt(columns.groupCapacity, group)]}${accelerator}${tail}`;
  }

  /** A new object; what it shares with others is frozen. `row` must be of `group`. */
  offer(group: number, row: number): CatalogOffer {
    const { columns } = this;
    const shape = codeAt(columns.groupShape, group);
    const traits = codeAt(columns.shapeTraits, shape);
    const location = codeAt(columns.location, row) * 3;
    const interconnect = columns.traits[traits * 3 + 1] ?? 0;
    const zone = columns.locations[location + 1] ?? 0;
    const country = columns.locations[location + 2] ?? 0;
    const origin = codeAt(columns.origin, row);
    const data = codeAt(columns.data, row);
    return {
      id: this.id(group, row),
      backend: this.#word(columns.backends[codeAt(columns.shapeBackend, shape)] ?? 0),
      instanceType: columns.instanceTypes.at(codeAt(columns.shapeInstanceType, shape)),
      region: this.#word(columns.locations[location] ?? 0),
      zone: zone === 0 ? null : this.#word(zone - 1),
      country: country === 0 ? null : this.#word(country - 1),
      capacityType: CAPACITY_TYPES[codeAt(columns.groupCapacity, group)] ?? 'on-demand',
      pricePerHour: columns.price[row] ?? 0,
      cpus: columns.cpus[codeAt(columns.shapeCpus, shape)] ?? 0,
      memoryMiB: columns.memoryMiB[codeAt(columns.shapeMemory, shape)] ?? 0,
      cpuArch: columns.traits[traits * 3] === 1 ? 'arm' : 'x86',
      accelerator: this.#accelerators[codeAt(columns.shapeAccelerator, shape) - 1] ?? null,
      diskMiB: known(columns.diskMiB[codeAt(columns.shapeDisk, shape)]),
      interconnect: interconnect === 0 ? null : this.#word(interconnect - 1),
      networkGbps: known(columns.traitNumbers[traits]),
      flags: this.#flags[traits] ?? [],
      providerData: data === 0 ? null : parsedData(columns.dataTexts.at(data - 1)),
      availability: AVAILABILITIES[codeAt(columns.availability, row)] ?? 'unknown',
      source: this.#word(columns.origins[origin] ?? 0),
      collectedAt: columns.originTimes[origin] ?? 0,
    };
  }

  #word(code: number): string {
    return this.columns.words[code] ?? '';
  }
}

function acceleratorsOf({ accelerators, acceleratorNumbers, words }: SnapshotColumns): readonly CatalogAccelerator[] {
  return Array.from({ length: accelerators.length / 4 }, (_, index) => {
    const at = index * 4;
    const vendor = words[(accelerators[at + 1] ?? 0) - 1];
    return Object.freeze({
      name: words[accelerators[at] ?? 0] ?? '',
      vendor: ACCELERATOR_VENDORS.find((one) => one === vendor) ?? null,
      known: accelerators[at + 2] === 1,
      count: acceleratorNumbers[2 * index] ?? 0,
      memoryMiB: known(acceleratorNumbers[2 * index + 1]),
      formFactor: FORM_FACTORS[(accelerators[at + 3] ?? 0) - 1] ?? null,
    });
  });
}

/** Too much to check at decoding; what is no object there is as good as absent. */
function parsedData(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
