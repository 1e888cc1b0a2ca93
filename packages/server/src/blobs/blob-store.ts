import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BerthError } from '@berth/core/errors';
import type { BlobHash, Clock, Millis, ProjectId, RandomBytes } from '@berth/core/ids';
import type { BlobRow, Store } from '@berth/store';
import { isMissing } from '../logs/job-log.ts';
import { filesBelow, syncFolders } from './folders.ts';

const DAY_MS = 24 * 60 * 60_000;
/** Code that no live run needs stays this long, so that the next apply of it sends nothing. */
export const KEEP_UNUSED_MS = 7 * DAY_MS;
/** Who is told that a blob is here will refer to it soon; one that is about to go is sent again instead. */
const MARGIN_MS = DAY_MS / 2;
/** How exact `usedAt` is: an apply should not have to write it every time. */
const USED_STEP_MS = 60 * 60_000;

export interface BlobStoreOptions {
  readonly dir: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly maxBytes: number;
  /** Other servers write into the same folder. */
  readonly isShared?: boolean;
}

/** No upload takes so long; and clocks of servers differ by less. */
const ABANDONED_MS = DAY_MS;

/** What an upload writes to, until it is whole. */
const UNFINISHED = '.tmp';

export const blobId = (project: ProjectId, hash: BlobHash): string => `${project}/${hash}`;

/**
 * Code and files of the users under their SHA-256, each project's apart: a hash proves what the bytes
 * are, not that somebody may have them. What is on the disk decides whether a blob is here; its row says
 * how long it is and when it may go.
 */
export class BlobStore {
  readonly maxBytes: number;
  readonly #options: BlobStoreOptions;
  /** Paths that uploads are writing to. */
  readonly #underway = new Set<string>();

  constructor(options: BlobStoreOptions) {
    this.#options = options;
    this.maxBytes = options.maxBytes;
  }

  /** Which of these must be sent. */
  async missing(project: ProjectId, hashes: readonly BlobHash[]): Promise<BlobHash[]> {
    if (hashes.length === 0) return [];
    const { store, clock } = this.#options;
    const rows = await store.read.blobs.find({ where: { id: { in: hashes.map((hash) => blobId(project, hash)) } } });
    const oldest = clock.now() - KEEP_UNUSED_MS + MARGIN_MS;
    const whole = await this.#whole(rows.filter(({ usedAt }) => usedAt > oldest));
    const here = new Set(whole.map(({ hash }) => hash));
    return hashes.filter((hash) => !here.has(hash));
  }

  /**
   * Stores the bytes of `body`, which must have the hash that they are sent under, also in the place of a
   * file that was damaged. Nothing is kept of what is too long, is broken off, or is something else. When
   * it resolves, the bytes outlive a power cut.
   * @throws BerthError `too-large` or `invalid-request`
   */
  async put(project: ProjectId, hash: BlobHash, body: AsyncIterable<Uint8Array>): Promise<void> {
    const { clock, random } = this.#options;
    const path = this.path(project, hash);
    const beside = `${path}.${Buffer.from(random(8)).toString('hex')}${UNFINISHED}`;
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    this.#underway.add(beside);
    try {
      const bytes = await this.#write(beside, hash, body);
      await this.#record(project, hash, bytes, clock.now(), () => renameSync(beside, path));
      await syncFolders(dirname(path), made === undefined ? dirname(path) : dirname(made));
    } finally {
      await rm(beside, { force: true });
      this.#underway.delete(beside);
    }
  }

