import { MAX_FRAME_PART } from './protocol.ts';

/**
 * Frames on the wire: u32 header length, u32 payload length (big-endian), header (JSON), payload.
 * What the headers mean is `message.ts`; this file knows only their limits.
 */

const PREFIX_BYTES = 8;

export interface Frame {
  /** Parsed JSON, of any shape. */
  readonly header: unknown;
  /** Owned by the receiver; empty when the frame had none. */
  readonly payload: Uint8Array;
}

export interface FrameLimits {
  readonly headerBytes: number;
  readonly payloadBytes: number;
}

export const FULL_LIMITS: FrameLimits = { headerBytes: MAX_FRAME_PART, payloadBytes: MAX_FRAME_PART };
/** Until the peer has proved itself it cannot make us hold more than this. */
export const HELLO_LIMITS: FrameLimits = { headerBytes: 256 * 1024, payloadBytes: 0 };

/** The peer does not speak our language; the connection cannot be used any further. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const EMPTY = new Uint8Array(0);

/** The pieces of one frame, to be written in this order; the payload is not copied. */
export function encodeFrame(header: unknown, payload: Uint8Array = EMPTY): readonly Uint8Array[] {
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  if (json.length > MAX_FRAME_PART) throw new FrameError(`A header of ${json.length} bytes is over the limit.`);
  if (payload.length > MAX_FRAME_PART) throw new FrameError(`A payload of ${payload.length} bytes is over the limit.`);
  const head = Buffer.allocUnsafe(PREFIX_BYTES + json.length);
  head.writeUInt32BE(json.length, 0);
  head.writeUInt32BE(payload.length, 4);
  json.copy(head, PREFIX_BYTES);
  return payload.length === 0 ? [head] : [head, payload];
}

/** Turns a byte stream into frames, however it was cut into chunks. */
export class FrameDecoder {
  #limits: FrameLimits;
  #part: 'prefix' | 'header' | 'payload' = 'prefix';
  #target = Buffer.allocUnsafe(PREFIX_BYTES);
  #filled = 0;
  #payloadLength = 0;
  #header: unknown;

  constructor(limits: FrameLimits = FULL_LIMITS) {
    this.#limits = limits;
  }

  setLimits(limits: FrameLimits): void {
    this.#limits = limits;
  }

  /** The frames that `chunk` completes. Throws `FrameError`; the decoder is of no use after that. */
  *push(chunk: Uint8Array): Generator<Frame> {
    let position = 0;
    for (;;) {
      const take = Math.min(this.#target.length - this.#filled, chunk.length - position);
      this.#target.set(chunk.subarray(position, position + take), this.#filled);
      this.#filled += take;
      position += take;
      if (this.#filled < this.#target.length) return;
      const frame = this.#completePart();
      if (frame !== null) yield frame;
    }
  }

  #completePart(): Frame | null {
    const done = this.#target;
    this.#filled = 0;
    switch (this.#part) {
      case 'prefix': {
        const headerLength = done.readUInt32BE(0);
        this.#payloadLength = done.readUInt32BE(4);
        if (headerLength === 0 || headerLength > this.#limits.headerBytes) {
          throw new FrameError(`A header of ${headerLength} bytes is not allowed here.`);
        }
        if (this.#payloadLength > this.#limits.payloadBytes) {
          throw new FrameError(`A payload of ${this.#payloadLength} bytes is not allowed here.`);
        }
        this.#next('header', headerLength);
        return null;
      }
      case 'header':
        try {
          this.#header = JSON.parse(done.toString('utf8'));
        } catch (cause) {
          throw new FrameError('A header is not JSON.', { cause });
        }
        this.#next('payload', this.#payloadLength);
        return null;
      case 'payload': {
        const frame: Frame = { header: this.#header, payload: done };
        this.#next('prefix', PREFIX_BYTES);
        return frame;
      }
    }
  }

  #next(part: 'prefix' | 'header' | 'payload', length: number): void {
    this.#part = part;
    // Not from the shared pool: a payload is handed on and may live long.
    this.#target = Buffer.allocUnsafeSlow(length);
  }
}
