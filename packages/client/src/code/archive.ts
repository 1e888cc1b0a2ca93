import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { BerthError } from '@berth/core/errors';
import { WriteEntry } from 'tar';
import type { Blob } from '../blobs.ts';
import { reasonOf } from '../system-error.ts';
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
  /** Links are packed as what they lead to. */
  readonly follow?: boolean;
  readonly limitBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A gzip-compressed tar in which the same content is always the same bytes: sorted, without times,
 * owners and hard links, with only the permissions that git keeps too. Few files are open at a time, and
 * none is held in memory, however many there are.
 * @throws BerthError `too-large`; `invalid-configuration` when a file cannot be read
 */
export function archive(spool: Spool, options: ArchiveOptions): Promise<Blob> {
  const { files, limitBytes, signal } = options;
  return spool.blob(async (write) => {
    let size = 0;
    await pipeline(joined(tarOf(options)), createGzip(), async (compressed: AsyncIterable<Uint8Array>) => {
      for await (const chunk of compressed) {
        signal?.throwIfAborted();
        // Gzip names the system that it ran on.
        if (size === 0) chunk[GZIP_SYSTEM] = UNKNOWN_SYSTEM;
        size += chunk.length;
        if (size > limitBytes) throw tooLarge(files, limitBytes);
        await write(chunk);
      }
    });
  });
}

const GZIP_SYSTEM = 9;
const UNKNOWN_SYSTEM = 255;
/** Two empty blocks. */
const END_OF_TAR = Buffer.alloc(1024);
/** Opened before their turn comes, so that small files need not wait for the disk one by one. */
const AHEAD = 8;
const MOST_READ_BYTES = 256 * 1024;

async function* tarOf(options: ArchiveOptions): AsyncGenerator<Uint8Array> {
  const { files, signal } = options;
  const opened: Promise<Opened>[] = [];
  let next = 0;
  for (let done = 0; done < files.length; done++) {
    signal?.throwIfAborted();
    for (; next < files.length && next < done + AHEAD; next++) {
      const file = files[next];
      if (file !== undefined) opened.push(open(file, options));
    }
    const current = await opened.shift();
    if (current === undefined) break;
    try {
      if (current.failure !== null) throw current.failure;
      yield* current.entry as AsyncIterable<Uint8Array>; // without an encoding it gives bytes
      if (current.failure !== null) throw current.failure;
    } catch (error) {
      throw unreadable(error);
    }
  }
  yield END_OF_TAR;
}

type Opened = { readonly entry: WriteEntry; failure: unknown } | { readonly entry: null; readonly failure: unknown };

/** Never rejects: nobody may be waiting for it yet. */
async function open(file: ListedFile, { root, prefix, follow }: ArchiveOptions): Promise<Opened> {
  const absolute = join(root, file.path);
  try {
    const stats = plainStats(await (follow === true ? stat(absolute) : lstat(absolute)));
    const entry = new WriteEntry(file.path, {
      cwd: root,
      absolute,
      portable: true,
      mtime: FILE_DATE,
      // The paths are ours; the library would take `C:x` for an absolute one.
      preservePaths: true,
      maxReadSize: MOST_READ_BYTES,
      ...(prefix ? { prefix } : {}),
      statCache: new Map([[absolute, stats]]),
    });
    const opened: Opened = { entry, failure: null };
    entry.on('error', (error: unknown) => {
      opened.failure ??= error;
    });
    return opened;
  } catch (failure) {
    return { entry: null, failure };
  }
}

/** Small pieces together, so that compressing is not called for every header. */
async function* joined(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < MOST_READ_BYTES) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
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
  return new BerthError('invalid-configuration', `the code cannot be packed: ${reasonOf(error)}`, {
    hint: 'a file may have changed meanwhile: try again',
    cause,
  });
}
