/**
 * Publishing: objects first, the manifest next, the pointer last. Whoever dies in between has changed
 * nothing for readers. A source that failed keeps its last good version, with the reason and its age.
 */
import { BerthError } from '@berth/core/errors';
import {
  type CatalogManifest,
  encodeManifest,
  isSourceName,
  LATEST,
  MAX_OBJECT_BYTES,
  type ManifestSource,
  manifestPath,
  objectPath,
  objectRef,
  pathsOf,
  readManifest,
} from './publish-manifest.ts';
import type { PublishTarget } from './publish-target.ts';
import type { PublicKeyText, Signer } from './signature.ts';

/** What came of one source; sources that are not named stay as they are. */
export type CollectedSource =
  | {
      readonly name: string;
      readonly ok: true;
      readonly snapshot: Uint8Array;
      readonly offers: number;
      /** Milliseconds since 1970. */
      readonly collectedAt: number;
      /** Absent: the history that is there stays. */
      readonly history?: Uint8Array;
    }
  | { readonly name: string; readonly ok: false; readonly reason: string }
  /** No longer published. */
  | { readonly name: string; readonly ok: 'removed' };

export interface PublishOptions {
  readonly target: PublishTarget;
  /** Null: unsigned, which readers take from files only, and only when told to. */
  readonly signer: Signer | null;
  /** Whose catalog is continued besides one's own: the key before this one. */
  readonly formerKeys?: readonly PublicKeyText[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Readers refuse the manifest after that; null or absent: never. */
  readonly expiresInMs?: number | null;
  /** Files that no manifest needs stay this long for readers that are in the middle of a pull; a day when absent. */
  readonly graceMs?: number;
}

export interface PublishReport {
  readonly manifest: CatalogManifest;
  readonly published: readonly string[];
  /** Each keeps what it had. */
  readonly failed: readonly { readonly source: string; readonly reason: string }[];
  /** Files that could not be removed; readers do not mind. */
  readonly notRemoved: readonly string[];
}

const GRACE_MS = 24 * 60 * 60_000;
/** Further into the future no clock of another machine is. */
const CLOCKS_DIFFER_MS = 24 * 60 * 60_000;
/** Two days of hourly publishing. */
const KEPT_MANIFESTS = 48;

/**
 * @throws BerthError `conflict` when others publish at the same time, `unavailable` when what is there cannot
 * be read or nothing can be written; the signal's reason when it aborts
 */
export async function publish(options: PublishOptions, sources: readonly CollectedSource[]): Promise<PublishReport> {
  const names = sources.map(({ name }) => name);
  const wrong = names.find((name, index) => !isSourceName(name) || names.indexOf(name) !== index);
  if (wrong !== undefined) {
    throw new BerthError('invalid-request', `A source cannot be published as "${wrong}"`, {
      hint: 'Names are lower-case letters, digits, - and _, and each stands once.',
    });
  }
  const { target, signal } = options;
  try {
    return await target.alone(() => publishAlone(options, sources));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BerthError) throw error;
    throw new BerthError('unavailable', `The catalog could not be published to ${target.name}: ${reasonOf(error)}`, {
      hint: 'Readers still have the version before. Publish again.',
      cause: error,
    });
  }
}

