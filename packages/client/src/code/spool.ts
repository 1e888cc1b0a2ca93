import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Blob } from '../blobs.ts';
import { makePrivateFolder } from '../private-folder.ts';

/** A directory for what is packed until it is sent. Removed by `dispose`, or a day later by the next one. */
export interface Spool {
  /**
   * Writes what `fill` writes and hashes it on the way.
   * @throws what `fill` throws, for example because the limit was passed
   */
  blob(fill: (write: (chunk: Uint8Array) => Promise<void>) => Promise<void>): Promise<Blob>;
  /** A new path in the directory; nothing is there yet. */
  path(name: string): string;
  dispose(): Promise<void>;
}

const PREFIX = 'pack-';
const STALE_MS = 24 * 3_600_000;

export async function openSpool(parent: string, now: () => number = Date.now): Promise<Spool> {
  makePrivateFolder(parent);
  await removeStale(parent, now());
  const dir = await mkdtemp(join(parent, PREFIX));
  let count = 0;
  return {
    async blob(fill) {
      const path = join(dir, `blob-${count++}`);
      const hash = createHash('sha256');
      let bytes = 0;
      const file = await open(path, 'wx', 0o600);
      try {
        await fill(async (chunk) => {
          hash.update(chunk);
          bytes += chunk.length;
          await file.write(chunk).catch((error) => {
            throw Object.assign(error, { path }); // the system does not say which file
          });
        });
      } finally {
        await file.close();
      }
      return { hash: hash.digest('hex'), bytes, open: () => createReadStream(path) };
    },
    path: (name) => join(dir, `${name}-${count++}`),
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
}

/** Left behind by a program that was killed. */
async function removeStale(parent: string, now: number): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    const age = now - ((await stat(path).catch(() => null))?.mtimeMs ?? now);
    if (age > STALE_MS) await rm(path, { recursive: true, force: true });
  }
}
