/**
 * Where the catalog of this machine lies, below BERTH_HOME/catalog:
 *
 *     collected/          what was collected or imported here, in the layout of a published catalog, unsigned
 *     changed             touched after every change, for a server that watches the folder
 *     pulled/<base>/      what was pulled, one folder for each place; `from.json` says from where and whom it trusts
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
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

/** The folder for what is pulled from `base`; made, with its origin in it. A key that was given replaces the one before. */
export async function preparePulled(
  places: CatalogPlaces,
  base: string,
  publicKey: PublicKeyText | null,
): Promise<PulledPlace> {
  const dir = join(places.pulled, createHash('sha256').update(base).digest('hex').slice(0, 16));
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(join(dir, 'from.json'), `${JSON.stringify({ base, publicKey })}\n`, { mode: 0o600 });
  return { dir, base, trust: trustOf(publicKey) };
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