async function publishAlone(options: PublishOptions, sources: readonly CollectedSource[]): Promise<PublishReport> {
  const { target, signer, signal } = options;
  const now = options.now();
  const before = await readPublished(options);
  const entries = new Map((before.manifest?.sources ?? []).map((entry) => [entry.name, entry]));
  const published: string[] = [];
  const failed: { source: string; reason: string }[] = [];
  const keep = (name: string, reason: string): void => {
    const last = entries.get(name) ?? { name, current: null, history: null, failure: null };
    entries.set(name, { ...last, failure: { at: now, reason } });
    failed.push({ source: name, reason });
  };
  for (const source of sources) {
    signal.throwIfAborted();
    if (source.ok === 'removed') {
      entries.delete(source.name);
    } else if (!source.ok) {
      keep(source.name, source.reason);
    } else {
      const added = await addSource(options, source, entries.get(source.name) ?? null, now);
      if ('reason' in added) keep(source.name, added.reason);
      else {
        entries.set(source.name, added);
        published.push(source.name);
      }
    }
  }
  const manifest = withRetired(
    {
      format: 1,
      version: Math.max(before.manifest?.version ?? 0, before.seen) + 1,
      publishedAt: now,
      expiresAt: options.expiresInMs == null ? null : now + options.expiresInMs,
      sources: [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
      retired: [],
    },
    before.manifest,
  );
  const expired = manifest.retired.filter(({ since }) => now - since >= (options.graceMs ?? GRACE_MS));
  const kept = { ...manifest, retired: manifest.retired.filter((file) => !expired.includes(file)) };
  const envelope = encodeManifest(kept, signer);
  await target.add(manifestPath(kept.version), Buffer.from(envelope), signal);
  await target.replace(LATEST, envelope, before.tag, signal);
  const unneeded = [
    ...expired.map(({ path }) => path),
    ...(await orphans(options, kept, now)),
    ...(kept.version > KEPT_MANIFESTS ? [manifestPath(kept.version - KEPT_MANIFESTS)] : []),
  ];
  return { manifest: kept, published, failed, notRemoved: await removeAll(target, unneeded, signal) };
}

interface Published {
  readonly manifest: CatalogManifest | null;
  readonly tag: string | null;
  /** The highest version that was ever begun. */
  readonly seen: number;
}

async function readPublished({ target, signer, formerKeys = [], signal }: PublishOptions): Promise<Published> {
  const manifests = await target.leftIn('v1/manifests', Number.POSITIVE_INFINITY);
  const seen = manifests.reduce((most, path) => Math.max(most, Number(/(\d{1,15})\.json$/.exec(path)?.[1] ?? 0)), 0);
  const latest = await target.read(LATEST, signal);
  if (latest === null) return { manifest: null, tag: null, seen };
  // What somebody else put there is not built upon.
  const trust = signer === null ? 'unsigned' : { keys: [signer.publicKey, ...formerKeys] };
  const read = readManifest(latest.text, trust);
  if (read.ok) return { manifest: read.manifest, tag: latest.tag, seen };
  throw new BerthError(
    'unavailable',
    `The catalog at ${target.name} cannot be continued: of ${LATEST}, ${read.reason}`,
    {
      hint: 'Publish with the key that it was published with, or to an empty place.',
    },
  );
}

/** What went wrong with one source is that source's alone. */
async function addSource(
  { target, signal }: PublishOptions,
  source: Extract<CollectedSource, { ok: true }>,
  last: ManifestSource | null,
  now: number,
): Promise<ManifestSource | { readonly reason: string }> {
  // What a clock that was wrong has dated into the future must not keep everything else out until then.
  const lastAt = last?.current?.collectedAt ?? 0;
  if (last?.current != null && source.collectedAt < lastAt && lastAt <= now + CLOCKS_DIFFER_MS) {
    return { reason: `it was collected before the version that is published (${last.current.version})` };
  }
  const largest = Math.max(source.snapshot.byteLength, source.history?.byteLength ?? 0);
  if (source.snapshot.byteLength === 0) return { reason: 'its snapshot is empty' };
  if (largest > MAX_OBJECT_BYTES) return { reason: `a file of it has ${largest} bytes, more than readers take` };
  const snapshot = await objectRef(source.snapshot);
  const history = source.history === undefined ? (last?.history ?? null) : await objectRef(source.history);
  try {
    await target.add(objectPath('snapshot', snapshot), source.snapshot, signal);
    if (source.history !== undefined && history !== null) {
      await target.add(objectPath('history', history), source.history, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    return { reason: `its files could not be written: ${reasonOf(error)}` };
  }
  const { offers, collectedAt } = source;
  const version = versionName(collectedAt, snapshot.sha256);
  return { name: source.name, current: { ...snapshot, version, offers, collectedAt }, history, failure: null };
}

/** `20261120T195056Z-1f3a9c02`: sorts by time, and tells two of one second apart. */
function versionName(collectedAt: number, sha256: string): string {
  const second = new Date(collectedAt).toISOString().slice(0, 19).replace(/[-:]/g, '');
  return `${second}Z-${sha256.slice(0, 8)}`;
}

/** Files of the manifest before that this one does not need, and those that were waiting already. */
function withRetired(manifest: CatalogManifest, before: CatalogManifest | null): CatalogManifest {
  if (before === null) return manifest;
  const needed = new Set(pathsOf(manifest));
  const waiting = before.retired.filter(({ path }) => !needed.has(path));
  const known = new Set(waiting.map(({ path }) => path));
  const fresh = [...new Set(pathsOf(before))].filter((path) => !needed.has(path) && !known.has(path));
  return { ...manifest, retired: [...waiting, ...fresh.map((path) => ({ path, since: manifest.publishedAt }))] };
}

/** What publishers that died have left: no manifest ever named it. */
async function orphans(options: PublishOptions, manifest: CatalogManifest, now: number): Promise<string[]> {
  const named = new Set([...pathsOf(manifest), ...manifest.retired.map(({ path }) => path)]);
  const old = await options.target.leftIn('v1/objects', now - (options.graceMs ?? GRACE_MS));
  return old.filter((path) => !named.has(path));
}

async function removeAll(target: PublishTarget, paths: readonly string[], signal: AbortSignal): Promise<string[]> {
  const left: string[] = [];
  for (const path of new Set(paths)) {
    // Readers have all that they need; what cannot be removed now is tried by nobody else, so it is told.
    await target.remove(path, signal).catch(() => left.push(path));
  }
  return left;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
