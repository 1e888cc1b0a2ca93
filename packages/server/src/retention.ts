import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@berth/backend';
import type { Clock } from '@berth/core/ids';
import type { Store } from '@berth/store';
import type { BlobStore } from './blobs/blob-store.ts';
import { collectBlobs } from './blobs/collect.ts';

/** Rows per transaction: every other writer waits while one runs. */
const BATCH = 500;
/** Far beyond the time in which refusals count as coming in a row. */
const REFUSALS_KEPT_MS = 24 * 60 * 60_000;
const EVERY_MS = 60 * 60_000;
/** Not while a server has just started and everybody wants something of it. */
const FIRST_AFTER_MS = 10 * 60_000;

export interface RetentionOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Null: events are kept for ever. */
  readonly eventRetentionMs: number | null;
}

/** Every hour, removes what is too old. Logs and artifacts are not: they stay until their run is deleted. */
export function startRetention(options: RetentionOptions): { close(): Promise<void> } {
  const closing = new AbortController();
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout;
  const next = (delayMs: number): void => {
    timer = setTimeout(() => {
      running = removeOld(options, closing.signal)
        .catch((error: unknown) => options.log.error('old rows were not removed', { error }))
        .finally(() => {
          running = null;
          if (!closing.signal.aborted) next(EVERY_MS);
        });
    }, delayMs).unref();
  };
  next(FIRST_AFTER_MS);
  return {
    close: async () => {
      closing.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

export async function removeOld(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { store, blobs, clock, log, eventRetentionMs } = options;
  let events = 0;
  if (eventRetentionMs !== null) {
    const before = clock.now() - eventRetentionMs;
    for (let removed = BATCH; removed === BATCH && !signal.aborted; events += removed) {
      removed = await store.transaction((tables) => tables.events.delete({ at: { lt: before } }, BATCH));
      // A pause, so that others come to write.
      if (removed === BATCH) await sleep(5);
    }
  }
  if (!signal.aborted) await forgetRefusals(store, clock.now());
  const removedBlobs = signal.aborted ? 0 : await collectBlobs(store, blobs, clock.now());
  const uploads = signal.aborted ? 0 : await blobs.sweepUnfinished();
  if (events + removedBlobs + uploads > 0)
    log.info('what was too old was removed', { events, blobs: removedBlobs, uploads });
}

/** Refusals of clouds that nobody believes any more, and that a new one would not be counted with. */
async function forgetRefusals(store: Store, now: number): Promise<void> {
  await store.transaction((tables) => tables.failures.delete({ until: { lt: now - REFUSALS_KEPT_MS } }, BATCH));
}
