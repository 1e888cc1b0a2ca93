/** CSV files of others as sources of this machine. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { CatalogOffer } from '@berth/catalog/catalog-offer';
import { readFileBytes } from '@berth/catalog/formats/byte-source';
import type { ImportReport } from '@berth/catalog/formats/import-report';
import { OFFER_READERS } from '@berth/catalog/formats/offer-files';
import { blockingReason, checkOffers, Market } from '@berth/catalog/integrity';
import type { IntegrityRule } from '@berth/catalog/integrity-rule';
import { isSourceName } from '@berth/catalog/publish-manifest';
import { encodeSnapshot } from '@berth/catalog/snapshot';
import type { CatalogFormat, CollectedReport, ImportToolOptions } from '@berth/core/catalog-tool';
import { BerthError } from '@berth/core/errors';
import { historyWith } from './history.ts';
import { allOffers } from './offers.ts';
import { checkReport } from './reports.ts';
import type { Workshop } from './workshop.ts';

interface ReadCsv {
  readonly source: string;
  readonly offers: readonly CatalogOffer[];
  readonly report: ImportReport;
  /** When the file was written, in ms since 1970: a CSV file does not say when its prices were true. */
  readonly collectedAt: number;
}

/**
 * Reads a file as a source. `format` null: as its header looks. `backend` null: named as the file.
 * @throws BerthError for a file that is not there or not of that form; what came before is as it was
 */
export async function readCsv(
  workshop: Workshop,
  file: string,
  format: CatalogFormat | null,
  backend: string | null,
): Promise<ReadCsv> {
  const path = workshop.at(file);
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new BerthError('not-found', `There is no file ${path}.`);
  const source =
    backend ??
    basename(path)
      .replace(/\.csv(?:\.gz)?$/i, '')
      .toLowerCase();
  if (!isSourceName(source)) {
    throw new BerthError('invalid-request', `A source cannot be called \`${source}\`.`, {
      hint: 'Name it with --as: lower-case letters, digits, - and _.',
    });
  }
  const offers: CatalogOffer[] = [];
  const collectedAt = Math.round(found.mtimeMs);
  const read = OFFER_READERS[format ?? (await formatOf(path))];
  const report = await read(readFileBytes(path), {
    backend: source,
    collectedAt,
    onOffer: (offer) => {
      offers.push(offer);
      if (offers.length % 100_000 === 0) workshop.options.progress(`${source}: ${offers.length} offers`);
    },
    signal: workshop.signal,
  });
  return { source, offers, report, collectedAt };
}

/** By the names of its columns. */
async function formatOf(path: string): Promise<CatalogFormat> {
  let head = '';
  for await (const chunk of readFileBytes(path)) {
    head += Buffer.from(chunk).toString('utf8');
    if (head.includes('\n') || head.length > 64 * 1024) break;
  }
  const [header = ''] = head.split(/\r?\n/, 1);
  if (/\binstance_name\b/.test(header) && /\bprovider_data\b|\bgpu_count\b/.test(header)) return 'gpuhunt';
  return /\bInstanceType\b/.test(header) && /\bAcceleratorName\b/.test(header) ? 'skypilot' : 'csv';
}

/** A file may be of any cloud, written in any spelling; the rules that hold for all stay. */
export const IMPORT_RULES: readonly IntegrityRule[] = [
  { rule: 'free-zone-names' },
  { rule: 'shares', because: 'a list that somebody else made may be of a cloud that sells them' },
];

/** Takes a file in, unless too much of it is wrong; then what was there stays. */
export async function importCsv(
  workshop: Workshop,
  file: string,
  options: ImportToolOptions,
): Promise<CollectedReport> {
  const began = workshop.now();
  const { source, offers, report, collectedAt } = await readCsv(workshop, file, options.format, options.backend);
  const catalog = await workshop.catalog();
  const market = Market.of(allOffers(catalog));
  // A file may be of any time and of any part of a cloud: that it has less than before says nothing.
  const checked = checkOffers(offers, IMPORT_RULES, { previous: null, market });
  const told = checkReport(source, checked, report.unmapped);
  const rejected = [...report.reasons].map(([reason, rows]) => ({ rule: 'row', message: reason, rows }));
  const blocked = blockingReason(checked);
  if (blocked === null && checked.good.length > 0) {
    const snapshot = encodeSnapshot(checked.good, { source, collectedAt });
    const history = await historyWith(workshop, source, checked.good, collectedAt);
    const stored = await workshop.store([
      { name: source, ok: true, snapshot, offers: checked.good.length, collectedAt, ...history },
    ]);
    const [failed] = stored.failed;
    if (failed !== undefined) throw new BerthError('unavailable', `${source} was not taken: ${failed.reason}.`);
  }
  return {
    ...told,
    quarantined: told.quarantined + report.rejected,
    complaints: [...told.complaints, ...rejected],
    skipped: [],
    ms: workshop.now() - began,
  };
}
