/**
 * Reads any price table whose header names its columns (`price-table-columns.ts`), untidy cells and all:
 * `--format csv`. The list of AWS's GPU instances that the community keeps has this form.
 */

import { type Accelerator, knownMemory } from '@berth/core/accelerator';
import { resolveAccelerator } from '@berth/core/accelerators';
import type { CapacityType, CpuArch } from '@berth/core/offer';
import type { CollectedAccelerator } from '../collected-offer.ts';
import type { NormalizeOptions } from '../normalize.ts';
import { isUnknown, type Network, parseDiskMib, parseMemoryGib, parseNetwork, priceText } from './amounts.ts';
import type { ByteSource } from './byte-source.ts';
import { HIGHEST, parseNumber, parseOptional, parseRequired } from './cell-values.ts';
import type { CsvRecord } from './csv.ts';
import { CellProblem, CsvColumn, cellText } from './csv-column.ts';
import { CsvError } from './csv-error.ts';
import { type CsvHeader, readCsvTable } from './csv-table.ts';
import { type ImportOptions, normalizeOptions, readOptions } from './import-options.ts';
import { ImportCount, type ImportReport } from './import-report.ts';
import { type OfferShape, offerAt, offerPlace, offerShape } from './offer-shape.ts';
import { findPriceTableColumns, PRICE_TABLE_COLUMNS, type PriceTableColumn } from './price-table-columns.ts';
import { type Cells, readCells, rowShapes } from './row-shapes.ts';

const FORMAT = 'a price table';
const REQUIRED: readonly PriceTableColumn[] = ['instanceType', 'region', 'price', 'cpus', 'memory'];

/**
 * A row makes an offer on demand, and one on spot where the table has such a price. Bad rows are in the report.
 * @throws CsvError when the header lacks a column that an offer needs, or the file passes a limit
 */
export async function readPriceTable(source: ByteSource, options: ImportOptions): Promise<ImportReport> {
  const count = new ImportCount();
  await readCsvTable(source, {
    format: FORMAT,
    count,
    onHeader: (header) => rowReader(header, options, count),
    ...readOptions(options),
  });
  return count.report();
}

function rowReader(header: CsvHeader, options: ImportOptions, count: ImportCount): (record: CsvRecord) => void {
  const found = requireColumns(header);
  const columns = rowColumns(found);
  const normalization = normalizeOptions(options);
  const shapesOf = rowShapes(shapeColumns(found), (read) =>
    'reason' in read ? read : makeShapes(read.cells, normalization),
  );

  const reject = (record: CsvRecord, { column, reason }: Refusal) => {
    if (column === null) return count.reject(record.row, null, reason);
    const field = found.get(column) ?? -1;
    const text = cellText(record, field);
    count.reject(record.row, header.names[field] ?? column, reason, text instanceof CellProblem ? null : text);
  };

  return (record) => {
    const shapes = shapesOf(record);
    if ('reason' in shapes) return reject(record, shapes);
    const read = readCells(columns, record);
    if ('reason' in read) return reject(record, read);
    const { region, zone, price, spotPrice } = read.cells;
    if (price === null && spotPrice === null) return reject(record, { column: 'price', reason: 'is empty' });
    const place = offerPlace(options.backend, region, zone === '' ? null : zone);
    if (price !== null) {
      count.accept(shapes.onDemand.unmapped);
      options.onOffer(offerAt(shapes.onDemand, place, price));
    }
    if (spotPrice !== null) {
      count.accept(shapes.spot.unmapped);
      options.onOffer(offerAt(shapes.spot, place, spotPrice));
    }
  };
}

/** `column` null: the row as a whole. */
interface Refusal {
  readonly column: PriceTableColumn | null;
  readonly reason: string;
}

interface Shapes {
  readonly onDemand: OfferShape;
  readonly spot: OfferShape;
}

function makeShapes(cells: ShapeCells, options: NormalizeOptions): Shapes | Refusal {
  const accelerator = acceleratorOf(cells);
  if (accelerator instanceof CellProblem) return { column: 'count', reason: accelerator.reason };
  const make = (capacityType: CapacityType) =>
    offerShape(
      {
        instanceType: cells.instanceType,
        capacityType,
        country: cells.country === '' ? null : cells.country,
        cpus: cells.cpus,
        memoryMiB: cells.memory * 1024,
        accelerator,
        diskMiB: cells.disk,
        interconnect: cells.network.interconnect,
        networkGbps: cells.network.gbps,
        ...(cells.arch === null ? {} : { cpuArch: cells.arch }),
      },
      options,
    );
  const onDemand = make('on-demand');
  const spot = make('spot');
  if (typeof onDemand === 'string') return { column: null, reason: onDemand };
  return typeof spot === 'string' ? { column: null, reason: spot } : { onDemand, spot };
}

