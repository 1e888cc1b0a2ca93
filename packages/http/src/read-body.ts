import { HttpError } from './http-error.ts';

const DETAILS = { status: null, retryAfterMs: null };

/** A line that is longer is no line of a list. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** @throws HttpError `unknown` when there is more than `maxBytes` */
export async function readText(body: ReadableStream<Uint8Array>, maxBytes: number, name: string): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(name, maxBytes);
    parts.push(decoder.decode(chunk, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join('');
}

export interface LineLimits {
  readonly maxBytes: number;
  /** Longest pause between two chunks. */
  readonly idleMs: number;
}

/** Lines without `\n` or `\r\n`; the last one needs none. */
export async function* readLines(
  body: ReadableStream<Uint8Array>,
  limits: LineLimits,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const line = new OpenLine(name);
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await withinPause(reader.read(), limits.idleMs, name, signal);
      bytes += value?.byteLength ?? 0;
      if (bytes > limits.maxBytes) throw tooLarge(name, limits.maxBytes);
      const text = decoder.decode(value, { stream: !done });
      let from = 0;
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
        yield line.end(text.slice(from, at));
        from = at + 1;
      }
      line.add(from === 0 ? text : text.slice(from));
      if (done) break;
    }
    if (!line.isEmpty) yield line.end('');
  } finally {
    // Whoever stops reading early lets go of the connection; a stream that broke has nothing to cancel.
    await reader.cancel().catch(() => undefined);
  }
}

/** A line whose end has not come yet. Its pieces are joined once, so that a long one costs no more than its length. */
class OpenLine {
  readonly #name: string;
  #pieces: string[] = [];
  #length = 0;

  constructor(name: string) {
    this.#name = name;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** @throws HttpError when it gets too long */
  add(piece: string): void {
    if (piece === '') return;
    this.#length += piece.length;
    if (this.#length > LONGEST_LINE) {
      throw new HttpError('unknown', `${this.#name} answered with an endless line`, DETAILS);
    }
    this.#pieces.push(piece);
  }

  /** The whole line without `\r`; the next one begins. */
  end(piece: string): string {
    let whole = piece;
    if (this.#length > 0) {
      this.add(piece);
      whole = this.#pieces.join('');
      this.#pieces = [];
      this.#length = 0;
    }
    return whole.endsWith('\r') ? whole.slice(0, -1) : whole;
  }
}

async function withinPause<T>(read: Promise<T>, idleMs: number, name: string, signal: AbortSignal): Promise<T> {
  // Whoever loses the race below may still fail, and nobody is left to hear it.
  read.catch(() => undefined);
  const cut = Promise.withResolvers<never>();
  const onAbort = (): void => cut.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const message = `${name} sent nothing for ${idleMs / 1000} s in the middle of its answer`;
  const timer = setTimeout(() => cut.reject(new HttpError('transient', message, DETAILS)), idleMs);
  try {
    signal.throwIfAborted();
    return await Promise.race([read, cut.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function tooLarge(name: string, maxBytes: number): HttpError {
  const message = `${name} answered with more than ${Math.round(maxBytes / 1024 / 1024)} MiB`;
  return new HttpError('unknown', message, DETAILS);
}
