import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '@berth/core/errors';
import type { BlobHash, RandomBytes } from '@berth/core/ids';

/**
 * Puts what `send` writes into `path`, when it has the hash that was promised. Written beside and then
 * renamed: at `path` there are never half of the artifacts.
 * @throws BerthError `unavailable` when it is something else; whatever `send` or the file system throws
 */
export async function receiveArtifacts(
  path: string,
  expected: BlobHash | null,
  random: RandomBytes,
  send: (target: Writable) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const beside = `${path}.${Buffer.from(random(6)).toString('hex')}.tmp`;
  const digest = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      digest.update(chunk);
      done(null, chunk);
    },
  });
  const file = createWriteStream(beside, { mode: 0o600, flags: 'wx', flush: true });
  const closed = new Promise<void>((resolve) => file.once('close', () => resolve()));
  try {
    const written = pipeline(hashing, file);
    written.catch(() => undefined); // awaited below, but `send` may wait for it first
    await Promise.all([send(hashing), written]);
    const found = digest.digest('hex');
    if (expected !== null && found !== expected) {
      throw new BerthError('unavailable', `The artifacts came with the SHA-256 ${found}; ${expected} was announced.`, {
        hint: 'They changed on the way; they are fetched again.',
      });
    }
    await rename(beside, path);
  } finally {
    hashing.destroy();
    // One that is opened after it was removed would stay for ever.
    await closed;
    await rm(beside, { force: true });
  }
}
