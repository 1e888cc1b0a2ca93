import { stat } from 'node:fs/promises';
import { checkOffers, Market } from '@berth/catalog/integrity';
import { loadCached } from '@berth/catalog/pull-load';
import { decodeSnapshotInSlices, type Snapshot } from '@berth/catalog/snapshot';
import type { CheckReport } from '@berth/core/catalog-tool';
import { BerthError } from '@berth/core/errors';
import { pulledPlaces } from '../places.ts';
import { IMPORT_RULES, readCsv } from './import.ts';
import { allOffers } from './offers.ts';
import { checkReport } from './reports.ts';
import type { Workshop } from './workshop.ts';

/**
 * Collected sources against their rules, the market and what was pulled of them; files against the rules that
 * hold for all.
 * @throws BerthError `not-found` for what is neither
 */
export async function checkSources(workshop: Workshop, names: readonly string[]): Promise<readonly CheckReport[]> {
  const { manifest, sources } = await loadCached(workshop.places.collected, 'unsigned');
  const chosen = names.length > 0 ? names : (manifest?.sources ?? []).map(({ name }) => name);
  const market = Market.of(allOffers(await workshop.catalog()));
  const definitions = await workshop.definitions();
  const reports: CheckReport[] = [];
  for (const name of chosen) {
    workshop.signal.throwIfAborted();
    workshop.options.progress(`checking ${name}`);
    const entry = manifest?.sources.find((source) => source.name === name);
    if (entry === undefined) {
      reports.push(await checkFile(workshop, name, market));
      continue;
    }
    if (entry.failure !== null) {
      const complaints = [{ rule: 'collect', message: entry.failure.reason, rows: null }];
      const offers = entry.current?.offers ?? 0;
      reports.push({ source: name, ok: false, offers, quarantined: 0, complaints, unmapped: [] });
      continue;
    }
    const found = sources.find((source) => source.name === name);
    if (found === undefined) throw new BerthError('not-found', `The files of ${name} on this machine are damaged.`);
    const snapshot = await decodeSnapshotInSlices(found.snapshot, workshop.signal);
    const catalog = definitions.find(({ type }) => type === name)?.catalog;
    const rules = catalog === undefined || catalog.kind === 'owned' ? IMPORT_RULES : catalog.rules;
    const previous = await pulledSnapshot(workshop, name);
    reports.push(checkReport(name, checkOffers(snapshot, rules, { previous, market }), unknownLabels(snapshot)));
  }
  return reports;
}

async function checkFile(workshop: Workshop, file: string, market: Market): Promise<CheckReport> {
  const found = await stat(workshop.at(file)).catch(() => null);
  if (!found?.isFile()) {
    throw new BerthError('not-found', `\`${file}\` is neither a source that was collected nor a file.`, {
      hint: '`berth catalog collect --list` shows what can be collected.',
    });
  }
  const { source, offers, report } = await readCsv(workshop, file, null, null);
  const checked = checkOffers(offers, IMPORT_RULES, { previous: null, market });
  const told = checkReport(source, checked, report.unmapped);
  const rejected = [...report.reasons].map(([reason, rows]) => ({ rule: 'row', message: reason, rows }));
  const quarantined = told.quarantined + report.rejected;
  return { ...told, ok: told.ok && rejected.length === 0, quarantined, complaints: [...told.complaints, ...rejected] };
}

/** The version that others published, newest first. */
async function pulledSnapshot(workshop: Workshop, name: string): Promise<Snapshot | null> {
  const places = await pulledPlaces(workshop.places);
  const all = (await Promise.all(places.map(({ dir, trust }) => loadCached(dir, trust)))).flatMap(
    ({ sources }) => sources,
  );
  const newest = all
    .filter((source) => source.name === name)
    .sort((a, b) => b.published.collectedAt - a.published.collectedAt)[0];
  return newest === undefined ? null : await decodeSnapshotInSlices(newest.snapshot, workshop.signal);
}

function unknownLabels(snapshot: Snapshot): Map<string, number> {
  const labels = new Map<string, number>();
  for (const { accelerator } of snapshot) {
    if (accelerator?.known === false) labels.set(accelerator.name, (labels.get(accelerator.name) ?? 0) + 1);
  }
  return labels;
}
