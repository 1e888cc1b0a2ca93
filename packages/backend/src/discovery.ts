import { writeSync } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { z } from 'zod';
import type { AnyBackendDefinition } from './contract.ts';
import { definitionProblems, isBackendDefinition } from './definition-shape.ts';

/** A package that says that it is a backend. Nothing of it has been run yet. */
export interface DiscoveredBackend {
  readonly packageName: string;
  readonly dir: string;
  /** Absolute path of the module that `berth.backend` in its package.json names. */
  readonly module: string;
  /** Imports the module, once, and checks what it exports. Never throws. */
  load(): Promise<BackendLoad>;
}

export type BackendLoad =
  | { readonly ok: true; readonly definition: AnyBackendDefinition }
  | { readonly ok: false; readonly reason: string };

/** A backend that cannot be used, and why, in words for the person who installed it. */
export interface UnavailableBackend {
  readonly dir: string;
  readonly reason: string;
}

export interface Discovery {
  readonly found: readonly DiscoveredBackend[];
  readonly unavailable: readonly UnavailableBackend[];
}

export interface LoadedBackend {
  readonly packageName: string;
  readonly dir: string;
  readonly definition: AnyBackendDefinition;
}

export interface LoadedBackends {
  readonly available: readonly LoadedBackend[];
  readonly unavailable: readonly UnavailableBackend[];
}

/** A manifest that is larger is no manifest. */
const MANIFEST_LIMIT_BYTES = 1024 * 1024;

/** The largest SDKs load in some 2 s on a slow disk; a module that awaits for ever must not hold up the server. */
const LOAD_DEADLINE_MS = 15_000;

const Manifest = z.object({
  name: z.string().optional(),
  berth: z.object({ backend: z.unknown() }).optional(),
});

/**
 * Looks into the sub-folders of every root (`@scope/` ones too) for packages whose package.json says
 * `"berth": { "backend": "<relative module>" }`. The order is that of the roots, then by name, so that
 * every start of every server agrees on it. Packages that are no backends are passed over in silence.
 */
export async function discoverBackends(options: { readonly roots: readonly string[] }): Promise<Discovery> {
  const found: DiscoveredBackend[] = [];
  const unavailable: UnavailableBackend[] = [];
  const seen = new Set<string>();
  for (const root of options.roots) {
    const dirs = await packageDirs(resolve(root));
    for (const outcome of await Promise.all(dirs.map(inspectPackage))) {
      if (outcome === null) continue;
      // npm links workspaces into node_modules: the same package by two ways is one backend.
      const real = await realpath(outcome.dir).catch(() => outcome.dir);
      if (seen.has(real)) continue;
      seen.add(real);
      if ('reason' in outcome) unavailable.push(outcome);
      else found.push(outcome);
    }
  }
  return { found, unavailable };
}

/** Imports what was found, in order; of two packages with one type the first is used (C12). */
export async function loadBackends(discovery: Discovery): Promise<LoadedBackends> {
  const available: LoadedBackend[] = [];
  const unavailable: UnavailableBackend[] = [...discovery.unavailable];
  const byType = new Map<string, LoadedBackend>();
  const loads = await Promise.all(discovery.found.map(async (backend) => ({ backend, load: await backend.load() })));
  for (const { backend, load } of loads) {
    const { packageName, dir } = backend;
    if (!load.ok) {
      unavailable.push({ dir, reason: load.reason });
      continue;
    }
    const first = byType.get(load.definition.type);
    if (first !== undefined) {
      const reason =
        `Two packages are backends of type "${load.definition.type}" (C12): ${first.packageName} in ${first.dir}, ` +
        `which is used, and ${packageName} in ${dir}, which is not.`;
      unavailable.push({ dir, reason });
      continue;
    }
    const loaded = { packageName, dir, definition: load.definition };
    byType.set(load.definition.type, loaded);
    available.push(loaded);
  }
  return { available, unavailable };
}

/** Every folder below `root` that may be a package, by name. A root that cannot be read has none. */
async function packageDirs(root: string): Promise<readonly string[]> {
  const dirs: string[] = [];
  for (const name of await folderNames(root)) {
    const dir = join(root, name);
    if (!name.startsWith('@')) dirs.push(dir);
    else for (const scoped of await folderNames(dir)) dirs.push(join(dir, scoped));
  }
  return dirs;
}

async function folderNames(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort(); // by code unit: the same in every locale
}

