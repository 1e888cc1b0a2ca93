import { lstatSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gitText, runGit } from './git.ts';
import { ALL_IGNORE_FILES, IgnoreRules, OWN_IGNORE_FILES } from './ignore-rules.ts';
import { notReadable } from './refusals.ts';

/**
 * What is packed: a file, a symbolic link (as a link) or a directory that is empty. There may be hundreds of
 * thousands, so it holds no more than is needed of all of them at once.
 */
export interface ListedFile {
  /** From the root, with slashes. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

export interface FileList {
  /** Sorted by path. */
  readonly files: readonly ListedFile[];
  /** What was left out that nobody asked to leave out. */
  readonly warnings: readonly string[];
}

/**
 * What belongs to a directory: in a git work tree the tracked files and the untracked ones that are
 * not ignored; elsewhere everything but `.git` that no ignore file names.
 */
export async function listFiles(root: string, signal?: AbortSignal): Promise<FileList> {
  const collected: Collected = { files: [], warnings: [], signal };
  await listTree(root, '', collected);
  collected.files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return collected;
}

interface Collected {
  readonly files: ListedFile[];
  readonly warnings: string[];
  readonly signal: AbortSignal | undefined;
}

async function listTree(root: string, base: string, into: Collected): Promise<void> {
  const names = await gitPaths(join(root, base), into);
  if (names === null) {
    await walk(root, base, new IgnoreRules(), into);
    return;
  }
  const own = await ownRules(root, base, names);
  for (const name of names) {
    // A submodule, or a repository inside this one: it has its own index and its own ignore files.
    const nested = name.endsWith('/');
    const path = base === '' ? name : `${base}/${name}`;
    if (own.ignores(nested ? path.slice(0, -1) : path, nested)) continue;
    if (nested) {
      await listTree(root, path.slice(0, -1), into);
      continue;
    }
    const stats = statsOf(join(root, path));
    if (stats === null) continue; // tracked but deleted
    if (stats.isDirectory()) await listTree(root, path, into);
    else addFile(path, stats, into);
  }
}

/** Null when the directory is in no work tree, or is itself ignored there, so that git would list nothing. */
async function gitPaths(dir: string, into: Collected): Promise<string[] | null> {
  const options = { cwd: dir, signal: into.signal };
  const prefix = await gitText(['rev-parse', '--show-prefix'], options);
  if (prefix === null) return null;
  if (prefix !== '') {
    const ignored = await runGit(['check-ignore', '-q', '.'], options);
    if (ignored === null || ignored.code === 0) return null;
  }
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate', '--', '.'];
  const listed = await runGit(args, options);
  if (listed === null || listed.code !== 0) return null;
  return splitNames(listed.stdout, into.warnings);
}

/** Names that git ended with zero bytes. */
export function splitNames(output: Buffer, warnings: string[]): string[] {
  const names: string[] = [];
  for (let start = 0; start < output.length; ) {
    const end = output.indexOf(0, start);
    const bytes = output.subarray(start, end < 0 ? output.length : end);
    const name = bytes.toString('utf8');
    if (Buffer.from(name).equals(bytes)) names.push(name);
    else warnings.push(`${JSON.stringify(name)} is left out: its name is not UTF-8`);
    start += bytes.length + 1;
  }
  return names;
}

async function ownRules(root: string, base: string, names: readonly string[]): Promise<IgnoreRules> {
  // Those at the top count also where git does not list them.
  let rules = await new IgnoreRules().withFilesOf(root, base, OWN_IGNORE_FILES);
  const files = names.filter((name) => OWN_IGNORE_FILES.some((own) => name.endsWith(`/${own}`)));
  // Outer directories first: deeper rules win.
  for (const name of files.sort((a, b) => a.length - b.length)) {
    const dir = dirname(name) === '.' ? base : join(base, dirname(name));
    rules = await rules.withFilesOf(root, dir, [name.slice(name.lastIndexOf('/') + 1)]);
  }
  return rules;
}

async function walk(root: string, base: string, outer: IgnoreRules, into: Collected): Promise<void> {
  into.signal?.throwIfAborted();
  const rules = await outer.withFilesOf(root, base, ALL_IGNORE_FILES);
  const entries = await readdir(join(root, base), { withFileTypes: true }).catch((cause) => {
    throw notReadable(base === '' ? root : base, cause);
  });
  for (const entry of entries) {
    if (entry.name === '.git') continue;
    const path = base === '' ? entry.name : `${base}/${entry.name}`;
    if (rules.ignores(path, entry.isDirectory())) continue;
    if (!entry.isDirectory()) {
      const stats = statsOf(join(root, path));
      if (stats !== null) addFile(path, stats, into);
      continue;
    }
    const before = into.files.length;
    await walk(root, path, rules, into);
    // A job may want to write into it, so an empty directory comes along.
    if (into.files.length === before && (await readdir(join(root, path))).length === 0) {
      into.files.push({ path, size: 0 });
    }
  }
}

/** Asked one after the other and at once: through the thread pool 100,000 answers take seconds. */
function statsOf(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

function addFile(path: string, stats: Stats, into: Collected): void {
  if (stats.isFile() || stats.isSymbolicLink()) into.files.push({ path, size: stats.size });
  else into.warnings.push(`${path} is left out: it is neither a file nor a directory nor a link`);
}
