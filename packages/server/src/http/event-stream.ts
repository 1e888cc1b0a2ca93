import type { ServerResponse } from 'node:http';

/** Proxies cut what is silent for a minute; clients that hear nothing for longer than twice this give up. */
const HEARTBEAT_MS = 15_000;
/** A reader that takes nothing for this long is not coming back: a stopped terminal is, so it is not short. */
const STALLED_MS = 10 * 60_000;

export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
  /** What a client sends back as `Last-Event-ID` to go on from here. */
  readonly id?: string | undefined;
}

/** The reader went away, or took too long. Nothing is wrong here. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/**
 * Server-sent events at the pace of their reader: `send` resolves when the reader can take more, so a
 * slow one costs a single event and what the operating system holds.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #stopping: AbortSignal;
  readonly #stop = (): void => this.#close();

  /** `stopping`: the server wants to end; the stream then breaks off, and its client looks for the next server. */
  constructor(response: ServerResponse, stopping: AbortSignal) {
    this.#response = response;
    this.#stopping = stopping;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // Told to nginx, which would collect events otherwise.
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
    // Whether it lives is seen from the heartbeat; a reader may be slow for as long as it likes.
    response.socket?.setTimeout(0);
    response.socket?.setNoDelay(true);
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    response.once('close', () => {
      clearInterval(this.#heartbeat);
      stopping.removeEventListener('abort', this.#stop);
      this.#gone.abort(new ReaderGone('the reader has gone'));
    });
    response.on('error', () => undefined); // a `close` follows
    if (stopping.aborted) this.#close();
    else stopping.addEventListener('abort', this.#stop);
  }

  /** Aborted when nobody reads any more, or the server stops. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** @throws ReaderGone */
  async send({ event, data, id }: ServerEvent): Promise<void> {
    this.signal.throwIfAborted();
    const frame = `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${asciiJson(data)}\n\n`;
    this.#heartbeat.refresh();
    // As one byte per character: UTF-8 would be given room for three, and a log of 200 MB is 4000 such frames.
    if (!this.#response.write(frame, 'latin1')) await this.#drained();
    this.signal.throwIfAborted();
  }

  /** Tells of the regular end, or of what went wrong, and closes. */
  async end(last: ServerEvent): Promise<void> {
    await this.send(last);
    this.#response.end();
  }

  #close(): void {
    this.#gone.abort(new ReaderGone('the server stops'));
    clearInterval(this.#heartbeat);
    // A stalled reader would hold up the end for ever.
    if (this.#response.writableNeedDrain) this.#response.destroy();
    else this.#response.end();
  }

  #beat(): void {
    if (!this.#response.writableNeedDrain && !this.#stopping.aborted) this.#response.write(': still here\n\n');
  }

  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stalled = setTimeout(() => this.#response.destroy(), STALLED_MS);
    this.#response.once('drain', resolve);
    this.signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(stalled);
    this.#response.off('drain', resolve);
  }
}

/** JSON whose every character is ASCII; what is not is escaped, and means the same. */
function asciiJson(data: unknown): string {
  return JSON.stringify(data).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
