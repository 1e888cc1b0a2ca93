import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobHash } from '@berth/core/ids';
import { writeFully } from './durable-file.ts';
import { fullDisk, isDiskFull, RequestFailure } from './failure.ts';

interface Partial {
  readonly path: string;
  readonly file: FileHandle;
  readonly hash: Hash;
  size: number;
}

export interface BlobLimits {
  /** What is beyond it goes, longest unused first. */
  readonly maxBytes: number;
  /** What was not used for so long goes. */
  readonly maxUnusedMs: number;
  /** What was asked for this recently stays, for a job that is about to be submitted. */
  readonly keepMs: number;
}

export const BLOB_LIMITS: BlobLimits = {
  maxBytes: 10 * 1024 ** 3,
  maxUnusedMs: 14 * 24 * 3_600_000,
  // A server goes on for half an hour to submit a job whose blobs it has asked for.
  keepMs: 3_600_000,
};

/**
 * Code and files by the SHA-256 of their bytes. A blob is visible only once its hash was verified. The
 * store is a cache: what no job needs any more goes in time, and is sent again where it is needed again.
 */
export class BlobStore {
  readonly #dir: string;
  readonly #limits: BlobLimits;
  /** How many jobs need it now. */
  readonly #pins = new Map<BlobHash, number>();
  #sweeping: Promise<void> = Promise.resolve();
  readonly #partials = new Map<BlobHash, Partial>();
  readonly #queues = new Map<BlobHash, Promise<void>>();

  private constructor(dir: string, limits: BlobLimits) {
    this.#dir = dir;
    this.#limits = limits;
  }

  /** Uploads that an earlier agent had not finished are dropped. */
  static async open(dir: string, limits: BlobLimits = BLOB_LIMITS): Promise<BlobStore> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(dir)) {
      if (name.endsWith('.part')) await rm(join(dir, name), { force: true });
    }
    const store = new BlobStore(dir, limits);
    await store.sweep();
    return store;
  }

  /** Where the blob's bytes are; null: not here. Counts as its use. */
  async find(hash: BlobHash): Promise<string | null> {
    const path = join(this.#dir, hash);
    const now = new Date();
    return await utimes(path, now, now).then(
      () => path,
      // A disk that refuses even this still has the bytes.
      async () =>
        await stat(path).then(
          () => path,
          () => null,
        ),
    );
  }

  /** Keeps blobs until the returned function is called, whether they are here already or not. */
  pin(hashes: readonly BlobHash[]): () => void {
    for (const hash of hashes) this.#pins.set(hash, (this.#pins.get(hash) ?? 0) + 1);
    return () => {
      for (const hash of hashes) {
        const left = (this.#pins.get(hash) ?? 1) - 1;
        if (left === 0) this.#pins.delete(hash);
        else this.#pins.set(hash, left);
      }
    };
  }

  /** Removes what is unused for too long or too much. Never throws. */
  async sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.then(() => this.#sweep()).catch(() => undefined);
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { maxBytes, maxUnusedMs, keepMs } = this.#limits;
    const now = Date.now();
    const blobs: { readonly hash: BlobHash; readonly bytes: number; readonly unusedMs: number }[] = [];
    for (const name of await readdir(this.#dir)) {
      if (name.endsWith('.part')) continue;
      const found = await stat(join(this.#dir, name)).catch(() => null);
      // A use that lies in the future is from before the clock was set back, and as good as none.
      const unusedMs = found === null || found.mtimeMs > now + keepMs ? maxUnusedMs : now - found.mtimeMs;
      if (found !== null) blobs.push({ hash: name as BlobHash, bytes: found.size, unusedMs }); // we named it
    }
    let total = blobs.reduce((sum, blob) => sum + blob.bytes, 0);
    for (const { hash, bytes, unusedMs } of blobs.sort((a, b) => b.unusedMs - a.unusedMs)) {
      if (this.#pins.has(hash) || unusedMs < keepMs) continue;
      if (unusedMs < maxUnusedMs && total <= maxBytes) continue;
      await rm(join(this.#dir, hash), { force: true });
      total -= bytes;
    }
  }

  async missing(hashes: readonly BlobHash[]): Promise<BlobHash[]> {
    const absent: BlobHash[] = [];
    for (const hash of hashes) if ((await this.find(hash)) === null) absent.push(hash);
    return absent;
  }

  /**
   * Adds one piece. Offset 0 begins anew, whatever was there; any other offset must go on where the
   * last piece ended. Throws `RequestFailure`; a failed upload leaves nothing behind.
   */
  async put(hash: BlobHash, offset: number, bytes: Uint8Array, last: boolean): Promise<void> {
    const before = this.#queues.get(hash) ?? Promise.resolve();
    const mine = before.then(() => this.#put(hash, offset, bytes, last));
    const settled = mine.catch(() => undefined);
    this.#queues.set(hash, settled);
    try {
      await mine;
    } finally {
      if (this.#queues.get(hash) === settled) this.#queues.delete(hash);
    }
  }

  async #put(hash: BlobHash, offset: number, bytes: Uint8Array, last: boolean): Promise<void> {
    if ((await this.find(hash)) !== null) return;
    if (offset === 0) await this.#begin(hash);
    const partial = this.#partials.get(hash);
    if (partial === undefined || partial.size !== offset) {
      const expected = partial?.size ?? 0;
      throw new RequestFailure('wrong-state', `The piece at ${offset} does not follow; send on from ${expected}.`);
    }
    try {
      await writeFully(partial.file, bytes, offset);
      partial.hash.update(bytes);
      partial.size += bytes.length;
      if (!last) return;
      if (partial.hash.copy().digest('hex') !== hash) {
        throw new RequestFailure('hash-mismatch', `The ${partial.size} bytes that came do not have the hash ${hash}.`);
      }
      await partial.file.datasync();
      await partial.file.close();
      await rename(partial.path, join(this.#dir, hash));
      this.#partials.delete(hash);
      void this.sweep();
    } catch (error) {
      await this.#drop(hash);
      if (isDiskFull(error)) {
        throw new RequestFailure('disk-full', `Code or files do not fit: ${fullDisk(this.#dir)}.`);
      }
      throw error;
    }
  }

  async #begin(hash: BlobHash): Promise<void> {
    await this.#drop(hash);
    const path = join(this.#dir, `${hash}.part`);
    this.#partials.set(hash, { path, file: await open(path, 'w', 0o600), hash: createHash('sha256'), size: 0 });
  }

  async #drop(hash: BlobHash): Promise<void> {
    const partial = this.#partials.get(hash);
    if (partial === undefined) return;
    this.#partials.delete(hash);
    await partial.file.close().catch(() => undefined);
    await rm(partial.path, { force: true });
  }
}
