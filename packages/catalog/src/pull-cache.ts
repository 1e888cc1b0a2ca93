/**
 * The local copy of a published catalog. Layout as published, and besides:
 *
 *     v1/latest.json          the newest manifest that was seen: the floor below which none is taken
 *     v1/sources/<name>.json  the manifest that the source's snapshot was taken from; older where a
 *                             newer one named a file that could not be had
 *     v1/etag.json            what to say at the next question, when all files are here
 *
 * Nothing in it is believed without its signature and checksum: a cache is only a file.
 */
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { filesIn, ifMissing, removeAbandoned, writeWhole } from './publish-file.ts';
import {
  type CatalogManifest,
  LATEST,
  type ManifestSource,
  type ObjectKind,
  type ObjectRef,
  objectPath,
  type PublishedVersion,
  pathsOf,
  readManifest,
  sha256Of,
} from './publish-manifest.ts';
import type { Trust } from './signature.ts';

/** One source as it lies in the cache; its bytes have the checksum that was signed. */
export interface CachedSource {
  readonly name: string;
  readonly published: PublishedVersion;
  /** Why the publisher has no newer version; null: this is its newest. */
  readonly failure: ManifestSource['failure'];
  readonly snapshot: Uint8Array;
  readonly snapshotPath: string;
}

export interface CacheProblem {
  /** Null: the manifest. */
  readonly source: string | null;
  readonly reason: string;
}

/** Files stay this long after they came, whoever needs them: another process may be reading them. */
const GRACE_MS = 60 * 60_000;

const etagSchema = z.object({ base: z.string(), version: z.number(), etag: z.string() });

export class PullCache {
  readonly dir: string;
  readonly #trust: Trust;

  constructor(dir: string, trust: Trust) {
    this.dir = dir;
    this.#trust = trust;
  }

  /** The newest manifest that was seen; a spoilt one is put aside and told. */
  manifest(problems: CacheProblem[]): Promise<{ readonly text: string; readonly manifest: CatalogManifest } | null> {
    return this.#manifestAt(LATEST, null, problems);
  }

