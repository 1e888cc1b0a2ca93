import type { CatalogOffer } from '@berth/catalog/catalog-offer';
import { GPUHUNT_HEADER, gpuhuntRow, whyNotGpuhunt } from '@berth/catalog/formats/gpuhunt-writer';
import { writeWhole } from '@berth/catalog/publish-file';
import type { CatalogFormat, ExportToolOptions } from '@berth/core/catalog-tool';
import { parseQuery, queryOf } from '../answers.ts';
import type { Workshop } from './workshop.ts';

/** Objects that are made at once. */
const PAGE = 10_000;

interface Writer {
  readonly header: string;
  readonly row: (offer: CatalogOffer) => string;
  /** Null: it fits. */
  readonly whyNot: (offer: CatalogOffer) => string | null;
}

const GPUHUNT: Writer = { header: GPUHUNT_HEADER, row: gpuhuntRow, whyNot: whyNotGpuhunt };
const WRITERS: Readonly<Record<CatalogFormat, Writer>> = { gpuhunt: GPUHUNT, skypilot: GPUHUNT, csv: GPUHUNT };

/** The file appears whole. Resolves with the rows in it; what the form cannot hold is told and left out. */
export async function exportCsv(workshop: Workshop, file: string, options: ExportToolOptions): Promise<number> {
  const catalog = await workshop.catalog();
  const writer = WRITERS[options.format];
  const query = queryOf(catalog, parseQuery(options.query));
  const rows: string[] = [writer.header];
  const leftOut = new Map<string, number>();
  let after: string | null | undefined;
  while (after !== null) {
    workshop.signal.throwIfAborted();
    const page = catalog.query({ ...query, limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const offer of page.offers) {
      const why = writer.whyNot(offer);
      if (why === null) rows.push(writer.row(offer));
      else leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
    }
    workshop.options.progress(`${rows.length - 1} of ${page.total} offers`);
    after = page.next;
  }
  await writeWhole(workshop.at(file), rows.join(''));
  for (const [why, times] of leftOut) workshop.options.warn(`${times} offers were left out: ${why}`);
  return rows.length - 1;
}
