import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { RunSubmission } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import type { Blob } from '../blobs.ts';
import { specialKind } from '../regular-file.ts';
import { archive } from './archive.ts';
import { listFiles } from './file-list.ts';
import { diffAgainstHead, publishedCommit } from './git-state.ts';
import { guardIgnoreFiles } from './ignore-file-guard.ts';
import { DEFAULT_LIMIT_BYTES } from './refusals.ts';
import type { Spool } from './spool.ts';

export type CodeRef = NonNullable<RunSubmission['code']>;
export type FileRef = RunSubmission['files'][number];

export interface PackOptions {
  readonly spool: Spool;
  /** Compressed size of one archive or diff; 64 MiB when absent. */
  readonly limitBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface PackCodeOptions extends PackOptions {
  /** Where the code goes; the working directory when absent. */
  readonly path?: string;
  readonly ifExists?: 'error' | 'skip';
}

export interface PackedCode {
  /** Null: the directory holds nothing. */
  readonly ref: CodeRef | null;
  readonly blobs: readonly Blob[];
  readonly warnings: readonly string[];
}

/**
 * A directory as code for a job: as a commit and a diff where another machine can fetch the commit
 * (see `publishedCommit`), else as an archive.
 * @throws BerthError `too-large` with the largest files, `invalid-configuration` when a file cannot be
 * read; the signal's reason when aborted
 */
export async function packCode(dir: string, options: PackCodeOptions): Promise<PackedCode> {
  return guardIgnoreFiles(dir, options.signal, (signal) => packDirectory(dir, { ...options, signal }));
}

async function packDirectory(dir: string, options: PackCodeOptions): Promise<PackedCode> {
  const { spool, signal, path = '.', ifExists = 'error', limitBytes = DEFAULT_LIMIT_BYTES } = options;
  const placement = { path, if_exists: ifExists };
  const published = await publishedCommit(dir, signal);
  if (published !== null) {
    const diff = await diffAgainstHead(dir, spool, limitBytes, signal);
    if (diff !== 'nested') {
      const ref: CodeRef = { kind: 'git', ...published, diff: diff?.hash ?? null, ...placement };
      return { ref, blobs: diff === null ? [] : [diff], warnings: [] };
    }
  }
  const { files, warnings } = await listFiles(dir, signal);
  if (files.length === 0) return { ref: null, blobs: [], warnings };
  const blob = await archive(spool, { root: dir, files, limitBytes, signal });
  return { ref: { kind: 'tar', blob: blob.hash, bytes: blob.bytes, ...placement }, blobs: [blob], warnings };
}

/** Where only a directory can be: `.`, `..`, `~`, `/`, and what ends with a slash. */
const NAMES_A_DIRECTORY = /(^|\/)(\.\.?)?$|^~$/;

export interface FileToPack {
  /** Absolute. */
  readonly localPath: string;
  /** Where it goes, as the configuration says it. */
  readonly path: string;
}

export interface PackedFiles {
  readonly refs: readonly FileRef[];
  readonly blobs: readonly Blob[];
  readonly warnings: readonly string[];
}

/**
 * Each file or directory as an archive that holds it alone. Ignore files count inside a directory;
 * what is named itself always comes along.
 * @throws BerthError as `packCode`; a file that is missing has its index in `details.index`
 */
export async function packFiles(files: readonly FileToPack[], options: PackOptions): Promise<PackedFiles> {
  const { spool, signal, limitBytes = DEFAULT_LIMIT_BYTES } = options;
  const refs: FileRef[] = [];
  const blobs: Blob[] = [];
  const warnings: string[] = [];
  for (const [index, file] of files.entries()) {
    const root = resolve(file.localPath);
    const stats = await stat(root).catch((cause) => {
      throw new BerthError('invalid-configuration', `${file.localPath} does not exist or cannot be read`, {
        hint: 'paths in `files` are relative to the configuration file',
        details: { index },
        cause,
      });
    });
    const special = stats.isDirectory() ? null : specialKind(stats);
    if (special !== null) {
      throw new BerthError('invalid-configuration', `${file.localPath} is ${special}, which cannot be sent`, {
        hint: 'name a file or a directory',
        details: { index },
      });
    }
    if (stats.isFile() && NAMES_A_DIRECTORY.test(file.path)) {
      throw new BerthError(
        'invalid-configuration',
        `${file.localPath} is a file, and \`${file.path}\` names a directory`,
        {
          hint: `say what it is called there: \`${file.path.replace(/\/*$/, '/')}${basename(root)}\``,
          details: { index },
        },
      );
    }
    const listed = stats.isDirectory()
      ? await guardIgnoreFiles(root, signal, (guarded) => listFiles(root, guarded))
      : { files: [{ path: basename(root), size: stats.size }], warnings: [] };
    warnings.push(...listed.warnings.map((warning) => `${file.localPath}: ${warning}`));
    const blob = await archive(spool, {
      root: stats.isDirectory() ? root : resolve(root, '..'),
      // An empty directory is an archive of the directory itself.
      files: listed.files.length > 0 ? listed.files : [{ path: '.', size: 0 }],
      ...(stats.isDirectory() ? { prefix: basename(root) || 'root' } : {}),
      // What is named itself comes along as a file, also when it is a link to one.
      follow: !stats.isDirectory(),
      limitBytes,
      signal,
    });
    refs.push({ blob: blob.hash, bytes: blob.bytes, path: file.path });
    blobs.push(blob);
  }
  return { refs, blobs, warnings };
}