async function inspectPackage(dir: string): Promise<DiscoveredBackend | UnavailableBackend | null> {
  const path = join(dir, 'package.json');
  let text: string;
  try {
    const stats = await stat(path);
    // A pipe into which nobody writes would be waited for without end.
    const isSpecial = !stats.isFile() && !stats.isDirectory();
    if (isSpecial || stats.size > MANIFEST_LIMIT_BYTES) return null;
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    return { dir, reason: `Its package.json cannot be read: ${messageOf(error)}.` };
  }
  // A folder like node_modules holds a thousand packages that never heard of us: not worth a parse each.
  if (!text.includes('"berth"')) return null;
  let manifest: z.infer<typeof Manifest>;
  try {
    const parsed = Manifest.safeParse(JSON.parse(text));
    // A `berth` that is no object, or has no `backend`, is for another part of Berth.
    if (!parsed.success) return null;
    manifest = parsed.data;
  } catch (error) {
    return { dir, reason: `Its package.json is not JSON: ${messageOf(error)}.` };
  }
  const declared = manifest.berth?.backend;
  if (declared === undefined) return null;
  const module = await resolveModule(dir, declared);
  if ('reason' in module) return { dir, reason: module.reason };
  return discovered(manifest.name ?? dir, dir, module.path);
}

/** The module must lie in the package: a manifest is data, and data must not choose what else runs. */
async function resolveModule(
  dir: string,
  declared: unknown,
): Promise<{ readonly path: string } | { readonly reason: string }> {
  if (typeof declared !== 'string' || declared === '') {
    return { reason: '`berth.backend` in its package.json must be the relative path of a module.' };
  }
  const path = resolve(dir, declared);
  if (isAbsolute(declared) || !isWithin(dir, path)) {
    return { reason: `\`berth.backend\` in its package.json leads out of the package: "${declared}".` };
  }
  try {
    const [realDir, realModule] = await Promise.all([realpath(dir), realpath(path)]);
    if (!isWithin(realDir, realModule)) {
      return { reason: `\`berth.backend\` in its package.json is a link out of the package: "${declared}".` };
    }
    if (!(await stat(realModule)).isFile()) return { reason: `Its module "${declared}" is not a file.` };
  } catch (error) {
    const why = isMissing(error) ? 'there is no such file' : messageOf(error);
    return { reason: `Its module "${declared}" cannot be read: ${why}.` };
  }
  return { path };
}

function isWithin(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function discovered(packageName: string, dir: string, module: string): DiscoveredBackend {
  let loading: Promise<BackendLoad> | null = null;
  return {
    packageName,
    dir,
    module,
    load: () => {
      loading ??= loadModule(module);
      return loading;
    },
  };
}

async function loadModule(module: string): Promise<BackendLoad> {
  let imported: { readonly default?: unknown } | null;
  if (importing.size === 0) process.on('exit', tellOfEnd);
  importing.add(module);
  try {
    imported = await withinLoadDeadline(import(pathToFileURL(module).href));
    if (imported === null) {
      return { ok: false, reason: `Importing its module ${module} took longer than ${LOAD_DEADLINE_MS} ms.` };
    }
  } catch (error) {
    return { ok: false, reason: `Its module ${module} cannot be imported: ${messageOf(error)}.` };
  } finally {
    importing.delete(module);
    if (importing.size === 0) process.off('exit', tellOfEnd);
  }
  try {
    // Looking runs the author's code too, where a member is a getter or the whole a proxy.
    const definition = imported.default;
    if (isBackendDefinition(definition)) return { ok: true, definition };
    return { ok: false, reason: `Its module ${module} is no backend: ${definitionProblems(definition).join('; ')}.` };
  } catch (error) {
    return { ok: false, reason: `What its module ${module} exports cannot be looked at: ${messageOf(error)}.` };
  }
}

/** Modules that are being imported. */
const importing = new Set<string>();

/** A module that ends the process takes everything with it; that it was this one must at least be said. */
function tellOfEnd(): void {
  const which = [...importing].join(', ');
  writeSync(2, `The process ended while backends were being imported. If nobody ended it, one did: ${which}\n`);
}

async function withinLoadDeadline<T>(importing: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<null>((resolveNull) => {
    timer = setTimeout(() => resolveNull(null), LOAD_DEADLINE_MS);
  });
  try {
    return await Promise.race([importing, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** One line, without the full stop that the sentence around it brings. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);
  return (text.split('\n')[0] ?? '').replace(/\.$/, '');
}
