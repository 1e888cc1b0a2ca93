import { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';

/** Small writes that come together leave in one packet; SSH allows 32 KiB in each. */
const JOIN_BELOW_BYTES = 32 * 1024;

/**
 * A channel of an SSH connection as a stream like any other. The library's own is never `destroyed`, and
 * what was written to a closed one is never answered.
 */
export class ChannelStream extends Duplex {
  readonly #channel: ClientChannel;

  constructor(channel: ClientChannel) {
    super({ allowHalfOpen: true, highWaterMark: 64 * 1024 });
    this.#channel = channel;
    channel.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('error', (error: Error) => this.destroy(error));
    channel.on('close', () => {
      // What came before the end is still to be read.
      if (this.readableEnded || this.readableLength === 0) this.destroy();
      else this.once('end', () => this.destroy());
    });
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#channel.write(chunk, done);
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const pieces = chunks.map(({ chunk }) => chunk);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (bytes <= JOIN_BELOW_BYTES) {
      this.#channel.write(Buffer.concat(pieces), done);
      return;
    }
    for (const [index, piece] of pieces.entries()) {
      if (index === pieces.length - 1) this.#channel.write(piece, done);
      else this.#channel.write(piece);
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#channel.close();
    done(error);
  }
}
