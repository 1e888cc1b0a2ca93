import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobHash } from '@berth/core/ids';
import { writeFully } from './durable-file.ts';
import { isDiskFull, RequestFailure } from './failure.ts';

interface Partial {
  readonly path: string;
  readonly file: FileHandle;
  readonly hash: Hash;
  size: number;
}

/** Code and files by the SHA-256 of their bytes. A blob is visible only once its hash was verified. */
export class BlobStore {
  readonly #dir: string;
  readonly #partials = new Map<BlobHash, Partial>();
  readonly #queues = new Map<BlobHash, Promise<void>>();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Uploads that an earlier agent had not finished are dropped. */
  static async open(dir: string): Promise<BlobStore> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(dir)) {
      if (name.endsWith('.part')) await rm(join(dir, name), { force: true });
    }
    return new BlobStore(dir);
  }

  /** Where the blob's bytes are; null: not here. */
  async find(hash: BlobHash): Promise<string | null> {
    const path = join(this.#dir, hash);
    return await stat(path).then(
      () => path,
      () => null,
    );
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
    } catch (error) {
      await this.#drop(hash);
      if (isDiskFull(error)) {
        throw new RequestFailure('disk-full', `The disk is full: ${bytes.length} bytes of code or files do not fit.`);
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
