import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from './failure.ts';
import { removePlaced } from './placed-files.ts';

/** Where a job lives that does not run as the agent's own user; to be removed with the job. */
export function otherUsersScratch(job: string): string {
  return join(tmpdir(), `berth-${job}`);
}

/**
 * Removes all that a job has on this machine; `dir` is its own directory. Throws what the file system
 * throws when something cannot be removed, with the rest gone.
 */
export async function removeJobFiles(job: string, dir: string): Promise<void> {
  // First: only in the job's directory it is written.
  await removePlaced(dir);
  const failures: unknown[] = [];
  for (const path of [otherUsersScratch(job), dir]) {
    await removeTree(path).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/** As `rm -rf`, and of directories that their owner has closed against himself too, as package caches are. */
async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
    await openDirectories(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function openDirectories(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null || !found.isDirectory()) return;
  await chmod(path, 0o700).catch(() => undefined); // another user's; the removal tells
  for (const name of await readdir(path).catch(() => [])) await openDirectories(join(path, name));
}
