/** Takes offers one by one, keeps them as codes, and lays them out as a snapshot's sections. */

import { FORM_FACTORS } from '@berth/core/accelerator';
import { BerthError } from '@berth/core/errors';
import { AVAILABILITIES, CAPACITY_TYPES } from '@berth/core/offer';
import type { CatalogAccelerator, CatalogOffer } from './catalog-offer.ts';
import { Interner } from './interner.ts';
import type { SnapshotMeta } from './snapshot-columns.ts';
import { layOut } from './snapshot-layout.ts';
import { grown, TupleTable } from './tuple-table.ts';

/** Not known, in a column of numbers. */
const UNKNOWN = Number.NaN;
const NO_FLAGS = '[]';
const MOST_ROWS = 0x4000_0000; // codes are raised by one and counted in 32 bits

/** Place of each value in the builder's shape tuples. */
export const SHAPE = { accelerator: 0, backend: 1, instanceType: 2, cpus: 3, memory: 4, disk: 5, traits: 6 } as const;
/** In its row tuples: `group` is the shape's number × 4 + the capacity type. */
export const ROW = { group: 0, location: 1, availability: 2, origin: 3, data: 4 } as const;
const ROW_WIDTH = 5;

/** What `layOut` needs to know. Codes are by first coming here. */
export class SnapshotBuilder {
  readonly meta: SnapshotMeta;
  readonly words = new Interner<string>();
  readonly instanceTypes = new Interner<string>();
  readonly data = new Interner<string>();
  readonly cpus = new Interner<number>();
  readonly memoryMiB = new Interner<number>();
  readonly diskMiB = new Interner<number>();
  /** Numbers of small tables: counts and memories of accelerators, network speeds, times. */
  readonly numbers = new Interner<number>();
  readonly locations = new TupleTable(3);
  readonly origins = new TupleTable(2);
  readonly accelerators = new TupleTable(6);
  readonly traits = new TupleTable(4);
  readonly shapes = new TupleTable(7);
  rows = 0;
  rowCodes = new Uint32Array(ROW_WIDTH * 1024);
  prices = new Float64Array(1024);
  readonly #tuple = new Uint32Array(7);

  constructor(meta: SnapshotMeta) {
    this.meta = meta;
    wellFormed(meta.source, 'source', meta.source);
    finite(meta.collectedAt, 'collectedAt', meta.source);
  }

  /** @throws BerthError `invalid-request` for an offer whose numbers are none, or whose price is not above zero */
  add(offer: CatalogOffer): void {
    if (!(offer.pricePerHour > 0 && offer.pricePerHour < Number.POSITIVE_INFINITY)) {
      throw unfit(offer.id, `a price of ${offer.pricePerHour} $/h`);
    }
    if (this.rows >= MOST_ROWS) throw new BerthError('too-large', `A snapshot holds at most ${MOST_ROWS} offers.`);
    const capacity = CAPACITY_TYPES.indexOf(offer.capacityType);
    const availability = AVAILABILITIES.indexOf(offer.availability);
    if (capacity < 0 || availability < 0) throw unfit(offer.id, 'an unknown capacity type or availability');
    const shape = this.#shape(offer);
    const location = this.#location(offer);
    const origin = this.#origin(offer);
    const data = offer.providerData === null ? 0 : this.#text(this.data, JSON.stringify(offer.providerData), offer) + 1;

    const start = this.rows * ROW_WIDTH;
    if (start === this.rowCodes.length) {
      this.rowCodes = grown(this.rowCodes, start * 2);
      const prices = new Float64Array(this.rows * 2);
      prices.set(this.prices);
      this.prices = prices;
    }
    this.prices[this.rows] = offer.pricePerHour;
    this.rowCodes[start + ROW.group] = shape * 4 + capacity;
    this.rowCodes[start + ROW.location] = location;
    this.rowCodes[start + ROW.availability] = availability;
    this.rowCodes[start + ROW.origin] = origin;
    this.rowCodes[start + ROW.data] = data;
    this.rows += 1;
  }

