import { homedir } from 'node:os';
import { isAbsolute, join, parse, resolve } from 'node:path';
import type { Blob } from '@berth/client/blobs';
import { type CodeRef, type FileRef, packCode, packFiles } from '@berth/client/code/pack-code';
import { remoteCommit } from '@berth/client/code/remote-commit';
import type { Spool } from '@berth/client/code/spool';
import { formatBytes } from '@berth/client/format-bytes';
import type { CheckedTask } from '@berth/core/configuration';
import { BerthError } from '@berth/core/errors';
import type { RepoSpec } from '@berth/core/repo-spec';
import type { ConfigurationText } from '../configuration-file.ts';
import { rememberSource } from '../output/error.ts';

export interface CollectedCode {
  readonly code: CodeRef | null;
  readonly files: readonly FileRef[];
  readonly blobs: readonly Blob[];
  readonly warnings: readonly string[];
  /** What is sent, for the plan. */
  readonly about: string;
}

export interface CollectOptions {
  readonly cwd: string;
  readonly source: ConfigurationText;
  readonly spool: Spool;
  /** `--repo`; false: `--no-repo`. */
  readonly repo: string | false | undefined;
  readonly signal: AbortSignal;
}

/**
 * The code and files of a task: what `repos` or `--repo` names, else the current directory.
 * @throws BerthError
 */
export async function collectCode(task: CheckedTask, options: CollectOptions): Promise<CollectedCode> {
  const packed = await packRepo(task, options);
  const files = await packTaskFiles(task, options);
  return {
    code: packed.ref,
    files: files.refs,
    blobs: [...packed.blobs, ...files.blobs],
    warnings: [...packed.warnings, ...files.warnings],
    about: packed.about,
  };
}

interface PackedRepo {
  readonly ref: CodeRef | null;
  readonly blobs: readonly Blob[];
  readonly warnings: readonly string[];
  readonly about: string;
}

const NOTHING: PackedRepo = { ref: null, blobs: [], warnings: [], about: 'none' };

async function packRepo(task: CheckedTask, options: CollectOptions): Promise<PackedRepo> {
  const { cwd, source, spool, signal } = options;
  if (options.repo === false) return NOTHING;
  const named = options.repo === undefined ? task.fields.repos?.[0] : await parseRepoOption(options.repo);
  if (named?.source.kind === 'url') {
    const repo = { ...named, url: named.source.url };
    const ref = await remoteCommit(repo, signal);
    return { ref, blobs: [], warnings: [], about: describe(ref, named.source.url) };
  }
  if (named === undefined && isTooBroad(cwd)) {
    const warnings = ['the current directory is not a project, so its files are not sent; `--repo .` sends them'];
    return { ...NOTHING, warnings };
  }
  // A path of the file starts from the file, one of the command line from where it is typed.
  const base = options.repo === undefined ? source.directory : cwd;
  const dir = named === undefined ? cwd : localPath(named.source.path, base);
  const placement = named === undefined ? {} : { path: named.path, ifExists: named.ifExists };
  const packed = await packCode(dir, { spool, signal, ...placement }).catch((error) => {
    throw isMissing(error) ? new BerthError('invalid-configuration', `the repo ${dir} is not a directory`) : error;
  });
  return {
    ...packed,
    about:
      packed.ref === null
        ? 'none: the directory is empty'
        : describe(packed.ref, dir === cwd ? 'the current directory' : dir),
  };
}

async function parseRepoOption(text: string): Promise<RepoSpec> {
  const { parseRepo } = await import('@berth/core/repo-spec');
  return parseRepo(text);
}

/** A whole home directory or disk is never what somebody wants to send. */
function isTooBroad(dir: string): boolean {
  return dir === homedir() || dir === parse(dir).root;
}

async function packTaskFiles(task: CheckedTask, options: CollectOptions) {
  const files = (task.fields.files ?? []).map((file) => ({
    localPath: localPath(file.localPath, options.source.directory),
    path: file.path,
  }));
  try {
    return await packFiles(files, { spool: options.spool, signal: options.signal });
  } catch (error) {
    const index = error instanceof BerthError ? error.details.index : undefined;
    if (!(error instanceof BerthError) || typeof index !== 'number') throw error;
    throw await atPlace(error, ['files', index], options.source);
  }
}

/** The same error with the place in the file that it is about. */
async function atPlace(
  error: BerthError,
  path: readonly (string | number)[],
  source: ConfigurationText,
): Promise<BerthError> {
  const { parseYaml } = await import('@berth/core/yaml');
  const place = parseYaml(source.text, { file: source.file }).position(path);
  const issue = { path: `files[${path[1]}]`, message: error.message, ...place };
  const placed = new BerthError(error.code, `${source.file} cannot be used as it is`, {
    issues: [error.hint === undefined ? issue : { ...issue, hint: error.hint }],
    details: { file: source.file },
    cause: error,
  });
  rememberSource(placed, source);
  return placed;
}

function localPath(path: string, base: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return isAbsolute(path) ? path : resolve(base, path);
}

function describe(ref: CodeRef, from: string): string {
  if (ref.kind === 'tar') return `${from} (${formatBytes(ref.bytes)})`;
  const changes = ref.diff === null ? '' : ' with uncommitted changes';
  return `${ref.remote} at ${ref.branch ?? ''}${ref.branch === null ? '' : ' '}${ref.commit.slice(0, 10)}${changes}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
