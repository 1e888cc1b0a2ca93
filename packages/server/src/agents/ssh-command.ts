import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ClientChannel } from 'ssh2';

export interface RunResult {
  /** Null: a signal ended it, or the connection did. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of a command's output, in bytes, each; our own scripts say a few lines. */
const OUTPUT_LIMIT = 64 * 1024;

/** A command that runs on a machine. To be made as soon as there is a channel: an early end comes once. */
export class Command {
  /** Never rejects: a broken connection closes the channel as well. */
  readonly ended: Promise<RunResult>;
  readonly #channel: ClientChannel;
  readonly #feeding = new AbortController();

  constructor(channel: ClientChannel) {
    this.#channel = channel;
    const stdout = collect(channel);
    const stderr = collect(channel.stderr);
    let status: number | null = null;
    channel.on('exit', (code: number | null) => {
      status = code;
    });
    // What it is fed may be refused; how it ended says why.
    channel.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      channel.on('close', () => resolve({ status, stdout: stdout(), stderr: stderr() }));
    });
  }

  /** Its stdin, to the end. */
  feed(input: Readable | string | undefined): void {
    if (input === undefined || typeof input === 'string') this.#channel.end(input);
    else pipeline(input, this.#channel, { signal: this.#feeding.signal }).catch(() => undefined);
  }

  /** Nobody is interested any more; what has not ended may go on over there. */
  abandon(): void {
    this.#feeding.abort();
    this.#channel.close();
  }
}

/** Reads all, keeps the first part. */
function collect(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    if (bytes < OUTPUT_LIMIT) chunks.push(chunk.subarray(0, OUTPUT_LIMIT - bytes));
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
