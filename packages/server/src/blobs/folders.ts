import { open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMissing } from '../logs/job-log.ts';

/** Every file below `dir`, one folder after the other. */
export async function* filesBelow(dir: string): AsyncGenerator<string> {
  let entries: Awaited<ReturnType<typeof listed>>;
  try {
    entries = await listed(dir);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

const listed = (dir: string) => readdir(dir, { withFileTypes: true });

/**
 * Makes names durable: a file's name is in its folder, and a folder's in the one above. From `dir` up to
 * and with `top`.
 */
export async function syncFolders(dir: string, top: string): Promise<void> {
  for (let at = dir; ; at = dirname(at)) {
    const folder = await open(at, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    if (at === top || at === dirname(at)) return;
  }
}
