import { copyFile, lstat, mkdir, realpath, stat, utimes } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BerthError } from '@berth/core/errors';
import type { Blob } from '../blobs.ts';
import { type ListedFile, listFiles, splitNames } from './file-list.ts';
import { type GitOptions, gitText, runGit } from './git.ts';
import { tooLarge } from './refusals.ts';
import { cloneableRemote } from './remote-url.ts';
import type { Spool } from './spool.ts';

/** A commit that another machine can fetch. */
export interface PublishedCommit {
  /** Without credentials. */
  readonly remote: string;
  /** A branch of the remote that holds the commit. */
  readonly branch: string;
  readonly commit: string;
}

/**
 * The commit that is checked out, when `dir` is the top of a work tree, a remote that other machines
 * can reach without our credentials has the commit, and the commit is all there is to the tree: a
 * submodule's changes are in no diff, so a tree that has submodules is packed as files.
 */
export async function publishedCommit(dir: string, signal?: AbortSignal): Promise<PublishedCommit | null> {
  const options: GitOptions = { cwd: dir, signal };
  const state = await gitText(['rev-parse', '--is-inside-work-tree', '--show-toplevel'], options);
  const top = state?.startsWith('true\n') ? state.slice('true\n'.length) : null;
  if (top === null || (await realpath(top)) !== (await realpath(dir))) return null;
  const commit = await gitText(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], options);
  if (commit === null) return null;
  const [refs, upstream, remotes, tracked] = await Promise.all([
    gitText(['for-each-ref', '--contains', commit, '--format=%(symref)%00%(refname)', 'refs/remotes/'], options),
    gitText(['rev-parse', '--symbolic-full-name', '--verify', '--quiet', '@{upstream}'], options),
    gitText(['remote'], options),
    runGit(['ls-files', '-z', '--stage'], options),
  ]);
  if (tracked === null || tracked.code !== 0 || hasSubmodule(tracked.stdout)) return null;
  const holders = (refs ?? '')
    .split('\n')
    .filter((line) => line.startsWith('\0'))
    .map((line) => line.slice(1));
  // The branch that is followed first, then origin's: the likeliest to be there tomorrow.
  const rank = (ref: string) => (ref === upstream ? 0 : ref.startsWith('refs/remotes/origin/') ? 1 : 2);
  holders.sort((a, b) => rank(a) - rank(b));
  const names = (remotes ?? '').split('\n').sort((a, b) => b.length - a.length);
  for (const ref of holders) {
    const name = names.find((remote) => ref.startsWith(`refs/remotes/${remote}/`));
    if (name === undefined) continue;
    const url = await gitText(['remote', 'get-url', name], options);
    const remote = url === null ? null : cloneableRemote(url);
    if (remote !== null) return { remote, branch: ref.slice(`refs/remotes/${name}/`.length), commit };
  }
  return null;
}

function hasSubmodule(stage: Buffer): boolean {
  const text = stage.toString('latin1');
  return text.startsWith('160000 ') || text.includes('\x00160000 ');
}

/** A diff is text that may be five times as long as what it adds; beyond this it is not worth trying. */
const WORTH_TRYING = 16;

/**
 * What is different from the commit that is checked out: changed, staged, deleted and new files that
 * are not ignored, as one binary diff. The user's index and objects stay as they are.
 * @returns null when nothing is different; 'nested' when a repository of its own lies inside, which
 * no diff can carry
 * @throws BerthError `too-large`
 */
export async function diffAgainstHead(
  dir: string,
  spool: Spool,
  limitBytes: number,
  signal?: AbortSignal,
): Promise<Blob | null | 'nested'> {
  const changed = await changedFiles(dir, signal);
  if (changed.paths.some((path) => path.endsWith('/'))) return 'nested';
  const total = changed.files.reduce((sum, file) => sum + file.size, 0);
  if (total > limitBytes * WORTH_TRYING) throw tooLarge(changed.files, limitBytes);

  const locations = await gitText(['rev-parse', '--git-path', 'index', '--git-path', 'objects'], { cwd: dir, signal });
  const [index, objects] = (locations ?? '').split('\n');
  if (index === undefined || objects === undefined) return null;
  const temporary = { index: spool.path('index'), objects: spool.path('objects') };
  await copyIndex(resolve(dir, index), temporary.index).catch((error) => {
    if (error.code !== 'ENOENT') throw error; // nothing was ever staged
  });
  await mkdir(temporary.objects);
  const options: GitOptions = {
    cwd: dir,
    signal,
    env: {
      GIT_INDEX_FILE: temporary.index,
      GIT_OBJECT_DIRECTORY: temporary.objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(dir, objects),
    },
  };
  if (changed.paths.length > 0) {
    const add = ['--literal-pathspecs', '-c', 'core.splitIndex=false', '-c', 'core.safecrlf=false', 'add', '-A'];
    const input = changed.paths.map((path) => `${path}\0`).join('');
    const added = await runGit([...add, '--pathspec-from-file=-', '--pathspec-file-nul'], { ...options, input });
    if (added?.code !== 0) throw failed('add', added?.stderr);
  }
  let size = 0;
  const blob = await spool.blob(async (write) => {
    const result = await runGit(DIFF, {
      ...options,
      onOutput: async (chunk) => {
        size += chunk.length;
        if (size > limitBytes) throw tooLarge(changed.files, limitBytes);
        await write(chunk);
      },
    });
    if (result?.code !== 0) throw failed('diff', result?.stderr);
  });
  return size === 0 ? null : blob;
}

/** Whatever the user's configuration says, the diff is one that `git apply` takes. */
const DIFF = [
  ...['diff', '--cached', '--binary', '--full-index', '--no-renames', '--no-color'],
  ...['--no-ext-diff', '--no-textconv', '--ignore-submodules=all', '--src-prefix=a/', '--dst-prefix=b/', 'HEAD'],
];

async function changedFiles(dir: string, signal: AbortSignal | undefined) {
  const list = ['ls-files', '-z', '--modified', '--deleted', '--others', '--exclude-standard', '--deduplicate'];
  const [listed, all] = await Promise.all([runGit(list, { cwd: dir, signal }), listFiles(dir, signal)]);
  if (listed?.code !== 0) throw failed('ls-files', listed?.stderr);
  const byPath = new Map<string, ListedFile>(all.files.map((file) => [file.path, file]));
  const paths: string[] = [];
  const files: ListedFile[] = [];
  for (const path of splitNames(listed.stdout, [])) {
    const file = byPath.get(path);
    const isNested = path.endsWith('/') && all.files.some((other) => other.path.startsWith(path));
    if (file !== undefined) files.push(file);
    // There, but not among what belongs to the directory: .berthignore names it.
    else if (!isNested && (await lstat(resolve(dir, path)).catch(() => null)) !== null) continue;
    paths.push(path);
  }
  return { paths, files };
}

function failed(command: string, stderr: string | undefined): BerthError {
  return new BerthError('invalid-configuration', `\`git ${command}\` failed here: ${stderr ?? 'no git'}`, {
    hint: 'see whether `git status` works, or use `--no-repo`',
  });
}

/**
 * Git takes a file that is as old as the index for one that may have changed unseen, and looks into it.
 * A copy that is younger than the index would have it trust such files; so the copy is as old.
 */
async function copyIndex(from: string, to: string): Promise<void> {
  const { atime, mtime } = await stat(from);
  await copyFile(from, to);
  await utimes(to, atime, mtime);
}
