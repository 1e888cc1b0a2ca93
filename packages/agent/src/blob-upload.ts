import type { Readable } from 'node:stream';
import { BLOB_CHUNK } from './protocol.ts';

/** Pieces of a blob on their way at once: 4 MiB, as for logs, so that a far agent is not waited for piece by piece. */
const BLOB_WINDOW = 8;

/** Sends one piece; resolves when the other side has it. */
export type PutPiece = (offset: number, piece: Uint8Array, last: boolean) => Promise<unknown>;

/** Sends all of `source` in order, several pieces at a time; throws the first failure of either side. */
export async function uploadBlob(source: Readable, putPiece: PutPiece): Promise<void> {
  const underway = new Set<Promise<void>>();
  let failure: unknown = null;
  const put = async (offset: number, piece: Uint8Array, last: boolean): Promise<void> => {
    if (underway.size >= BLOB_WINDOW) await Promise.race(underway);
    if (failure !== null) throw failure;
    const sent: Promise<void> = putPiece(offset, piece, last)
      .catch((error: unknown) => {
        failure ??= error;
      })
      .then(() => void underway.delete(sent));
    underway.add(sent);
  };
  let offset = 0;
  // One piece is held back, because the last one must be known as such.
  let held: Uint8Array = new Uint8Array(0);
  for await (const piece of pieces(source)) {
    if (held.length > 0) {
      await put(offset, held, false);
      offset += held.length;
    }
    held = piece;
  }
  await put(offset, held, true);
  await Promise.all(underway);
  if (failure !== null) throw failure;
}

/** The source cut into pieces of BLOB_CHUNK, the last one shorter; an empty source has none. */
async function* pieces(source: Readable): AsyncGenerator<Uint8Array> {
  let piece = Buffer.allocUnsafe(BLOB_CHUNK);
  let filled = 0;
  for await (const chunk of source) {
    let rest: Buffer = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    while (rest.length > 0) {
      const take = Math.min(rest.length, BLOB_CHUNK - filled);
      piece.set(rest.subarray(0, take), filled);
      filled += take;
      rest = rest.subarray(take);
      if (filled < BLOB_CHUNK) continue;
      yield piece;
      piece = Buffer.allocUnsafe(BLOB_CHUNK);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
