/** What was pulled before, checked again: for a start without network. */

import type { CatalogManifest } from './publish-manifest.ts';
import { type CachedSource, type CacheProblem, PullCache } from './pull-cache.ts';
import type { Trust } from './signature.ts';

export interface CachedCatalog {
  /** The newest that was seen; null: nothing was ever pulled, or it is damaged. */
  readonly manifest: CatalogManifest | null;
  readonly sources: readonly CachedSource[];
  /** What is damaged is renamed to `….damaged`, and told here. */
  readonly problems: readonly CacheProblem[];
}

/**
 * Sources whose newest files are missing or damaged answer with the version before, where that is still
 * whole. @throws errors of the file system but "no such file"
 */
export async function loadCached(dir: string, trust: Trust): Promise<CachedCatalog> {
  const cache = new PullCache(dir, trust);
  const problems: CacheProblem[] = [];
  const manifest = (await cache.manifest(problems))?.manifest ?? null;
  const names = manifest === null ? await cache.takenSources() : manifest.sources.map(({ name }) => name);
  const sources: CachedSource[] = [];
  for (const name of names) {
    const source = await cache.load(manifest, name, problems);
    if (source !== null) sources.push(source);
  }
  return { manifest, sources, problems };
}

/** The price history of one source; null: none was pulled. Problems are left to `loadCached` to tell. */
export async function loadCachedHistory(dir: string, trust: Trust, source: string): Promise<Uint8Array | null> {
  const cache = new PullCache(dir, trust);
  const latest = await cache.manifest([]);
  return cache.history(latest?.manifest ?? null, source, []);
}
