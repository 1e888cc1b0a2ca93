import type { Duplex } from 'node:stream';
import { encodeFrame, type Frame, FrameDecoder, FrameError, type FrameLimits } from './frame.ts';

export interface ConnectionHandlers {
  /** May throw `FrameError`: then the connection is closed. */
  onFrame(frame: Frame): void;
  /** Once, and last. `error` is null when the other side, or we, simply closed. */
  onClose(error: Error | null): void;
}

/** Frames over a duplex byte stream, for either side. */
export class Connection {
  readonly #stream: Duplex;
  readonly #decoder: FrameDecoder;
  #error: Error | null = null;
  #closed = false;

  constructor(stream: Duplex, limits: FrameLimits, handlers: ConnectionHandlers) {
    this.#stream = stream;
    this.#decoder = new FrameDecoder(limits);
    stream.on('data', (chunk: Buffer) => this.#receive(chunk, handlers));
    stream.on('error', (error) => {
      this.#error ??= error;
    });
    // The peer has closed its half: nothing that we might still say would be heard.
    stream.on('end', () => stream.destroy());
    stream.on('close', () => {
      this.#closed = true;
      handlers.onClose(this.#error);
    });
  }

  get isClosed(): boolean {
    return this.#closed || this.#stream.destroyed;
  }

  setLimits(limits: FrameLimits): void {
    this.#decoder.setLimits(limits);
  }

  /** Control messages; what is written after the end goes nowhere. */
  send(header: unknown, payload?: Uint8Array): void {
    if (this.isClosed) return;
    // Before the cork: what does not fit into a frame throws, and must not leave the link corked.
    const pieces = [...encodeFrame(header, payload)];
    this.#stream.cork();
    for (const piece of pieces) this.#stream.write(piece);
    this.#stream.uncork();
  }

  /** Bulk: resolves when the bytes have left, or can no longer; `payload` may be used again then. */
  async sendBulk(header: unknown, payload: Uint8Array): Promise<void> {
    if (this.isClosed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#stream.off('close', done);
        resolve();
      };
      this.#stream.on('close', done);
      this.#stream.cork();
      const pieces = encodeFrame(header, payload);
      for (const [index, piece] of pieces.entries()) {
        if (index === pieces.length - 1) this.#stream.write(piece, done);
        else this.#stream.write(piece);
      }
      this.#stream.uncork();
    });
  }

  /** Lets what was written leave, then closes. */
  end(): void {
    if (!this.isClosed) this.#stream.end(() => this.#stream.destroy());
  }

  /** Closes now. */
  destroy(error?: Error): void {
    this.#error ??= error ?? null;
    this.#stream.destroy();
  }

  #receive(chunk: Uint8Array, handlers: ConnectionHandlers): void {
    try {
      for (const frame of this.#decoder.push(chunk)) {
        if (this.isClosed) return;
        handlers.onFrame(frame);
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error : new FrameError(String(error)));
    }
  }
}
