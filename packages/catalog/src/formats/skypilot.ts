/** Reads SkyPilot's `vms.csv` of one cloud, schemas v5 to v9, into offers of the catalog. */

import type { CapacityType } from '@berth/core/offer';
import type { NormalizeOptions } from '../normalize.ts';
import type { ByteSource } from './byte-source.ts';
import type { CsvRecord } from './csv.ts';
import { CellProblem, cellText } from './csv-column.ts';
import { type CsvHeader, readCsvTable, requireColumns } from './csv-table.ts';
import { type ImportOptions, normalizeOptions, readOptions } from './import-options.ts';
import { ImportCount, type ImportReport } from './import-report.ts';
import { type OfferPlace, type OfferShape, offerAt, offerPlace, offerShape } from './offer-shape.ts';
import { gcpHostArch, joinGcp, type SkypilotEntry } from './skypilot-gcp.ts';
import { skypilotAccelerator } from './skypilot-gpu-info.ts';
import { placeColumns, readPrice, type SkypilotShape, skypilotShapes } from './skypilot-row.ts';

const FORMAT = "SkyPilot's vms.csv";
const REQUIRED = ['InstanceType', 'vCPUs', 'MemoryGiB', 'Region', 'Price'];

/** Clouds whose hosts and accelerators are priced apart; their files are held until both are known. */
const SPLIT_PRICES = new Set(['gcp']);

const MIB_PER_GB = 1e9 / (1024 * 1024);

/**
 * A row makes up to two offers, on demand and spot. Bad rows and prices are in the report.
 * @throws CsvError when the file is not SkyPilot's, or passes a limit
 */
export async function readSkypilotVms(source: ByteSource, options: ImportOptions): Promise<ImportReport> {
  const count = new ImportCount();
  const emitter = new EntryEmitter(options, count);
  const held: SkypilotEntry[] | null = SPLIT_PRICES.has(options.backend) ? [] : null;
  await readCsvTable(source, {
    format: FORMAT,
    count,
    onHeader: (header) => {
      requireColumns(header, FORMAT, REQUIRED);
      return rowReader(header, count, (entry) => {
        if (held !== null) held.push(entry);
        else if (entry.shape.instanceType === '') count.reject(entry.row, 'InstanceType', 'is empty', '');
        else emitter.emit(entry);
      });
    },
    ...readOptions(options),
  });
  if (held !== null) joinGcp(held, count, (entry) => emitter.emit(entry));
  return count.report();
}

function rowReader(
  header: CsvHeader,
  count: ImportCount,
  onEntry: (entry: SkypilotEntry) => void,
): (record: CsvRecord) => void {
  const shapeOf = skypilotShapes(header);
  const place = placeColumns(header);
  const prices = { Price: header.find('Price'), SpotPrice: header.find('SpotPrice') };

  const reject = (record: CsvRecord, column: string, reason: string) => {
    const text = cellText(record, header.find(column));
    count.reject(record.row, column, reason, text instanceof CellProblem ? null : text);
  };
  const priceOf = (record: CsvRecord, column: 'Price' | 'SpotPrice') => {
    const price = readPrice(record, prices[column]);
    if (!(price instanceof CellProblem)) return price;
    reject(record, column, price.reason);
    return 'bad' as const;
  };

  return (record) => {
    const shape = shapeOf(record);
    if ('reason' in shape) return reject(record, shape.column, shape.reason);
    const region = place.region.value(record);
    if (region instanceof CellProblem) return reject(record, 'Region', region.reason);
    const zone = place.zone.value(record);
    if (zone instanceof CellProblem) return reject(record, 'AvailabilityZone', zone.reason);
    const price = priceOf(record, 'Price');
    const spotPrice = priceOf(record, 'SpotPrice');
    if (price === null && spotPrice === null) return reject(record, 'Price', 'is empty, and so is SpotPrice');
    onEntry({
      row: record.row,
      shape,
      region,
      zone,
      price: price === 'bad' ? null : price,
      spotPrice: spotPrice === 'bad' ? null : spotPrice,
    });
  };
}

type EntryShapes = { readonly onDemand: OfferShape; readonly spot: OfferShape };

class EntryEmitter {
  readonly #options: ImportOptions;
  readonly #normalize: NormalizeOptions;
  readonly #count: ImportCount;
  /** By the row's shape, which is one object for all rows that have it. A text: why it is no offer. */
  readonly #shapes = new WeakMap<SkypilotShape, EntryShapes | string>();

  constructor(options: ImportOptions, count: ImportCount) {
    this.#options = options;
    this.#normalize = normalizeOptions(options);
    this.#count = count;
  }

  emit(entry: SkypilotEntry): void {
    const shapes = this.#shapesOf(entry.shape);
    if (typeof shapes === 'string') {
      this.#count.reject(entry.row, null, shapes, entry.shape.instanceType);
      return;
    }
    const place = offerPlace(this.#options.backend, entry.region, entry.zone === '' ? null : entry.zone);
    if (entry.price !== null) this.#offer(shapes.onDemand, place, entry.price);
    if (entry.spotPrice !== null) this.#offer(shapes.spot, place, entry.spotPrice);
  }

  #offer(shape: OfferShape, place: OfferPlace, price: number): void {
    this.#count.accept(shape.unmapped);
    this.#options.onOffer(offerAt(shape, place, price));
  }

  #shapesOf(shape: SkypilotShape): EntryShapes | string {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const onDemand = this.#make(shape, 'on-demand');
    const spot = this.#make(shape, 'spot');
    const made = typeof onDemand === 'string' ? onDemand : typeof spot === 'string' ? spot : { onDemand, spot };
    this.#shapes.set(shape, made);
    return made;
  }

  #make(shape: SkypilotShape, capacityType: CapacityType): OfferShape | string {
    if (shape.cpus === null) return 'vCPUs is empty';
    if (shape.memoryGib === null) return 'MemoryGiB is empty';
    const { accelerator, count, gpuInfo } = shape;
    const split = SPLIT_PRICES.has(this.#options.backend);
    const arch = shape.arch ?? (split ? gcpHostArch(shape.instanceType) : null);
    return offerShape(
      {
        instanceType: shape.instanceType,
        capacityType,
        cpus: shape.cpus,
        memoryMiB: shape.memoryGib * 1024,
        accelerator: accelerator === '' ? null : skypilotAccelerator(accelerator, count ?? 1, gpuInfo),
        diskMiB: shape.diskGb === null ? null : Math.round(shape.diskGb * MIB_PER_GB),
        ...(arch === null ? {} : { cpuArch: arch }),
      },
      this.#normalize,
    );
  }
}
