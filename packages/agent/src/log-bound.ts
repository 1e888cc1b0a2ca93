/** How often the room that the log may take is measured anew. */
const MEASURE_MS = 1_000;
/** Of the limit at most: once it was reached, so much must be free again before it counts as not reached. */
const MARGIN_BYTES = 8 * 1024 * 1024;

export interface BoundOptions {
  /** How much may wait for the server now, in bytes. */
  readonly limitBytes: () => number;
  /** A server that has stored nothing for so long counts as away. */
  readonly patienceMs: number;
}

/** How much of a log may wait for the server, and whether a server is there that it can wait for. */
export class LogBound {
  readonly #options: BoundOptions;
  #limit = { bytes: 0, measuredAt: Number.NEGATIVE_INFINITY };
  /** By a clock that only grows. A server gets its time to come also after a restart of ours. */
  #storedAt = performance.now();

  constructor(options: BoundOptions) {
    this.#options = options;
  }

  get limitMiB(): number {
    return Math.floor(this.#limit.bytes / 1024 ** 2);
  }

  get patienceMs(): number {
    return this.#options.patienceMs;
  }

  /** The server has stored something. */
  stored(): void {
    this.#storedAt = performance.now();
  }

  /** As much waits as may; less by a margin where that was so (`isLosing`), so that it is not so at every byte. */
  isReached(waitingBytes: number, isLosing: boolean): boolean {
    const now = performance.now();
    if (now - this.#limit.measuredAt >= MEASURE_MS) {
      this.#limit = { bytes: this.#options.limitBytes(), measuredAt: now };
    }
    const { bytes } = this.#limit;
    return waitingBytes >= (isLosing ? bytes - Math.min(bytes / 4, MARGIN_BYTES) : bytes);
  }

  /** No server is there, or none that stores anything. */
  isServerAway(): boolean {
    return performance.now() - this.#storedAt >= this.#options.patienceMs;
  }
}

/** What stands in the log in the place of `bytes` that were lost. */
export function lossNotice(bytes: number): string {
  return `\n[berth: ${bytes} bytes of the log are missing here: the server did not take them, and no more could wait on the disk]\n`;
}
