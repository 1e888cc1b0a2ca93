/** Bytes in memory, in a file or coming in, as chunks; `.gz` is inflated, up to a bound. */

import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { CsvError } from './csv-error.ts';

export type ByteSource = Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** The largest catalog has some 5 M rows of 100 bytes; more is a bomb. */
const MAX_INFLATED_BYTES = 1024 * 1024 * 1024;

export async function* chunksOf(source: ByteSource): AsyncIterable<Uint8Array> {
  if (source instanceof Uint8Array) yield source;
  else yield* source;
}

/** @throws what the file system says; CsvError `too-large` for a `.gz` that inflates beyond the bound */
export async function* readFileBytes(path: string, maxInflated = MAX_INFLATED_BYTES): AsyncIterable<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  if (path.endsWith('.gz')) yield* inflate(file, maxInflated);
  else yield* file;
}

/** gzip, a chunk at a time. @throws CsvError when it is broken, or larger than `maxInflated` bytes */
export async function* inflate(
  source: ByteSource,
  maxInflated: number = MAX_INFLATED_BYTES,
): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip();
  const fed = feed(source, gunzip);
  // A source that fails is seen at the end of the stream, which it destroys.
  fed.catch(() => undefined);
  let inflated = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
      inflated += chunk.length;
      if (inflated > maxInflated) {
        throw new CsvError('too-large', `the file inflates to more than ${maxInflated} bytes`, null);
      }
      yield chunk;
    }
    await fed;
  } catch (error) {
    if (error instanceof CsvError || !isZlibError(error)) throw error;
    throw new CsvError('invalid-request', 'the file is not whole gzip data', null, { cause: error });
  } finally {
    gunzip.destroy();
  }
}

async function feed(source: ByteSource, gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  try {
    for await (const chunk of chunksOf(source)) {
      if (gunzip.destroyed) return;
      if (!gunzip.write(chunk)) await room(gunzip);
    }
    gunzip.end();
  } catch (error) {
    gunzip.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** Until more can be written, or nobody reads any longer. */
function room(gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      gunzip.off('drain', done);
      gunzip.off('close', done);
      resolve();
    };
    gunzip.once('drain', done);
    gunzip.once('close', done);
  });
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
