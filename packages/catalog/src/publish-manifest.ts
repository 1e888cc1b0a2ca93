/**
 * What a published catalog consists of. Layout below the base:
 *
 *     v1/objects/<sha256>.berthcat   snapshots, one per source
 *     v1/objects/<sha256>.berthhist  price histories
 *     v1/manifests/<version>.json    signed; kept for a while for people who look back
 *     v1/latest.json                 a copy of the newest manifest, written last
 *
 * Readers ask for `latest.json` alone until it changes, with one conditional request.
 */
import { webcrypto } from 'node:crypto';
import { z } from 'zod';
import { type NotOpened, openSealed, type Signer, sealText, type Trust } from './signature.ts';

export const LATEST = 'v1/latest.json';

/** Nobody publishes more; what claims to is not read. */
export const MAX_OBJECT_BYTES = 512 * 1024 * 1024;
/** A manifest of a thousand sources takes 1 MiB. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const timeSchema = z.number().int().nonnegative();
/** It becomes part of a path. */
const sourceNameSchema = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/);

const objectSchema = z.object({
  sha256: sha256Schema,
  bytes: z.number().int().positive().max(MAX_OBJECT_BYTES),
});

const sourceSchema = z.object({
  name: sourceNameSchema,
  /** The last good version; null: there never was one. */
  current: objectSchema
    .extend({
      version: z.string().min(1).max(100),
      offers: z.number().int().nonnegative(),
      collectedAt: timeSchema,
    })
    .nullable(),
  history: objectSchema.nullable(),
  /** Set while the last try to collect it failed; `current` is older than that. */
  failure: z.object({ at: timeSchema, reason: z.string() }).nullable(),
});

const manifestSchema = z.object({
  format: z.literal(1),
  /** Grows with every publishing; a reader refuses a smaller one than it has seen. */
  version: z.number().int().positive(),
  publishedAt: timeSchema,
  /** Readers refuse it after that; null: never. */
  expiresAt: timeSchema.nullable(),
  sources: z.array(sourceSchema).refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    message: 'a source is named twice',
  }),
  /** Files that older manifests name; removed some time after `since`. */
  retired: z.array(z.object({ path: z.string().regex(/^v1\/objects\/[0-9a-f]{64}\.[a-z]+$/), since: timeSchema })),
});

export type ObjectRef = z.infer<typeof objectSchema>;
export type ManifestSource = z.infer<typeof sourceSchema>;
export type PublishedVersion = NonNullable<ManifestSource['current']>;
export type CatalogManifest = z.infer<typeof manifestSchema>;

export type ObjectKind = 'snapshot' | 'history';

const EXTENSION: Readonly<Record<ObjectKind, string>> = { snapshot: 'berthcat', history: 'berthhist' };

export function isSourceName(name: string): boolean {
  return sourceNameSchema.safeParse(name).success;
}

export function objectPath(kind: ObjectKind, { sha256 }: Pick<ObjectRef, 'sha256'>): string {
  return `v1/objects/${sha256}.${EXTENSION[kind]}`;
}

export function manifestPath(version: number): string {
  return `v1/manifests/${version}.json`;
}

export async function objectRef(bytes: Uint8Array): Promise<ObjectRef> {
  return { sha256: await sha256Of(bytes), bytes: bytes.byteLength };
}

/** In lower-case hexadecimal. Off the main thread: a large snapshot must not hold up a query. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  // The bytes never lie in shared memory here, which is all that the narrower type says.
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

/** Paths of all files that the manifest needs. */
export function pathsOf(manifest: CatalogManifest): string[] {
  return manifest.sources.flatMap(({ current, history }) => [
    ...(current === null ? [] : [objectPath('snapshot', current)]),
    ...(history === null ? [] : [objectPath('history', history)]),
  ]);
}

export function encodeManifest(manifest: CatalogManifest, signer: Signer | null): string {
  return sealText(JSON.stringify(manifest), signer);
}

export type ReadManifest = { readonly ok: true; readonly manifest: CatalogManifest } | NotOpened;

/** A manifest from somebody trusted; the reason otherwise, as the end of a sentence about it. */
export function readManifest(envelope: string, trust: Trust): ReadManifest {
  const opened = openSealed(envelope, trust);
  if (!opened.ok) return opened;
  let value: unknown;
  try {
    value = JSON.parse(opened.payload);
  } catch {
    return { ok: false, reason: 'its content is no JSON' };
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return { ok: true, manifest: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, reason: `its content is not as expected: ${issue?.path.join('.')}: ${issue?.message}` };
}
