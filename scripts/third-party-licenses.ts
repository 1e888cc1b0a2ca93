/** The licences of the packages whose code is part of a build; most of them ask that their text goes with it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression of its package.json. */
  readonly license: string;
  /** What its licence and notice files say, in the order of their names. */
  readonly texts: readonly string[];
}

const LICENSE_FILE = /^(?:licen[cs]e|notice|copying)(?:[.-].*)?$/i;
/** The last `node_modules/` counts: a package may bring its own copy of another. */
const PACKAGE_OF_INPUT = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/**
 * The packages that `inputs` (files that went into a build, from `root`) come from, by name, and those
 * that they depend on: some packages are published with others already bundled into them, and no input
 * shows it. Throws when one of them has no licence: such code must not be given away.
 */
export function bundledPackages(root: string, inputs: readonly string[]): readonly BundledPackage[] {
  const folders = new Set(inputs.flatMap((input) => PACKAGE_OF_INPUT.exec(input)?.[1] ?? []));
  const packages: BundledPackage[] = [];
  // What is added while a set is iterated is iterated too.
  for (const folder of folders) {
    const manifest = readManifest(root, folder);
    packages.push(readPackage(join(root, folder), manifest));
    for (const name of Object.keys(manifest.dependencies ?? {})) folders.add(findPackage(root, folder, name));
  }
  return packages.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly license?: unknown;
  /** The old form, which some authors keep. */
  readonly licenses?: readonly { readonly type?: unknown }[];
  readonly dependencies?: Readonly<Record<string, string>>;
}

function readManifest(root: string, folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest; // every package.json is one
}

/** As Node looks for it: in the package's own `node_modules`, then in those above. */
function findPackage(root: string, from: string, name: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(root, candidate, 'package.json'))) return candidate;
    if (folder === '.') throw new Error(`${from} depends on ${name}, which is not installed`);
  }
}

function readPackage(folder: string, { name, version, ...rest }: Manifest): BundledPackage {
  const license = rest.license ?? rest.licenses?.[0]?.type;
  const texts = readdirSync(folder)
    .filter((file) => LICENSE_FILE.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (typeof name !== 'string' || typeof version !== 'string' || typeof license !== 'string') {
    throw new Error(`${folder}: its package.json names no licence, so it cannot be part of a build`);
  }
  // Some authors leave it at the word in package.json; then that is all there is to pass on.
  if (texts.length === 0) texts.push(`The package holds no text of its licence; its package.json says: ${license}.`);
  return { name, version, license, texts };
}

const RULE = '-'.repeat(80);

export function licenseText(packages: readonly BundledPackage[]): string {
  const head =
    'Berth itself is under the Apache License 2.0, see LICENSE. The files in this folder also hold code of\n' +
    'the following packages, each under its own licence.\n';
  const parts = packages.map(
    ({ name, version, license, texts }) =>
      `${RULE}\n${name} ${version} (${license})\n${RULE}\n\n${texts.join('\n\n')}\n`,
  );
  return [head, ...parts].join('\n');
}