  /** Names of the sources that were ever taken. */
  async takenSources(): Promise<string[]> {
    const files = await filesIn(this.#at('v1/sources'));
    return files.flatMap(({ path }) => /([a-z0-9_-]+)\.json$/.exec(path)?.[1] ?? []);
  }

  /** True when every file of the manifest is here, by its length. */
  async isWhole(manifest: CatalogManifest): Promise<boolean> {
    for (const { current, history } of manifest.sources) {
      if (current !== null && !(await this.has('snapshot', current))) return false;
      if (history !== null && !(await this.has('history', history))) return false;
    }
    return true;
  }

  /** By its length; whoever reads it checks its sum. */
  async has(kind: ObjectKind, ref: ObjectRef): Promise<boolean> {
    const info = await stat(this.#at(objectPath(kind, ref))).catch(ifMissing(null));
    return info !== null && info.size === ref.bytes;
  }

  /** What a reader of this cache holds: the snapshot of each source, as SHA-256. */
  async held(latest: CatalogManifest | null): Promise<Map<string, string>> {
    const held = new Map<string, string>();
    for (const { name } of latest?.sources ?? []) {
      for (const entry of await this.#entriesOf(latest, name, [])) {
        if (!(await this.has('snapshot', entry.current))) continue;
        held.set(name, entry.current.sha256);
        break;
      }
    }
    return held;
  }

  /** What a reader who holds `held` has to swap in and to take out. */
  async changes(
    latest: CatalogManifest | null,
    held: ReadonlyMap<string, string>,
    problems: CacheProblem[],
  ): Promise<{ changed: CachedSource[]; removed: string[] }> {
    if (latest === null) return { changed: [], removed: [] };
    const changed: CachedSource[] = [];
    const here = await this.held(latest);
    for (const [name, sha256] of here) {
      if (held.get(name) === sha256) continue;
      const source = await this.load(latest, name, problems);
      if (source !== null && source.published.sha256 !== held.get(name)) changed.push(source);
    }
    const published = new Set(latest.sources.filter(({ current }) => current !== null).map(({ name }) => name));
    return { changed, removed: [...held.keys()].filter((name) => !published.has(name)) };
  }

  /** The newest version of a source that is here whole. */
  async load(latest: CatalogManifest | null, name: string, problems: CacheProblem[]): Promise<CachedSource | null> {
    const newest = latest?.sources.find((source) => source.name === name) ?? null;
    for (const entry of await this.#entriesOf(latest, name, problems)) {
      const snapshot = await this.object('snapshot', entry.current, name, problems);
      if (snapshot === null) continue;
      const failure = newest === null ? entry.failure : newest.failure;
      const snapshotPath = this.#at(objectPath('snapshot', entry.current));
      return { name, published: entry.current, failure, snapshot, snapshotPath };
    }
    return null;
  }

  /** The newest history of a source that is here whole. */
  async history(latest: CatalogManifest | null, name: string, problems: CacheProblem[]): Promise<Uint8Array | null> {
    for (const { history } of await this.#entriesOf(latest, name, problems)) {
      const bytes = history === null ? null : await this.object('history', history, name, problems);
      if (bytes !== null) return bytes;
    }
    return null;
  }

  /** What manifests say of a source, newest first. */
  async #entriesOf(latest: CatalogManifest | null, name: string, problems: CacheProblem[]) {
    const taken = await this.#manifestAt(sourcePath(name), name, problems);
    return [latest, taken?.manifest].flatMap((manifest) => {
      const entry = manifest?.sources.find((source) => source.name === name);
      return entry?.current == null ? [] : [{ ...entry, current: entry.current }];
    });
  }

  async #manifestAt(path: string, source: string | null, problems: CacheProblem[]) {
    const text = await readFile(this.#at(path), 'utf8').catch(ifMissing(null));
    if (text === null) return null;
    const read = readManifest(text, this.#trust);
    if (read.ok) return { text, manifest: read.manifest };
    problems.push({ source, reason: `${path} in the cache is not used: ${read.reason}` });
    // Under another key it is whole: whoever named a wrong one by mistake has it again under the right one.
    if (read.untrusted !== true) await this.#putAside(path);
    return null;
  }

  /** The bytes, if they are there and right; wrong ones are put aside and told. */
  async object(kind: ObjectKind, ref: ObjectRef, source: string, problems: CacheProblem[]): Promise<Uint8Array | null> {
    const path = objectPath(kind, ref);
    const bytes = await readFile(this.#at(path)).catch(ifMissing(null));
    if (bytes === null) return null;
    if (bytes.byteLength === ref.bytes && (await sha256Of(bytes)) === ref.sha256) return bytes;
    problems.push({ source, reason: `${path} in the cache is damaged` });
    await this.#putAside(path);
    return null;
  }

  /** For whoever wants to see what happened to it, until a pull clears it away. */
  async #putAside(path: string): Promise<void> {
    await rename(this.#at(path), this.#at(`${path}.damaged`)).catch(ifMissing(undefined));
  }

  async writeObject(kind: ObjectKind, ref: ObjectRef, bytes: Uint8Array): Promise<void> {
    await writeWhole(this.#at(objectPath(kind, ref)), bytes);
  }

  async writeSource(name: string, envelope: string): Promise<void> {
    await writeWhole(this.#at(sourcePath(name)), envelope);
  }

  async writeLatest(envelope: string): Promise<void> {
    await writeWhole(this.#at(LATEST), envelope);
  }

  /** Null when it is that of another place, or of another manifest than the one here. */
  async etag(base: string, { version }: CatalogManifest): Promise<string | null> {
    const text = await readFile(this.#at('v1/etag.json'), 'utf8').catch(ifMissing(null));
    if (text === null) return null;
    try {
      const known = etagSchema.parse(JSON.parse(text));
      return known.base === base && known.version === version ? known.etag : null;
    } catch {
      return null; // then all of it is asked for
    }
  }

  async setEtag(base: string, { version }: CatalogManifest, etag: string | null): Promise<void> {
    if (etag === null) await rm(this.#at('v1/etag.json'), { force: true });
    else await writeWhole(this.#at('v1/etag.json'), JSON.stringify({ base, version, etag }));
  }

  /** Removes what no manifest here needs any more. */
  async prune(now: number): Promise<void> {
    const latest = (await this.manifest([]))?.manifest ?? null;
    const needed = new Set(latest === null ? [] : pathsOf(latest).map((path) => this.#at(path)));
    for (const name of await this.takenSources()) {
      const published = latest === null || latest.sources.some((source) => source.name === name);
      if (!published) await rm(this.#at(sourcePath(name)), { force: true });
      for (const { current, history } of published ? await this.#entriesOf(latest, name, []) : []) {
        needed.add(this.#at(objectPath('snapshot', current)));
        if (history !== null) needed.add(this.#at(objectPath('history', history)));
      }
    }
    for (const { path, modifiedAt } of await filesIn(this.#at('v1/objects'))) {
      if (!needed.has(path) && now - modifiedAt > GRACE_MS) await rm(path, { force: true });
    }
    for (const folder of ['v1', 'v1/objects', 'v1/sources']) await removeAbandoned(this.#at(folder), now);
  }

  #at(path: string): string {
    return join(this.dir, path);
  }
}

function sourcePath(name: string): string {
  return `v1/sources/${name}.json`;
}
