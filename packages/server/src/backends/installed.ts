import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type BackendRegistry,
  backendRegistry,
  type DiscoveredBackend,
  type Discovery,
  discoverBackends,
  loadBackends,
} from '@berth/backend';
import { offerBerth } from './own-packages.ts';

/** In a clone this file is TypeScript; in an installed package it is part of `dist/server.js`. */
const isSource = import.meta.url.endsWith('.ts');
const here = dirname(fileURLToPath(import.meta.url));

/** Packages from npm must say by their name that they are one: what is merely a dependency is not run. */
const FROM_NPM = /^(?:@[^/]+\/)?berth-backend-/;

/** Of those that Berth brings, what a server without a configuration has; the others load when they are asked for. */
const AT_ONCE: ReadonlySet<string> = new Set(['local']);

export interface InstalledBackends extends BackendRegistry {
  /** The same with every backend loaded: fifteen clouds take as long as the rest of a server's start. */
  all(): Promise<BackendRegistry>;
}

/**
 * Finds the backends that Berth brings, those of this home, and those that npm installed. Whatever a project
 * names is there when it is configured; `types` and `definition` know of the others once all were asked for.
 */
export async function installedBackends(ownDir: string): Promise<InstalledBackends> {
  const { found, unavailable } = await installedPackages(ownDir);
  const isLater = ({ dir }: DiscoveredBackend): boolean => dirname(dir) === bundled() && !AT_ONCE.has(basename(dir));
  let loaded = backendRegistry(await loadBackends({ found: found.filter((one) => !isLater(one)), unavailable }));
  let loadingAll: Promise<BackendRegistry> | null = null;
  const all = (): Promise<BackendRegistry> => {
    // Modules that are loaded already are not loaded again.
    loadingAll ??= loadBackends({ found, unavailable }).then((every) => {
      loaded = backendRegistry(every);
      return loaded;
    });
    return loadingAll;
  };
  return {
    get types() {
      return loaded.types;
    },
    get unavailable() {
      return loaded.unavailable;
    },
    definition: (type) => loaded.definition(type),
    configure: async (entry, host, signal) => {
      const registry = loaded.types.includes(entry.type) ? loaded : await all();
      return await registry.configure(entry, host, signal);
    },
    all,
  };
}

/** The packages that `installedBackends` knows; none is loaded. */
export async function installedPackages(ownDir: string): Promise<Discovery> {
  offerBerth();
  const bundledOnes = await discoverBackends({ roots: [bundled()] });
  const own = await onlyOurs(await discoverBackends({ roots: [ownDir] }));
  const trusted = {
    found: [...bundledOnes.found, ...own.found],
    unavailable: [...bundledOnes.unavailable, ...own.unavailable],
  };
  const npm = await discoverBackends({ roots: nodeModules() });
  return {
    found: [...trusted.found, ...npm.found.filter(({ packageName }) => FROM_NPM.test(packageName))],
    unavailable: [...trusted.unavailable, ...npm.unavailable.filter(({ dir }) => FROM_NPM.test(nameAt(dir)))],
  };
}

/** What lies in a home runs with the server's rights: a folder that others may write is theirs. */
async function onlyOurs({ found, unavailable }: Discovery): Promise<Discovery> {
  const writable = new Set<string>();
  for (const { dir, module } of found) {
    const modes = await Promise.all([dirname(dir), dir, module].map(async (path) => (await stat(path)).mode));
    if (modes.some((mode) => (mode & 0o022) !== 0)) writable.add(dir);
  }
  const reason =
    'Others may write it, and it would run with the rights of the server: `chmod -R go-w` it and its folder.';
  return {
    found: found.filter(({ dir }) => !writable.has(dir)),
    unavailable: [...unavailable, ...[...writable].map((dir) => ({ dir, reason }))],
  };
}

function bundled(): string {
  return isSource ? join(here, '../../../../backends') : join(here, 'backends');
}

/** Every `node_modules` in which a package beside this one may lie. */
function nodeModules(): string[] {
  const roots: string[] = [];
  for (let dir = here; dir !== dirname(dir); dir = dirname(dir)) {
    const inside = basename(dir) === 'node_modules' ? dir : join(dir, 'node_modules');
    if (existsSync(inside) && !roots.includes(inside)) roots.push(inside);
  }
  return roots;
}

function nameAt(dir: string): string {
  const scope = basename(dirname(dir));
  return scope.startsWith('@') ? `${scope}/${basename(dir)}` : basename(dir);
}
