import { realpath, stat, writeFile } from 'node:fs/promises';
import { offerWriter } from '@berth/catalog/formats/offer-files';
import { ifMissing, writeWhole } from '@berth/catalog/publish-file';
import type { ExportToolOptions } from '@berth/core/catalog-tool';
import { BerthError } from '@berth/core/errors';
import { parseQuery, queryOf } from '../answers.ts';
import type { Workshop } from './workshop.ts';

/** Objects that are made at once. */
const PAGE = 10_000;

/** The file appears whole. Resolves with the rows in it; what the form cannot hold is told and left out. */
export async function exportCsv(workshop: Workshop, file: string, options: ExportToolOptions): Promise<number> {
  const catalog = await workshop.catalog();
  const writer = offerWriter(options.format);
  const query = queryOf(catalog, parseQuery(options.query));
  let written = 0;
  const leftOut = new Map<string, number>();
  let after: string | null | undefined;
  while (after !== null) {
    workshop.signal.throwIfAborted();
    const page = catalog.query({ ...query, limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const offer of page.offers) {
      const why = writer.add(offer);
      if (why === null) written++;
      else leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
    }
    workshop.options.progress(`${written} of ${page.total} offers`);
    after = page.next;
  }
  await writeTo(workshop.at(file), writer.text());
  for (const [why, times] of leftOut) workshop.options.warn(`${times} offers were left out: ${why}`);
  return written;
}

/** A pipe or a device is written to, never replaced; a link stays one. */
async function writeTo(path: string, text: string): Promise<void> {
  const found = await stat(path).catch(ifMissing(null));
  if (found?.isDirectory()) throw new BerthError('invalid-request', `${path} is a folder; name a file in it.`);
  if (found !== null && !found.isFile()) await writeFile(path, text);
  else await writeWhole(found === null ? path : await realpath(path), text);
}
