/** `berth backend new`: writes the folder of a new cloud, which compiles, is discovered, and fails its conformance check. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { BerthError } from '@berth/core';
import type { NewBackendFolder } from '@berth/core/backend-tool';
import { BACKEND_TYPE, type BackendKind } from '../contract.ts';
import { render, type ScaffoldOptions, typeOf } from './render.ts';

export interface NewBackend {
  readonly title: string;
  readonly kind: BackendKind;
  readonly catalog: 'offline' | 'online';
  /** Where the folder goes; absent: `backends/<type>` of the clone that `cwd` is in, else `berth-backend-<type>` here. */
  readonly out?: string;
  readonly cwd: string;
  /** Types that are there already (C12). */
  readonly taken: ReadonlySet<string>;
  /** Where the templates lie. */
  readonly templates: string;
  /** Root of the clone that runs; null: an installed Berth, which has no sources to check types against. */
  readonly clone: string | null;
}

/** In the order in which a person reads them. */
const FILES = [
  'README.md',
  'package.json',
  'src/index.ts',
  'src/api.ts',
  'src/compute.ts',
  'src/collect.ts',
  'src/fake-cloud.ts',
  'src/conformance.ts',
  'src/conformance.test.ts',
] as const;

/** @throws BerthError `invalid-request` for a name that cannot be one, `conflict` for one that is taken; nothing is written */
export async function scaffold(options: NewBackend): Promise<NewBackendFolder> {
  const type = typeOf(options.title);
  if (!BACKEND_TYPE.test(type)) {
    throw new BerthError('invalid-request', `"${options.title}" makes no type of a backend.`, {
      hint: 'It begins with a letter and has at most 31 letters, digits and dashes: FluffyCloud, acme-gpu.',
    });
  }
  if (options.taken.has(type)) {
    throw new BerthError('conflict', `There is a backend of type ${type} already (C12).`, {
      hint: `\`berth backend check ${type}\` checks it; another name makes another one.`,
    });
  }
  const { dir, inClone } = placeOf(options, type);
  await refuseUsed(dir);
  const checkName = inClone ? type : pathFrom(options.cwd, dir);
  const words: ScaffoldOptions = {
    title: options.title,
    type,
    kind: options.kind,
    catalog: options.catalog,
    packageName: inClone ? `@berth/backend-${type}` : `berth-backend-${type}`,
    checkName,
  };
  const texts = new Map<string, string>();
  for (const file of FILES) {
    texts.set(file, render(await readFile(join(options.templates, `${file}.txt`), 'utf8'), words));
  }
  if (!inClone) for (const [file, text] of outside(options.clone, dir, texts)) texts.set(file, text);
  await writeAtOnce(dir, texts);
  // Types are checked against the clone's own; an installed Berth brings the contract by itself.
  const before = inClone || options.clone === null ? [] : ['npm install'];
  return { dir, type, files: [...texts.keys()], checkName, before };
}

/** As a path that nobody takes for a type. */
function pathFrom(cwd: string, dir: string): string {
  const way = relative(cwd, dir) || '.';
  return way.startsWith('.') ? way : `./${way}`;
}

function placeOf({ out, cwd, clone }: NewBackend, type: string): { readonly dir: string; readonly inClone: boolean } {
  const here = clone !== null && !relative(clone, cwd).startsWith('..') ? clone : null;
  const backends = here === null ? null : join(here, 'backends');
  const dir =
    out !== undefined ? resolve(cwd, out) : join(backends ?? cwd, backends === null ? `berth-backend-${type}` : type);
  const ours = clone === null ? null : join(clone, 'backends');
  return { dir, inClone: ours !== null && dirname(dir) === ours };
}

/** What a package of its own needs besides: types from the clone that made it, and what not to commit. */
function outside(clone: string | null, dir: string, texts: ReadonlyMap<string, string>): Map<string, string> {
  const more = new Map<string, string>();
  more.set('.gitignore', 'node_modules/\n');
  more.set(
    'tsconfig.json',
    json({
      compilerOptions: {
        target: 'ES2024',
        lib: ['ES2024', 'ESNext.Disposable'],
        module: 'NodeNext',
        types: ['node'],
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        allowImportingTsExtensions: true,
        noEmit: true,
        skipLibCheck: true,
      },
      include: ['src'],
    }),
  );
  if (clone === null) return more;
  // Links, so that the package has the same contract as the Berth that it is written for.
  const room = (name: string): string => `file:${relative(dir, join(clone, 'packages', name))}`;
  const manifest = JSON.parse(texts.get('package.json') ?? '{}') as Record<string, unknown>; // our own template
  more.set(
    'package.json',
    json({
      ...manifest,
      devDependencies: {
        '@berth/backend': room('backend'),
        '@berth/catalog': room('catalog'),
        '@berth/core': room('core'),
        '@berth/http': room('http'),
        '@types/node': '24',
        zod: '4',
      },
    }),
  );
  return more;
}

async function refuseUsed(dir: string): Promise<void> {
  const entries = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new BerthError('invalid-request', `${dir} cannot be used: ${error.message}.`, { cause: error });
  });
  if (entries.length === 0) return;
  throw new BerthError('conflict', `${dir} is there and not empty; nothing was written.`, {
    hint: 'Choose another name, or another place with `--out`.',
  });
}

/** All files or none: beside the place first, then there by one rename. */
async function writeAtOnce(dir: string, texts: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(dirname(dir), { recursive: true });
  const beside = join(dirname(dir), `.new-${process.pid}-${Date.now()}`);
  try {
    for (const [file, text] of texts) {
      const path = join(beside, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
    await rename(beside, dir);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw new BerthError('unavailable', `${dir} could not be written: ${(error as Error).message}.`, { cause: error });
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
