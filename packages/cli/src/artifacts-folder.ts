import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describeSystemError, isSystemError, type SystemError } from '@berth/client/system-error';
import { BerthError } from '@berth/core/errors';

/** Says that a folder is ours: it may be replaced, and what is in it belongs to no code. */
export const MARKER = '.berth-artifacts.json';

export interface ArtifactsOf {
  readonly run: string;
  readonly id: string;
}

/**
 * Fills a new folder beside `path` and then puts it in the place of the one that is there, so that
 * `path` never holds half of it. Only a folder that was made here before, or an empty one, is replaced.
 * @returns where it is
 * @throws BerthError `conflict` when something else is in the way
 */
export async function fillArtifactsFolder(
  path: string,
  about: ArtifactsOf,
  fill: (dir: string) => Promise<void>,
): Promise<void> {
  const replaceable = await isReplaceable(path).catch((error) => {
    throw isSystemError(error) ? notStored(error, path, about) : error;
  });
  if (!replaceable) {
    throw new BerthError('conflict', `${path} exists and was not made by Berth, so it is not replaced`, {
      hint: `move it away, or choose another place: \`berth run artifacts ${about.run} -o DIR\``,
    });
  }
  const fresh = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await mkdir(fresh);
    await fill(fresh);
    await writeFile(join(fresh, MARKER), `${JSON.stringify({ ...about, fetched_at: new Date().toISOString() })}\n`);
    // Results are not code: without this the next `apply` would send them back. The job's own file stays.
    const ignore = join(fresh, '.gitignore');
    if (!existsSync(ignore)) await writeFile(ignore, '*\n');
    await rm(path, { recursive: true, force: true });
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true }).catch(() => {}); // the first error is the one to tell
    throw isSystemError(error) ? notStored(error, path, about) : error;
  }
}

function notStored(cause: SystemError, path: string, about: ArtifactsOf): BerthError {
  const full = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
  return new BerthError('unavailable', `the artifacts cannot be stored in ${path}: ${describeSystemError(cause)}`, {
    hint: `${full ? 'make room' : 'correct that'}, or choose another place: \`berth run artifacts ${about.run} -o DIR\``,
    cause,
  });
}

/** `artifacts/RUN` below the current directory, or the first `artifacts/RUN-2`, … that nobody else has taken. */
export async function defaultArtifactsPath(cwd: string, run: string): Promise<string> {
  for (let n = 1; ; n++) {
    const path = join(cwd, 'artifacts', n === 1 ? run : `${run}-${n}`);
    if (await isReplaceable(path)) return path;
  }
}

/** @throws the system's error when that cannot be known: then no other name beside it can be had either */
async function isReplaceable(path: string): Promise<boolean> {
  try {
    const names = await readdir(path);
    return names.length === 0 || (names.includes(MARKER) && (await isOurs(join(path, MARKER))));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ENOENT') return true;
    // A file of that name is in the way; a file instead of a folder above it is another matter.
    if (error.code === 'ENOTDIR' && (await lstat(path).catch(() => null)) !== null) return false;
    throw error;
  }
}

async function isOurs(marker: string): Promise<boolean> {
  try {
    const parsed: unknown = JSON.parse(await readFile(marker, 'utf8'));
    return typeof parsed === 'object' && parsed !== null && 'fetched_at' in parsed;
  } catch {
    return false;
  }
}
