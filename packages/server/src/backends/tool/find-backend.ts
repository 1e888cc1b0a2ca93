/** The package that a person means by a type, or by the path of its folder. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type AnyBackendDefinition, type DiscoveredBackend, discoverBackends } from '@berth/backend';
import { BerthError } from '@berth/core/errors';
import { nearestWord } from '@berth/core/nearest';
import { homeAt } from '../../config/home.ts';
import { installedPackages } from '../installed.ts';

export interface FoundBackend {
  readonly dir: string;
  /** The file that exports the definition. */
  readonly module: string;
  readonly definition: AnyBackendDefinition;
  /** Types of the other installed backends. */
  readonly otherTypes: readonly string[];
}

/** @throws BerthError `not-found` for what is no backend, `invalid-configuration` for one that cannot be loaded */
export async function findBackend(
  name: string,
  places: { readonly home: string; readonly cwd: string },
): Promise<FoundBackend> {
  const installed = await installedPackages(homeAt(places.home).backends);
  const isPath = name.includes('/') || name.startsWith('.') || existsSync(resolve(places.cwd, name, 'package.json'));
  const known = installed.found.find((one) => basename(one.dir) === name);
  if (isPath && known === undefined) return await atPath(resolve(places.cwd, name), installed.found);
  // A folder is mostly named for its type; where it is not, all are looked through.
  const candidates = known === undefined ? installed.found : [known, ...installed.found.filter((one) => one !== known)];
  const types: string[] = [];
  for (const candidate of candidates) {
    const load = await candidate.load();
    if (load.ok && load.definition.type === name) return await found(candidate, load.definition, installed.found);
    if (load.ok) types.push(load.definition.type);
    else if (candidate === known) throw broken(candidate.dir, load.reason);
  }
  const near = nearestWord(name, types);
  const hint = near === null ? `Installed are ${types.sort().join(', ')}.` : `Did you mean \`${near}\`?`;
  throw new BerthError('not-found', `There is no backend \`${name}\`.`, { hint });
}

async function atPath(dir: string, installed: readonly DiscoveredBackend[]): Promise<FoundBackend> {
  const { found: near, unavailable } = await discoverBackends({ roots: [dirname(dir)] });
  const backend = near.find((one) => one.dir === dir);
  const reason = unavailable.find((one) => one.dir === dir)?.reason;
  if (backend === undefined && reason !== undefined) throw broken(dir, reason);
  if (backend === undefined) {
    throw new BerthError('not-found', `The folder ${dir} is no backend.`, {
      hint: 'Its package.json must say `"berth": { "backend": "./src/index.ts" }`.',
    });
  }
  const load = await backend.load();
  if (!load.ok) throw broken(dir, load.reason);
  return await found(backend, load.definition, installed);
}

async function found(
  { dir, module }: DiscoveredBackend,
  definition: AnyBackendDefinition,
  installed: readonly DiscoveredBackend[],
): Promise<FoundBackend> {
  const others = await Promise.all(installed.filter((one) => one.module !== module).map((one) => one.load()));
  return { dir, module, definition, otherTypes: others.flatMap((load) => (load.ok ? [load.definition.type] : [])) };
}

function broken(dir: string, reason: string): BerthError {
  return new BerthError('invalid-configuration', `The backend in ${dir} cannot be loaded. ${reason}`, {
    hint: 'Correct it first; no rule can be checked before.',
  });
}
