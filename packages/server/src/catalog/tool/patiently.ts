import { setTimeout as pause } from 'node:timers/promises';
import type { PublishReport } from '@berth/catalog';
import { BerthError } from '@berth/core/errors';

/** Jobs of a matrix end at the same time: whoever comes second reads what the first has written, and goes on. */
const TRIES = 8;

/** Publishes again while others publish to the same place. @throws what the last try threw */
export async function patiently(
  signal: AbortSignal,
  longestPauseMs: number,
  work: () => Promise<PublishReport>,
): Promise<PublishReport> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BerthError) || error.code !== 'conflict' || tries >= TRIES) throw error;
      await pause(Math.random() * longestPauseMs, undefined, { signal });
    }
  }
}
