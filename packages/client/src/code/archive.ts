import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '@berth/core/errors';
import { Pack } from 'tar';
import type { Blob } from '../blobs.ts';
import type { ListedFile } from './file-list.ts';
import { notReadable, tooLarge } from './refusals.ts';
import type { Spool } from './spool.ts';

/** The same for every file, so that the same content is the same archive; after 1980, before which zip knows no time. */
const FILE_DATE = new Date('2000-01-01T00:00:00Z');

export interface ArchiveOptions {
  /** Directory that the paths start from. */
  readonly root: string;
  readonly files: readonly ListedFile[];
  /** Directory inside the archive that everything is put into; '' for none. */
  readonly prefix?: string;
  readonly limitBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A gzip-compressed tar in which the same content is always the same bytes: sorted, without times,
 * owners and hard links, with only the permissions that git keeps too.
 * @throws BerthError `too-large`; `invalid-configuration` when a file cannot be read
 */
export function archive(spool: Spool, options: ArchiveOptions): Promise<Blob> {
  const { root, files, limitBytes, signal } = options;
  return spool.blob(async (write) => {
    const pack = new Pack({
      cwd: root,
      gzip: true,
      portable: true,
      mtime: FILE_DATE,
      noDirRecurse: true,
      // The paths are ours; the library would take `C:x` for an absolute one.
      preservePaths: true,
      ...(options.prefix ? { prefix: options.prefix } : {}),
      statCache: new Map(files.map((file) => [join(root, file.path), plainStats(file.stats)])),
    });
    let failure: unknown;
    pack.on('error', (error: unknown) => {
      failure ??= error;
    });
    for (const file of files) pack.add(file.path);
    pack.end();
    let size = 0;
    try {
      for await (const chunk of pack) {
        signal?.throwIfAborted();
        size += chunk.length;
        if (size > limitBytes) throw tooLarge(files, limitBytes);
        await write(chunk);
      }
    } catch (error) {
      if (error !== failure) throw error;
    }
    if (failure !== undefined) throw unreadable(failure);
  });
}

/** Hard links and the bits of a file's mode that differ between checkouts say nothing about content. */
function plainStats(stats: Stats): Stats {
  const plain = Object.assign(Object.create(Object.getPrototypeOf(stats)), stats);
  plain.nlink = 1;
  if (stats.isFile()) plain.mode = (stats.mode & ~0o777) | (stats.mode & 0o100 ? 0o755 : 0o644);
  if (stats.isDirectory()) plain.mode = (stats.mode & ~0o777) | 0o755;
  return plain;
}

function unreadable(cause: unknown): BerthError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const path = 'path' in error && typeof error.path === 'string' ? error.path : null;
  if ('code' in error && error.code === 'EACCES' && path !== null) return notReadable(path, cause);
  return new BerthError('invalid-configuration', `the code cannot be packed: ${error.message}`, {
    hint: 'a file may have changed meanwhile: try again',
    cause,
  });
}
