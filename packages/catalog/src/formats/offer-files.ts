/** The CSV forms that offers come in and go out as, by the names that the commands give them. */

import type { CatalogOffer } from '../catalog-offer.ts';
import type { ByteSource } from './byte-source.ts';
import { readGpuhuntCsv } from './gpuhunt.ts';
import { GPUHUNT_HEADER, gpuhuntRow, whyNotGpuhunt } from './gpuhunt-writer.ts';
import type { ImportOptions } from './import-options.ts';
import type { ImportReport } from './import-report.ts';
import { readPriceTable } from './price-table.ts';
import { PRICE_TABLE_HEADER, priceTableRow, whyNotPriceTable } from './price-table-writer.ts';
import { readSkypilotVms } from './skypilot.ts';
import { SkypilotVms } from './skypilot-writer.ts';

export const OFFER_FILE_FORMATS = ['gpuhunt', 'skypilot', 'csv'] as const;
export type OfferFileFormat = (typeof OFFER_FILE_FORMATS)[number];

export type OfferReader = (source: ByteSource, options: ImportOptions) => Promise<ImportReport>;

/** `csv`: any table whose header names its columns. */
export const OFFER_READERS: Readonly<Record<OfferFileFormat, OfferReader>> = {
  gpuhunt: readGpuhuntCsv,
  skypilot: readSkypilotVms,
  csv: readPriceTable,
};

/** A file in the making. */
export interface OfferWriter {
  /** Null, or why the format cannot hold this offer, which is then left out. */
  add(offer: CatalogOffer): string | null;
  /** The whole file. */
  text(): string;
}

/** SkyPilot's is its newest schema, v9. */
export function offerWriter(format: OfferFileFormat): OfferWriter {
  if (format === 'skypilot') return new SkypilotVms('v9');
  return format === 'gpuhunt'
    ? rowWriter(GPUHUNT_HEADER, gpuhuntRow, whyNotGpuhunt)
    : rowWriter(PRICE_TABLE_HEADER, priceTableRow, whyNotPriceTable);
}

function rowWriter(
  header: string,
  row: (offer: CatalogOffer) => string,
  whyNot: (offer: CatalogOffer) => string | null,
): OfferWriter {
  const rows = [header];
  return {
    add(offer) {
      const reason = whyNot(offer);
      if (reason === null) rows.push(row(offer));
      return reason;
    },
    text: () => rows.join(''),
  };
}
