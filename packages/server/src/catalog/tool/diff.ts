/** Two catalogs, offer by offer. */
import { stat } from 'node:fs/promises';
import { loadCached } from '@berth/catalog/pull-load';
import { decodeSnapshotInSlices } from '@berth/catalog/snapshot';
import type { DiffReport } from '@berth/core/catalog-tool';
import { BerthError } from '@berth/core/errors';
import { pulledPlaces } from '../places.ts';
import { starterSnapshot } from '../starter.ts';
import { readCsv } from './import.ts';
import type { Workshop } from './workshop.ts';

/** Source → offer's id → price. */
type Side = ReadonlyMap<string, ReadonlyMap<string, number>>;

const SHOWN = 100;
const NONE: ReadonlyMap<string, number> = new Map();

export async function diffCatalogs(workshop: Workshop, before: string, after: string): Promise<DiffReport> {
  const [a, b] = [await sideOf(workshop, before), await sideOf(workshop, after)];
  return compareSides(a, b);
}

function compareSides(a: Side, b: Side): DiffReport {
  const names = [...new Set([...a.keys(), ...b.keys()])].sort();
  const changes: { id: string; before: number | null; after: number | null }[] = [];
  const sources = names.map((source) => {
    const [old, now] = [a.get(source) ?? NONE, b.get(source) ?? NONE];
    const counts = { added: 0, removed: 0, dearer: 0, cheaper: 0 };
    for (const [id, price] of now) {
      const was = old.get(id);
      if (was === price) continue;
      if (was === undefined) counts.added++;
      else if (price > was) counts.dearer++;
      else counts.cheaper++;
      changes.push({ id, before: was ?? null, after: price });
    }
    for (const [id, price] of old) {
      if (now.has(id)) continue;
      counts.removed++;
      changes.push({ id, before: price, after: null });
    }
    return { source, before: old.size, after: now.size, ...counts };
  });
  changes.sort((x, y) => weight(y) - weight(x) || (x.id < y.id ? -1 : 1));
  return { sources, changes: changes.slice(0, SHOWN) };
}

/** How much a price changed, as a factor; what came or went is the least of news. */
function weight({ before, after }: { readonly before: number | null; readonly after: number | null }): number {
  return before === null || after === null ? 0 : Math.abs(Math.log(after / before));
}

/** @throws BerthError `not-found` */
async function sideOf(workshop: Workshop, what: string): Promise<Side> {
  if (what === 'starter') return new Map([['starter', pricesOf(starterSnapshot())]]);
  if (what === 'collected') return await sideOfFolder(workshop.places.collected, workshop.signal);
  if (what === 'pulled') {
    const sides = await Promise.all(
      (await pulledPlaces(workshop.places)).map(({ dir }) => sideOfFolder(dir, workshop.signal)),
    );
    return new Map(sides.flatMap((side) => [...side]));
  }
  const path = workshop.at(what);
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) return await sideOfFolder(path, workshop.signal);
  if (found?.isFile()) {
    const { source, offers } = await readCsv(workshop, what, null, null);
    return new Map([[source, pricesOf(offers)]]);
  }
  throw new BerthError('not-found', `There is no catalog at ${path}.`, {
    hint: 'Write `pulled`, `collected`, `starter`, a published folder or a CSV file.',
  });
}

/** Only to be looked at, so whoever published it need not be trusted. */
async function sideOfFolder(dir: string, signal: AbortSignal): Promise<Side> {
  const { sources } = await loadCached(dir, 'unsigned');
  const side = new Map<string, ReadonlyMap<string, number>>();
  for (const { name, snapshot } of sources) side.set(name, pricesOf(await decodeSnapshotInSlices(snapshot, signal)));
  return side;
}

function pricesOf(offers: Iterable<{ readonly id: string; readonly pricePerHour: number }>): Map<string, number> {
  const prices = new Map<string, number>();
  for (const { id, pricePerHour } of offers) prices.set(id, Math.min(pricePerHour, prices.get(id) ?? Infinity));
  return prices;
}