  /** Removes what uploads have left behind that broke off with their server. Returns how many files went. */
  async sweepUnfinished(): Promise<number> {
    let removed = 0;
    for await (const path of filesBelow(this.#options.dir)) {
      if (!path.endsWith(UNFINISHED) || this.#underway.has(path)) continue;
      if (this.#options.isShared === true && (await this.#isFresh(path))) continue;
      await rm(path, { force: true });
      removed++;
    }
    return removed;
  }

  /**
   * A run is about to refer to these.
   * @throws BerthError `conflict` when one of them is not here
   */
  async use(project: ProjectId, hashes: readonly BlobHash[]): Promise<void> {
    if (hashes.length === 0) return;
    const { store, clock } = this.#options;
    const ids = [...new Set(hashes)].map((hash) => blobId(project, hash));
    const now = clock.now();
    const rows = await store.read.blobs.find({ where: { id: { in: ids } } });
    const here = new Set((await this.#whole(rows)).map(({ id }) => id));
    const absent = ids.find((id) => !here.has(id));
    if (absent !== undefined) {
      throw new BerthError('conflict', `The server does not have the blob ${absent.split('/')[1]} in this project.`, {
        hint: 'Apply again: what is missing is then sent.',
      });
    }
    const stale = rows.filter(({ usedAt }) => now - usedAt > USED_STEP_MS).map(({ id }) => id);
    if (stale.length === 0) return;
    await store.transaction(async (tables) => {
      for (const row of await tables.blobs.find({ where: { id: { in: stale } } }))
        await tables.blobs.update(row.id, row.version, { usedAt: now });
    });
  }

  /** @throws BerthError `not-found` */
  async open(project: ProjectId, hash: BlobHash): Promise<{ readonly file: FileHandle; readonly bytes: number }> {
    const row = await this.#options.store.read.blobs.get(blobId(project, hash));
    if (row === null || (await this.#whole([row])).length === 0) throw gone(hash);
    try {
      return { file: await open(this.path(project, hash), 'r'), bytes: row.bytes };
    } catch (error) {
      throw isMissing(error) ? gone(hash) : error;
    }
  }

  path(project: ProjectId, hash: BlobHash): string {
    if (!/^[0-9a-f]{64}$/.test(hash)) throw new TypeError('not a hash');
    return join(this.#options.dir, project, hash.slice(0, 2), hash);
  }

  async removeProject(project: ProjectId): Promise<void> {
    await this.#options.store.transaction((tables) => tables.blobs.delete({ projectId: project }));
    await rm(join(this.#options.dir, project), { recursive: true, force: true });
  }

  /** Another server may be writing it. */
  async #isFresh(path: string): Promise<boolean> {
    try {
      return this.#options.clock.now() - (await stat(path)).mtimeMs < ABANDONED_MS;
    } catch (error) {
      if (isMissing(error)) return true;
      throw error;
    }
  }

  /** Those whose files are there and as long as they were. */
  async #whole(rows: readonly BlobRow[]): Promise<BlobRow[]> {
    const sizes = await Promise.all(
      rows.map(async ({ projectId, hash }) => {
        try {
          return (await stat(this.path(projectId, hash))).size;
        } catch (error) {
          if (isMissing(error)) return null;
          throw error;
        }
      }),
    );
    return rows.filter(({ bytes }, at) => sizes[at] === bytes);
  }

  async #write(path: string, hash: BlobHash, body: AsyncIterable<Uint8Array>): Promise<number> {
    const { maxBytes } = this.#options;
    const file = await open(path, 'wx', 0o600);
    try {
      const digest = createHash('sha256');
      let bytes = 0;
      for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(maxBytes);
        digest.update(chunk);
        // One chunk at a time: the next is not read from the connection before this one is on the disk.
        for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
      }
      const found = digest.digest('hex');
      if (found !== hash) {
        throw new BerthError('invalid-request', `The bytes sent have the SHA-256 ${found}, not ${hash}.`, {
          hint: 'They changed on the way or while they were read; send them again.',
        });
      }
      await file.sync();
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** File and row change in one turn of the writers, or the removal of old blobs could come between them. */
  async #record(project: ProjectId, hash: BlobHash, bytes: number, now: Millis, place: () => void): Promise<void> {
    await this.#options.store.transaction(async (tables) => {
      place();
      const id = blobId(project, hash);
      const row = await tables.blobs.get(id);
      if (row !== null) await tables.blobs.update(id, row.version, { usedAt: now });
      else await tables.blobs.insert({ id, hash, projectId: project, bytes, createdAt: now, usedAt: now });
    });
  }
}

function gone(hash: BlobHash): BerthError {
  return new BerthError('not-found', `The blob ${hash} is not whole in the server's store any more.`, {
    hint: 'Stop the run and apply it again: its code is then sent anew.',
  });
}

export function tooLarge(maxBytes: number): BerthError {
  const mib = Math.floor(maxBytes / 1024 / 1024);
  return new BerthError('too-large', `A blob may have ${mib} MiB at most.`, {
    hint: 'Leave out large files with .gitignore or .berthignore, or fetch them in the job.',
    details: { max_bytes: maxBytes },
  });
}
