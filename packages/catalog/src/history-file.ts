/** A price history on disk. One process writes it; whatever kills it leaves all versions but the last whole. */
import { open, readFile } from 'node:fs/promises';
import type { CatalogOffer } from './catalog-offer.ts';
import { PriceHistory } from './history.ts';
import { ifMissing, writeWhole } from './publish-file.ts';

export interface Appended {
  readonly history: PriceHistory;
  readonly changes: number;
  /** What a crash or a broken disk had left at the end, and was cut; null: nothing. */
  readonly cut: { readonly bytes: number; readonly reason: string } | null;
}

/**
 * Adds what has changed in `offers` since the last version in the file, which is made when it is not there.
 * `at` is when they were collected, `now` the time; both in ms since 1970. Old detail is given up when it is
 * due. @throws errors of the file system; the file is then as good as before
 */
export async function appendHistory(
  path: string,
  offers: Iterable<CatalogOffer>,
  at: number,
  now: number,
): Promise<Appended> {
  const bytes = await readFile(path).catch(ifMissing(new Uint8Array()));
  const { history, cut } = PriceHistory.read(bytes);
  const { frame, changes } = history.record(offers, at);
  if (history.isDue(now)) {
    const compacted = history.compacted(now);
    await writeWhole(path, compacted.bytes());
    return { history: compacted, changes, cut };
  }
  if (bytes.length === 0 || cut !== null) {
    await writeWhole(path, history.bytes());
  } else if (frame !== null) {
    await append(path, frame, bytes.length);
  }
  return { history, changes, cut };
}

async function append(path: string, frame: Uint8Array, at: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    let written = 0;
    while (written < frame.length) {
      // Less is written where the disk is full.
      const { bytesWritten } = await file.write(frame, written, frame.length - written, at + written);
      written += bytesWritten;
    }
    await file.datasync();
  } catch (error) {
    await file.truncate(at).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}
