/**
 * Fetches what has changed of a published catalog into a cache on this machine. What fails keeps the old:
 * a source that cannot be had whole stays at its version, and the next pull goes on where this one ended.
 * Two at once do no harm: files are named by their content and appear whole.
 */

import {
  type CatalogManifest,
  MAX_OBJECT_BYTES,
  type ManifestSource,
  type ObjectKind,
  type ObjectRef,
  objectPath,
  readManifest,
  sha256Of,
} from './publish-manifest.ts';
import { type CachedSource, type CacheProblem, PullCache } from './pull-cache.ts';
import { type Place, type PlaceOptions, placeOf, reasonOf } from './pull-place.ts';

export interface PullOptions extends PlaceOptions {
  /** The cache; made when it is not there. */
  readonly dir: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * SHA-256 of the snapshot that the caller holds of each source: `changed` and `removed` are told against
   * it. Absent: against what was in the cache.
   */
  readonly held?: ReadonlyMap<string, string>;
  /** Of one object; 512 MiB when absent. */
  readonly maxObjectBytes?: number;
}

export interface PullResult {
  /** `failed`: the manifest could not be had. A source may fail by itself: `problems`. */
  readonly state: 'updated' | 'unchanged' | 'failed';
  /** The newest that was seen: how old each source is, and why; null: there is none yet. */
  readonly manifest: CatalogManifest | null;
  /** Sources with another version than the caller holds, for swapping in. */
  readonly changed: readonly CachedSource[];
  /** No longer published: to be taken out. */
  readonly removed: readonly string[];
  readonly problems: readonly CacheProblem[];
}

interface Known {
  readonly text: string;
  readonly manifest: CatalogManifest;
}

/**
 * @throws BerthError `invalid-request` for a base that is never asked (http to another machine, unsigned from
 * the network); the signal's reason when it aborts. Nothing else: problems are in the result.
 */
export async function pull(options: PullOptions): Promise<PullResult> {
  const place = placeOf(options);
  const cache = new PullCache(options.dir, options.trust);
  const problems: CacheProblem[] = [];
  let state: PullResult['state'] = 'failed';
  let held = options.held;
  let manifest: CatalogManifest | null = null;
  try {
    const known = await cache.manifest(problems);
    manifest = known?.manifest ?? null;
    held ??= await cache.held(manifest);
    manifest = await refresh(options, place, cache, known, problems);
    state = 'unchanged';
  } catch (error) {
    options.signal.throwIfAborted();
    problems.push({ source: null, reason: reasonOf(error) });
  }
  try {
    const { changed, removed } = await cache.changes(manifest, held ?? new Map(), problems);
    if (state !== 'failed' && changed.length + removed.length > 0) state = 'updated';
    return { state, manifest, changed, removed, problems };
  } catch (error) {
    problems.push({ source: null, reason: reasonOf(error) });
    return { state: 'failed', manifest, changed: [], removed: [], problems };
  }
}

/** Brings the cache up to date. @throws Error when there is no manifest to be had or to be kept */
async function refresh(
  options: PullOptions,
  place: Place,
  cache: PullCache,
  known: Known | null,
  problems: CacheProblem[],
): Promise<CatalogManifest> {
  // With a file missing here, "nothing has changed" is no answer.
  const whole = known !== null && (await cache.isWhole(known.manifest));
  const answer = await place.manifest(whole ? await cache.etag(options.base, known.manifest) : null);
  if (answer === 'unchanged' && known !== null) {
    refuseExpired(known.manifest, options);
    return known.manifest;
  }
  if (answer === 'unchanged') throw new Error(`${options.base} answered that nothing has changed, which was not asked`);
  const manifest = acceptable(answer.text, options, known);
  for (const entry of manifest.sources) {
    options.signal.throwIfAborted();
    try {
      await takeSource(options, place, cache, entry, answer.text);
    } catch (error) {
      options.signal.throwIfAborted();
      problems.push({ source: entry.name, reason: reasonOf(error) });
    }
  }
  // Another pull may have come further meanwhile.
  const seen = await cache.manifest(problems);
  if (seen === null || seen.manifest.version <= manifest.version) await cache.writeLatest(answer.text);
  await cache.setEtag(options.base, manifest, answer.etag);
  await cache.prune(options.now());
  return manifest;
}

/** @throws Error that says why this manifest is not taken */
function acceptable(text: string, options: PullOptions, known: Known | null): CatalogManifest {
  const read = readManifest(text, options.trust);
  if (!read.ok) throw notTaken(options, read.reason);
  refuseExpired(read.manifest, options);
  const { version } = read.manifest;
  if (known === null) return read.manifest;
  if (version < known.manifest.version) {
    throw notTaken(options, `it is version ${version}, older than ${known.manifest.version}, which was seen before`);
  }
  if (version === known.manifest.version && text !== known.text) {
    throw notTaken(options, `there are two of version ${version}`);
  }
  return read.manifest;
}

function refuseExpired({ expiresAt }: CatalogManifest, options: PullOptions): void {
  if (expiresAt !== null && expiresAt < options.now()) {
    throw notTaken(options, `it expired at ${new Date(expiresAt).toISOString()}`);
  }
}

function notTaken({ base }: PullOptions, reason: string): Error {
  return new Error(`the manifest at ${base} is not taken: ${reason}`);
}

/** Fetches what is missing of one source, and notes the manifest that it is whole in. */
async function takeSource(
  options: PullOptions,
  place: Place,
  cache: PullCache,
  { name, current, history }: ManifestSource,
  envelope: string,
): Promise<void> {
  const take = async (kind: ObjectKind, ref: ObjectRef): Promise<void> => {
    if (await cache.has(kind, ref)) return;
    const path = objectPath(kind, ref);
    const most = Math.min(options.maxObjectBytes ?? MAX_OBJECT_BYTES, MAX_OBJECT_BYTES);
    if (ref.bytes > most) throw new Error(`${path} has ${ref.bytes} bytes, more than the ${most} that are taken`);
    const bytes = await place.object(path, ref.bytes);
    if (bytes.byteLength < ref.bytes) throw new Error(`${path} ends after ${bytes.byteLength} of ${ref.bytes} bytes`);
    if ((await sha256Of(bytes)) !== ref.sha256) {
      throw new Error(`${path} is not what was signed: its checksum is another`);
    }
    await cache.writeObject(kind, ref, bytes);
  };
  if (current === null) return;
  await take('snapshot', current);
  await cache.writeSource(name, envelope);
  if (history !== null) await take('history', history);
}
