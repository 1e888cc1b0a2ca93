const SLAB_BYTES = 1024 * 1024;
/** More than these are left to the garbage collector: only a slow disk needs so many. */
const KEPT_SLABS = 4;

/** Tells how far a log has come. */
export interface LogExtent {
  /** Bytes that were pushed. */
  readonly end: number;
  /** Bytes below are no longer in memory. */
  readonly heldFrom: number;
}

/**
 * Memory for bytes on their way into a log. One piece lies behind the other, so that many small ones
 * are one stretch; a slab whose bytes have all left is used again, because the garbage collector lets
 * tens of megabytes of buffers pile up before it looks at them.
 */
export class Slabs {
  readonly #log: LogExtent;
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;
  readonly #full: { readonly slab: Buffer; readonly end: number }[] = [];

  /** Everything that is taken here must be pushed to this log, in order. */
  constructor(log: LogExtent) {
    this.#log = log;
  }

  /** At least `length` bytes to write to, of which `take` then gives a part. */
  room(length: number): Buffer {
    if (SLAB_BYTES - this.#used < length) this.#next(length);
    return this.#slab.subarray(this.#used);
  }

  /** The first `length` bytes of the room, which are the log's from now on. */
  take(length: number): Buffer {
    const taken = this.#slab.subarray(this.#used, this.#used + length);
    this.#used += length;
    return taken;
  }

  #next(length: number): void {
    if (this.#full.length < KEPT_SLABS) this.#full.push({ slab: this.#slab, end: this.#log.end });
    this.#used = 0;
    const oldest = this.#full[0];
    if (oldest !== undefined && oldest.end <= this.#log.heldFrom && length <= SLAB_BYTES) {
      this.#full.shift();
      this.#slab = oldest.slab;
    } else {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length));
    }
  }
}