function requireColumns(header: CsvHeader): ReadonlyMap<PriceTableColumn, number> {
  const found = findPriceTableColumns(header.names);
  const missing = REQUIRED.filter((column) => !found.has(column));
  if (missing.length === 0) return found;
  const wanted = missing.map((column) => PRICE_TABLE_COLUMNS[column][0]);
  throw new CsvError(
    'invalid-request',
    `this is not ${FORMAT}: it has no column ${wanted.join(', ')}`,
    { row: 1, column: 1 },
    {
      hint: `name the columns in the first row: ${REQUIRED.map((column) => PRICE_TABLE_COLUMNS[column][0]).join(', ')}`,
    },
  );
}

function rowColumns(found: ReadonlyMap<PriceTableColumn, number>) {
  return {
    region: new CsvColumn(found.get('region') ?? -1, parseRequired),
    zone: new CsvColumn(found.get('zone') ?? -1, (text) => (isUnknown(text) ? '' : text.trim())),
    price: new CsvColumn(found.get('price') ?? -1, parsePrice),
    spotPrice: new CsvColumn(found.get('spotPrice') ?? -1, parsePrice),
  };
}

function shapeColumns(found: ReadonlyMap<PriceTableColumn, number>) {
  const at = <T>(column: PriceTableColumn, parse: (text: string) => T | CellProblem) =>
    new CsvColumn(found.get(column) ?? -1, parse);
  return {
    instanceType: at('instanceType', parseRequired),
    country: at('country', (text) => text.trim()),
    cpus: at('cpus', (text) => parseNumber(text, HIGHEST.cpus)),
    memory: at('memory', parseMemory),
    arch: at('arch', parseArch),
    accelerator: at('accelerator', (text) => (isUnknown(text) ? '' : text.trim())),
    count: at('count', (text) => (isUnknown(text) ? null : parseOptional(text, HIGHEST.accelerators))),
    acceleratorMemory: at('acceleratorMemory', (text) => bounded(parseMemoryGib(text), HIGHEST.memoryGib)),
    disk: at('disk', (text) => bounded(parseDiskMib(text), HIGHEST.diskGb * 1024)),
    network: at('network', (text): Network => parseNetwork(text)),
  };
}

type ShapeCells = Cells<ReturnType<typeof shapeColumns>>;

function acceleratorOf(cells: ShapeCells): CollectedAccelerator | null | CellProblem {
  const { accelerator: label, count, acceleratorMemory: gib } = cells;
  if (label === '') {
    return count === null || count === 0 ? null : new CellProblem('is not 0, yet no accelerator is named');
  }
  // A table of GPU machines without counts is one of single GPUs for nobody; better refused than guessed.
  if (count === null) return new CellProblem('is empty, yet an accelerator is named');
  if (count === 0) return new CellProblem('is 0, yet an accelerator is named');
  const registered = resolveAccelerator(label);
  return { label, count, memoryMiB: gib === null ? null : deviceMemory(registered, gib * 1024, count) };
}

/**
 * Tables write the memory of one device into some rows and that of all into others (`8 GB` for 4 × M60,
 * `320 GB` for 8 × A100). It is what the device is made with. Null: neither reading is a size of it.
 */
function deviceMemory(registered: Accelerator | null, said: number, count: number): number | null {
  if (count === 1) return said;
  if (registered === null) return null;
  const candidates = count > 1 ? [said, said / count] : [said];
  return candidates.find((size) => knownMemory(registered, size) !== null) ?? null;
}

function parsePrice(text: string): number | null | CellProblem {
  if (isUnknown(text)) return null;
  const price = parseNumber(priceText(text), HIGHEST.price);
  return price === 0 ? new CellProblem('is 0') : price;
}

function parseMemory(text: string): number | CellProblem {
  const gib = bounded(parseMemoryGib(text), HIGHEST.memoryGib);
  return gib === null ? new CellProblem('is not known') : gib;
}

function bounded(value: number | null | CellProblem, highest: number): number | null | CellProblem {
  return typeof value === 'number' && value > highest ? new CellProblem('is larger than any real one') : value;
}

function parseArch(text: string): CpuArch | null | CellProblem {
  const folded = text.trim().toLowerCase();
  if (isUnknown(folded)) return null;
  if (/^(?:x86|x86_64|x64|amd64|i386)$/.test(folded)) return 'x86';
  return /^(?:arm|arm64|aarch64)$/.test(folded) ? 'arm' : new CellProblem('is neither x86 nor arm');
}