  /** The file. The builder is spent. */
  finish(): Uint8Array<ArrayBuffer> {
    return layOut(this);
  }

  row(row: number, place: number): number {
    return this.rowCodes[row * ROW_WIDTH + place] ?? 0;
  }

  #shape(offer: CatalogOffer): number {
    const { accelerator, interconnect, networkGbps, flags } = offer;
    const acceleratorCode = accelerator === null ? 0 : this.#accelerator(accelerator, offer) + 1;
    const tuple = this.#tuple;
    tuple[0] = offer.cpuArch === 'arm' ? 1 : 0;
    tuple[1] = interconnect === null ? 0 : this.#text(this.words, interconnect, offer) + 1;
    tuple[2] = this.#text(this.words, flags.length === 0 ? NO_FLAGS : JSON.stringify(flags), offer);
    tuple[3] = this.#number(this.numbers, networkGbps, 'networkGbps', offer);
    const traits = this.traits.intern(tuple);
    tuple[SHAPE.accelerator] = acceleratorCode;
    tuple[SHAPE.backend] = this.#text(this.words, offer.backend, offer);
    tuple[SHAPE.instanceType] = this.#text(this.instanceTypes, offer.instanceType, offer);
    tuple[SHAPE.cpus] = this.#number(this.cpus, offer.cpus, 'cpus', offer);
    tuple[SHAPE.memory] = this.#number(this.memoryMiB, offer.memoryMiB, 'memoryMiB', offer);
    tuple[SHAPE.disk] = this.#number(this.diskMiB, offer.diskMiB, 'diskMiB', offer);
    tuple[SHAPE.traits] = traits;
    return this.shapes.intern(tuple);
  }

  #accelerator(accelerator: CatalogAccelerator, offer: CatalogOffer): number {
    const { name, vendor, known, count, memoryMiB, formFactor } = accelerator;
    const tuple = this.#tuple;
    tuple[0] = this.#text(this.words, name, offer);
    tuple[1] = vendor === null ? 0 : this.words.code(vendor) + 1;
    tuple[2] = known ? 1 : 0;
    tuple[3] = formFactor === null ? 0 : FORM_FACTORS.indexOf(formFactor) + 1;
    tuple[4] = this.#number(this.numbers, count, 'accelerator.count', offer);
    tuple[5] = this.#number(this.numbers, memoryMiB, 'accelerator.memoryMiB', offer);
    return this.accelerators.intern(tuple);
  }

  #location(offer: CatalogOffer): number {
    const { region, zone, country } = offer;
    const tuple = this.#tuple;
    tuple[0] = this.#text(this.words, region, offer);
    tuple[1] = zone === null ? 0 : this.#text(this.words, zone, offer) + 1;
    tuple[2] = country === null ? 0 : this.#text(this.words, country, offer) + 1;
    return this.locations.intern(tuple);
  }

  #origin(offer: CatalogOffer): number {
    const tuple = this.#tuple;
    tuple[0] = this.#text(this.words, offer.source, offer);
    tuple[1] = this.#number(this.numbers, offer.collectedAt, 'collectedAt', offer);
    return this.origins.intern(tuple);
  }

  #text(interner: Interner<string>, text: string, { id }: { readonly id: string }): number {
    const before = interner.size;
    const code = interner.code(text);
    if (interner.size > before) wellFormed(text, 'text', id);
    return code;
  }

  #number(interner: Interner<number>, value: number | null, field: string, { id }: { readonly id: string }): number {
    if (value === null) return interner.code(UNKNOWN);
    finite(value, field, id);
    return interner.code(value);
  }
}

/** A lone half of a surrogate pair has no UTF-8: it would come back as something else. */
function wellFormed(text: string, field: string, of: string): void {
  if (!text.isWellFormed()) throw unfit(of, `a ${field} that is no well-formed Unicode`);
}

function finite(value: number, field: string, of: string): void {
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) throw unfit(of, `${field} ${value}`);
}

function unfit(of: string, what: string): BerthError {
  return new BerthError('invalid-request', `The catalog cannot hold ${of}: it has ${what}.`);
}
