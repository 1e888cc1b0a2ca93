import type { Pulse } from '../feeds/pulse.ts';
import type { LogChunk } from './job-log.ts';
import type { LogReader } from './log-store.ts';

/** In base64, and with its frame, still below what a connection buffers. */
export const MAX_CHUNK_BYTES = 64 * 1024;

export interface FollowedLog {
  readonly reader: LogReader;
  /** Whether nothing comes any more behind `offset`. */
  isComplete(offset: number): Promise<boolean>;
  /** Beats when bytes came, or when `isComplete` may have changed. */
  readonly pulse: Pulse;
}

/**
 * The log from `offset` on, at the pace of whoever iterates: nothing is read ahead. With `follow` it ends
 * when the log is complete, else with what there is.
 */
export async function* followLog(
  log: FollowedLog,
  offset: number,
  options: { readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<LogChunk> {
  let at = offset;
  while (!options.signal.aborted) {
    const chunk = await log.reader.read(at);
    if (chunk !== null) {
      yield chunk;
      at += chunk.bytes.length;
      continue;
    }
    if (!options.follow) return;
    if (await log.isComplete(at)) {
      // Bytes may have come between the last look and the answer.
      if ((await log.reader.read(at)) === null) return;
      continue;
    }
    await log.pulse.wait(options.signal);
  }
}
