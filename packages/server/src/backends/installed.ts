import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BackendRegistry, backendRegistry, discoverBackends, loadBackends } from '@berth/backend';

/** In a clone this file is TypeScript; in an installed package it is part of `dist/server.js`. */
const isSource = import.meta.url.endsWith('.ts');
const here = dirname(fileURLToPath(import.meta.url));

/** Packages from npm must say by their name that they are one: what is merely a dependency is not run. */
const FROM_NPM = /^(?:@[^/]+\/)?berth-backend-/;

/** Finds and loads the backends that Berth brings, those of this home, and those that npm installed. */
export async function installedBackends(ownDir: string): Promise<BackendRegistry> {
  const bundled = isSource ? join(here, '../../../../backends') : join(here, 'backends');
  const trusted = await discoverBackends({ roots: [bundled, ownDir] });
  const npm = await discoverBackends({ roots: nodeModules() });
  return backendRegistry(
    await loadBackends({
      found: [...trusted.found, ...npm.found.filter(({ packageName }) => FROM_NPM.test(packageName))],
      unavailable: [...trusted.unavailable, ...npm.unavailable.filter(({ dir }) => FROM_NPM.test(nameAt(dir)))],
    }),
  );
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
