/** Reads gpuhunt's CSV, one file a cloud, into offers of the catalog. */

import type { ByteSource } from './byte-source.ts';
import { HIGHEST, parseRequired, readNumber } from './cell-values.ts';
import type { CsvRecord } from './csv.ts';
import { CellProblem, CsvColumn, cellText } from './csv-column.ts';
import { type CsvHeader, readCsvTable, requireColumns } from './csv-table.ts';
import { placeOfLocation } from './gpuhunt-columns.ts';
import { gpuhuntShapes } from './gpuhunt-shape.ts';
import { type ImportOptions, normalizeOptions, readOptions } from './import-options.ts';
import { ImportCount, type ImportReport } from './import-report.ts';
import { type OfferPlace, offerAt, offerPlace } from './offer-shape.ts';

const FORMAT = "gpuhunt's CSV";
/** Without any of the others a row still says something, and gpuhunt reads it. */
const REQUIRED = ['instance_name', 'location', 'price', 'cpu', 'memory', 'gpu_count', 'spot'];

/**
 * Bad rows are in the report; `onOffer` gets the others in the order of the file.
 * @throws CsvError when the file is not gpuhunt's CSV, or passes a limit; what came before it was handed on
 */
export async function readGpuhuntCsv(source: ByteSource, options: ImportOptions): Promise<ImportReport> {
  const count = new ImportCount();
  await readCsvTable(source, {
    format: FORMAT,
    count,
    onHeader: (header) => {
      requireColumns(header, FORMAT, REQUIRED);
      return rowReader(header, options, count);
    },
    ...readOptions(options),
  });
  return count.report();
}

function rowReader(header: CsvHeader, options: ImportOptions, count: ImportCount): (record: CsvRecord) => void {
  const { backend, onOffer } = options;
  const priceField = header.find('price');
  const locations = new CsvColumn<OfferPlace>(header.find('location'), (text) => readLocation(backend, text));
  const shapeOf = gpuhuntShapes(header, normalizeOptions(options));

  const reject = (record: CsvRecord, column: string | null, reason: string) => {
    const text = column === null ? null : cellText(record, header.find(column));
    count.reject(record.row, column, reason, text instanceof CellProblem ? null : text);
  };

  return (record) => {
    const shape = shapeOf(record);
    if (!shape.ok) return reject(record, shape.column, shape.reason);
    const location = locations.value(record);
    if (location instanceof CellProblem) return reject(record, 'location', location.reason);
    const price = readNumber(record, priceField, HIGHEST.price);
    if (price instanceof CellProblem) return reject(record, 'price', price.reason);
    if (price === 0) return reject(record, 'price', 'is 0');
    count.accept(shape.shape.unmapped);
    onOffer(offerAt(shape.shape, location, price));
  };
}

function readLocation(backend: string, text: string): OfferPlace | CellProblem {
  const location = parseRequired(text);
  if (location instanceof CellProblem) return location;
  const { region, zone } = placeOfLocation(backend, location);
  return offerPlace(backend, region, zone);
}
