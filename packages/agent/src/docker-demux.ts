import type { Stream } from './log-segment.ts';

const HEADER_BYTES = 8;
const SLAB_BYTES = 1024 * 1024;

/**
 * Takes Docker's multiplexed stream apart: each piece is preceded by one byte of stream (1 stdout,
 * 2 stderr), three of zero and a big-endian u32 of length. Pieces are copied one behind the other, so
 * that many small ones are one stretch of memory.
 */
export class DockerDemux {
  readonly #onBytes: (bytes: Uint8Array, stream: Stream) => void;
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #left = 0;

  constructor(onBytes: (bytes: Uint8Array, stream: Stream) => void) {
    this.#onBytes = onBytes;
  }

  push(chunk: Uint8Array): void {
    let position = 0;
    while (position < chunk.length) {
      if (this.#left === 0) {
        const take = Math.min(HEADER_BYTES - this.#headerFilled, chunk.length - position);
        this.#header.set(chunk.subarray(position, position + take), this.#headerFilled);
        this.#headerFilled += take;
        position += take;
        if (this.#headerFilled < HEADER_BYTES) return;
        this.#headerFilled = 0;
        this.#left = this.#header.readUInt32BE(4);
        continue;
      }
      const take = Math.min(this.#left, chunk.length - position);
      this.#onBytes(this.#keep(chunk.subarray(position, position + take)), this.#header[0] === 2 ? 'stderr' : 'stdout');
      this.#left -= take;
      position += take;
    }
  }

  #keep(bytes: Uint8Array): Uint8Array {
    if (this.#used + bytes.length > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes.length));
      this.#used = 0;
    }
    this.#slab.set(bytes, this.#used);
    const kept = this.#slab.subarray(this.#used, this.#used + bytes.length);
    this.#used += bytes.length;
    return kept;
  }
}

/** One message of Docker's own log, as `logs?timestamps=1` gives it: a time, a space, the bytes. */
export interface LogMessage {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly stream: Stream;
}

/** Takes `logs?timestamps=1` apart into messages: there each piece is one message with its time in front. */
export class DockerLogReader {
  readonly #onMessage: (message: LogMessage) => void;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: LogMessage) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Uint8Array): void {
    this.#buffer = this.#buffer.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#buffer, chunk]);
    let position = 0;
    while (this.#buffer.length - position >= HEADER_BYTES) {
      const length = this.#buffer.readUInt32BE(position + 4);
      const end = position + HEADER_BYTES + length;
      if (this.#buffer.length < end) break;
      const stream = this.#buffer[position] === 2 ? 'stderr' : 'stdout';
      this.#emit(this.#buffer.subarray(position + HEADER_BYTES, end), stream);
      position = end;
    }
    this.#buffer = this.#buffer.subarray(position);
  }

  #emit(message: Buffer, stream: Stream): void {
    const space = message.indexOf(0x20);
    const at = Date.parse(message.subarray(0, space).toString('latin1'));
    this.#onMessage({ at: Number.isNaN(at) ? 0 : at, bytes: message.subarray(space + 1), stream });
  }
}
