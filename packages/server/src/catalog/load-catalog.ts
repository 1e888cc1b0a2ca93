/** The catalog of this machine in memory: what was collected here, what was pulled, and the starter where neither knows. */
import { stat } from 'node:fs/promises';
import { type CachedSource, type CacheProblem, loadCached } from '@berth/catalog';
import { Catalog, type OnlineSource } from '@berth/catalog/catalog';
import { decodeSnapshotInSlices } from '@berth/catalog/snapshot';
import { STARTER_SOURCE } from '@berth/catalog/starter/starter';
import { type CatalogPlaces, pulledPlaces } from './places.ts';
import { starterSnapshot } from './starter.ts';

/** Prices are published by the hour; what is a day old is worth a word. */
const STALE_AFTER_MS = 24 * 60 * 60_000;

export interface Loaded {
  readonly catalog: Catalog;
  /** What could not be read, and is put aside. */
  readonly problems: readonly CacheProblem[];
}

export interface LoadOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly online?: readonly OnlineSource[];
  readonly signal?: AbortSignal;
}

export async function loadCatalog(places: CatalogPlaces, options: LoadOptions): Promise<Loaded> {
  const { now, online = [] } = options;
  const catalog = new Catalog({ now, online });
  catalog.replace(STARTER_SOURCE, starterSnapshot(), { kind: 'starter', version: null, staleAfterMs: STALE_AFTER_MS });
  const problems = await reload(catalog, places, options.signal);
  return { catalog, problems };
}

/** Brings what lies on the disk into a catalog that goes on answering; only what has changed is read again. */
export async function reload(
  catalog: Catalog,
  places: CatalogPlaces,
  signal?: AbortSignal,
): Promise<readonly CacheProblem[]> {
  const problems: CacheProblem[] = [];
  const newest = new Map<string, CachedSource>();
  let isWhole = true;
  for (const { dir, trust } of [
    { dir: places.collected, trust: 'unsigned' as const },
    ...(await pulledPlaces(places)),
  ]) {
    if ((await stat(dir).catch(() => null)) === null) continue;
    const cached = await loadCached(dir, trust).catch((error: unknown) => {
      problems.push({ source: null, reason: `${dir} cannot be read: ${reasonOf(error)}` });
      return null;
    });
    if (cached === null) {
      isWhole = false;
      continue;
    }
    problems.push(...cached.problems);
    for (const source of cached.sources) {
      const other = newest.get(source.name);
      // What was collected here is as good as what others collected, and the newer one is better.
      if (other === undefined || other.published.collectedAt < source.published.collectedAt) {
        newest.set(source.name, source);
      }
    }
  }
  const known = new Map(catalog.statuses().map((status) => [status.source, status]));
  for (const [name, source] of newest) {
    const status = known.get(name);
    if (status?.kind === 'online') continue;
    try {
      const { version } = source.published;
      const inMemory = status?.version === version ? catalog.snapshot(name) : null;
      const snapshot = inMemory ?? (await decodeSnapshotInSlices(source.snapshot, signal));
      // Where a newer one was tried in vain, this one is older than it should be, however young it is.
      const staleAfterMs = source.failure === null ? STALE_AFTER_MS : 0;
      catalog.replace(name, snapshot, { kind: 'offline', version, staleAfterMs });
      if (source.failure !== null) catalog.failed(name, source.failure.reason);
    } catch (error) {
      signal?.throwIfAborted();
      problems.push({ source: name, reason: reasonOf(error) });
    }
  }
  // What a folder holds that cannot be read now is not gone.
  if (!isWhole) return problems;
  for (const { source, kind } of known.values()) {
    if (kind === 'offline' && !newest.has(source)) catalog.remove(source);
  }
  return problems;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
