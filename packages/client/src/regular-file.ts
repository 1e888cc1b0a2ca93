import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** There is something of that name, but it cannot be read as a file. */
export class NotAFile extends Error {
  override readonly name = 'NotAFile';
  readonly path: string;
  /** `a directory`, `a named pipe`. */
  readonly kind: string;

  constructor(path: string, kind: string) {
    super(`${path} is ${kind}, not a file`);
    this.path = path;
    this.kind = kind;
  }
}

/** What something is that is no file, with its article; null for a file. */
export function specialKind(stats: Pick<Stats, 'isDirectory' | 'isFIFO' | 'isSocket' | 'isFile'>): string | null {
  if (stats.isFile()) return null;
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a named pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/**
 * Opens a file for reading. Anything else is never waited for: a pipe into which nobody writes would be for ever.
 * @throws NotAFile; the system's error when it cannot be opened
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    // What a socket says, and a device that has no driver.
    if (error instanceof Error && 'code' in error && error.code === 'ENXIO') throw new NotAFile(path, 'a socket');
    throw error;
  }
  const kind = specialKind(await handle.stat());
  if (kind === null) return handle;
  await handle.close();
  throw new NotAFile(path, kind);
}
