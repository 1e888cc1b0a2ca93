/**
 * Where the catalog of this machine lies, below BERTH_HOME/catalog:
 *
 *     collected/          what was collected or imported here, in the layout of a published catalog, unsigned
 *     changed             touched after every change, for a server that watches the folder
 *     pulled/<base>/      what was pulled, one folder for each place; `from.json` says from where and whom it trusts
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type PublicKeyText, parsePublicKey, type Trust } from '@berth/catalog/signature';
import { z } from 'zod';

export interface CatalogPlaces {
  readonly collected: string;
  readonly pulled: string;
  readonly changed: string;
}

export interface PulledPlace {
  readonly dir: string;
  readonly base: string;
  readonly trust: Trust;
}

const originSchema = z.object({ base: z.string(), publicKey: z.string().nullable() });

/** `root`: BERTH_HOME/catalog. */
export function catalogPlaces(root: string): CatalogPlaces {
  return { collected: join(root, 'collected'), pulled: join(root, 'pulled'), changed: join(root, 'changed') };
}

/** Tells a server that what it has in memory is old. */
export async function tellChanged(places: CatalogPlaces, now: number): Promise<void> {
  await mkdir(dirname(places.changed), { recursive: true, mode: 0o700 });
  await writeFile(places.changed, `${new Date(now).toISOString()}\n`);
}

/**
 * The folder for what is pulled from `base` with this key. Another key has another folder: what is there was
 * checked with its own, and a key that was mistyped must not spoil it.
 */
export function pulledPlace(places: CatalogPlaces, base: string, publicKey: PublicKeyText | null): PulledPlace {
  const name = createHash('sha256')
    .update(`${base}\n${publicKey ?? ''}`)
    .digest('hex')
    .slice(0, 16);
  return { dir: join(places.pulled, name), base, trust: trustOf(publicKey) };
}

/** After a pull that went well: this is where the place's catalog lies from now on, and nowhere else. */
export async function keepPulled(places: CatalogPlaces, place: PulledPlace): Promise<void> {
  const publicKey = place.trust === 'unsigned' ? null : (place.trust.keys[0] ?? null);
  const origin = `${JSON.stringify({ base: place.base, publicKey })}\n`;
  await writeFile(join(place.dir, 'from.json'), origin, { mode: 0o600 });
  for (const { dir, base } of await pulledPlaces(places)) {
    if (base === place.base && dir !== place.dir) await rm(dir, { recursive: true, force: true });
  }
}

/** Every place that was ever pulled from. One whose origin cannot be read is passed over: nothing in it can be trusted. */
export async function pulledPlaces(places: CatalogPlaces): Promise<readonly PulledPlace[]> {
  const names = await readdir(places.pulled).catch(() => []);
  const found = await Promise.all(names.sort().map((name) => originOf(join(places.pulled, name))));
  return found.filter((place) => place !== null);
}

async function originOf(dir: string): Promise<PulledPlace | null> {
  try {
    const { base, publicKey } = originSchema.parse(JSON.parse(await readFile(join(dir, 'from.json'), 'utf8')));
    return { dir, base, trust: trustOf(publicKey === null ? null : parsePublicKey(publicKey)) };
  } catch {
    return null;
  }
}

function trustOf(publicKey: PublicKeyText | null): Trust {
  return publicKey === null ? 'unsigned' : { keys: [publicKey] };
}
