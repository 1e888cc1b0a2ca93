/** Files that are there as a whole or not at all, also after a power cut. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const UNFINISHED = '.tmp';
/** Nobody writes one file for longer; what is older was left by a process that died. */
const ABANDONED_AFTER_MS = 60 * 60_000;

/**
 * Replaces or makes the file, and its folder. Several may do so at once: the last one wins. When it
 * resolves, content and name outlive a power cut. Nothing is left of a write that fails.
 */
export async function writeWhole(path: string, content: Uint8Array | string, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.${randomBytes(8).toString('hex')}${UNFINISHED}`;
  try {
    const file = await open(beside, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Removes what writers that died left in the folder. `now` in ms since 1970. */
export async function removeAbandoned(folder: string, now: number): Promise<void> {
  for (const { path, modifiedAt } of await filesIn(folder)) {
    if (path.endsWith(UNFINISHED) && now - modifiedAt > ABANDONED_AFTER_MS) await rm(path, { force: true });
  }
}

export interface FoundFile {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** None when there is no such folder; what vanishes meanwhile is left out. */
export async function filesIn(folder: string): Promise<FoundFile[]> {
  const names = await readdir(folder).catch(ifMissing([]));
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const info = await stat(path).catch(ifMissing(null));
      return info?.isFile() ? { path, modifiedAt: info.mtimeMs } : null;
    }),
  );
  return found.filter((file) => file !== null);
}

/** For `.catch`: the value instead of an error that says that there is no such file. */
export function ifMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return value;
    throw error;
  };
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
