import type { LogMessage } from './docker-demux.ts';
import type { Stream } from './log-segment.ts';

/** Docker stamps a line when it is complete, we a byte when it comes: they may differ by this. */
const CLOCK_SLACK_MS = 5_000;

/** How much of a container's output the job's log holds. */
export interface LogCounts {
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** When the last of it came. */
  readonly lastAt: number;
}

/** Bytes at the front of Docker's log that ours holds already, counted for each stream by itself. */
export class KnownBytes {
  readonly #left: Record<Stream, number>;
  readonly #lastAt: number;
  readonly #onGap: () => void;

  constructor(log: LogCounts, onGap: () => void) {
    this.#left = { stdout: log.stdoutBytes, stderr: log.stderrBytes };
    this.#lastAt = log.lastAt;
    this.#onGap = onGap;
  }

  /** What of the message is new. */
  strip(message: LogMessage): Uint8Array {
    const known = Math.min(this.#left[message.stream], message.bytes.length);
    if (known > 0 && known === message.bytes.length && message.at > this.#lastAt + CLOCK_SLACK_MS) {
      // A line that was completed later than our last byte cannot be among ours: Docker's log no
      // longer begins where the container began.
      this.#left.stdout = 0;
      this.#left.stderr = 0;
      this.#onGap();
      return message.bytes;
    }
    this.#left[message.stream] -= known;
    return message.bytes.subarray(known);
  }
}
