import type { Stream } from './log-segment.ts';

const HEADER_BYTES = 8;

/**
 * Takes Docker's multiplexed stream apart: each piece is preceded by one byte of stream (1 stdout,
 * 2 stderr), three of zero and a big-endian u32 of length. What is handed on belongs to the chunk that came.
 */
export class DockerDemux {
  readonly #onBytes: (bytes: Uint8Array, stream: Stream) => void;
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
      this.#onBytes(chunk.subarray(position, position + take), this.#header[0] === 2 ? 'stderr' : 'stdout');
      this.#left -= take;
      position += take;
    }
  }
}

/** One message of Docker's own log, as `logs?timestamps=1` gives it: a time, a space, the bytes. */
export interface LogMessage {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly stream: Stream;
}

const NEWLINE = 0x0a;

/**
 * Takes `logs?timestamps=1` apart into messages: there each piece is one message with its time in
 * front. A line longer than Docker's buffer is a chain of messages of the buffer's size and a shorter
 * last one; of the last one, the log driver `local` loses the newline (seen in 20.10), and it is put
 * back here. Only where the very last line of a job is so long and has no newline, one is put there
 * that was not written.
 */
export class DockerLogReader {
  readonly #onMessage: (message: LogMessage) => void;
  #buffer: Buffer = Buffer.alloc(0);
  /** Length of the messages of the line that is not complete; null: the last line is complete. */
  readonly #chain: Record<Stream, number | null> = { stdout: null, stderr: null };

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
    const time = Date.parse(message.subarray(0, space).toString('latin1'));
    const line = message.subarray(space + 1);
    const at = Number.isNaN(time) ? 0 : time;
    const chain = this.#chain[stream];
    if (line.at(-1) === NEWLINE) {
      this.#chain[stream] = null;
      this.#onMessage({ at, bytes: line, stream });
    } else if (chain === null || line.length >= chain) {
      this.#chain[stream] = line.length;
      this.#onMessage({ at, bytes: line, stream });
    } else {
      this.#chain[stream] = null;
      this.#onMessage({ at, bytes: Buffer.concat([line, Buffer.of(NEWLINE)]), stream });
    }
  }
}
