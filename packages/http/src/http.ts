/**
 * Requests to the outside: with a deadline, a bounded answer, retries where they do no harm, and
 * errors that say what happened to whom. Clock, waiting and chance are arguments.
 */
import type { ZodType } from 'zod';
import { failure, isHtml, nameOf, noContent, refusal, TimedOut } from './failure.ts';
import { HttpError } from './http-error.ts';
import { readLines, readText } from './read-body.ts';
import { retryDelay } from './retry.ts';

export { HttpError, type HttpErrorCode } from './http-error.ts';

export interface HttpRequest {
  /** `GET` when absent. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'HEAD';
  readonly url: string | URL;
  /** Added to the URL; undefined ones are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>> | Headers;
  /** An object is sent as JSON. */
  readonly body?: string | Uint8Array | Readonly<Record<string, unknown>> | readonly unknown[];
  /** For one attempt, until the last byte; 30 s when absent. */
  readonly timeoutMs?: number;
  /** Of the answer; 64 MiB when absent. */
  readonly maxBytes?: number;
  /**
   * May it be sent again when its outcome is not known? When absent: only GET and HEAD. Where it may not,
   * such a failure has the code `unknown`.
   */
  readonly repeatable?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface HttpStream {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array>;
}

export interface Http {
  /** The answer's JSON, checked. @throws HttpError also when it is no JSON or has another shape. */
  json<T>(request: HttpRequest & { readonly schema: ZodType<T> }, signal: AbortSignal): Promise<T>;
  /** @throws HttpError for every status that is not 2xx */
  text(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  /**
   * An answer too large to hold, line by line, without the line ends. Retried until its head has come;
   * what breaks off later is an error. Its time-out is for the pause between two chunks.
   */
  lines(request: HttpRequest, signal: AbortSignal): AsyncIterable<string>;
  /**
   * The answer as it comes, for those who look at status and headers themselves: 2xx and 304.
   * The time-out ends with the head; the reader bounds the rest.
   */
  open(request: HttpRequest, signal: AbortSignal): Promise<HttpStream>;
}

export interface HttpOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly fetch?: typeof fetch;
  /** Another origin instead of one: `{ 'https://api.example.com': 'http://127.0.0.1:4000' }`. */
  readonly origins?: Readonly<Record<string, string>>;
  /** How often one request is sent at most; 4 when absent. */
  readonly attempts?: number;
  /** Told of every attempt that will be repeated. */
  readonly onRetry?: (reason: string, delayMs: number) => void;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 64 * 1024 * 1024;
const ATTEMPTS = 4;
const JSON_TYPE = 'application/json';
/** Some price APIs turn away clients without a name. */
const USER_AGENT = 'berth (+https://github.com/berth)';

export function createHttp(options: HttpOptions): Http {
  const send = <T>(request: HttpRequest, signal: AbortSignal, read: (stream: HttpStream) => T | Promise<T>) =>
    withRetries(options, signal, () =>
      within(request.timeoutMs ?? TIMEOUT_MS, signal, async (cut) => {
        try {
          return await read(await attempt(request, options, cut));
        } catch (error) {
          throw failure(error, request, signal);
        }
      }),
    );

  const text = (request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> =>
    send(request, signal, async ({ status, headers, body }) => {
      const said = await readText(body, request.maxBytes ?? MAX_BYTES, nameOf(request));
      if (status === 304) throw noContent(request, status);
      return { status, headers, text: said };
    });

  return {
    text,
    open: (request, signal) => send(request, signal, (stream) => stream),
    async json(request, signal) {
      requireHeaders(request);
      return parseJson(
        await text({ ...request, headers: withDefault(request.headers, 'accept', JSON_TYPE) }, signal),
        request,
      );
    },
    async *lines(request, signal) {
      const { status, body } = await send(request, signal, (stream) => stream);
      if (status === 304) throw noContent(request, status);
      const limits = { maxBytes: request.maxBytes ?? MAX_BYTES, idleMs: request.timeoutMs ?? TIMEOUT_MS };
      try {
        yield* readLines(body, limits, nameOf(request), signal);
      } catch (error) {
        throw failure(error, request, signal);
      }
    },
  };
}

async function withRetries<T>(options: HttpOptions, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  const most = options.attempts ?? ATTEMPTS;
  for (let sent = 1; ; sent += 1) {
    try {
      return await send();
    } catch (error) {
      if (signal.aborted || !(error instanceof HttpError) || sent >= most || !mayRepeat(error)) throw error;
      const delayMs = retryDelay(sent, error.retryAfterMs, options.random);
      if (delayMs === null) throw error;
      options.onRetry?.(error.message, delayMs);
      await options.sleep(delayMs, signal);
    }
  }
}

/** A refusal for being too fast did nothing; `transient` is given only where sending again does no harm. */
function mayRepeat(error: HttpError): boolean {
  return error.code === 'rate-limited' || error.code === 'transient';
}

/** Runs `work` with a signal that aborts with the caller's or after `ms`; the timer does not outlive the work. */
async function within<T>(ms: number, signal: AbortSignal, work: (cut: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const slow = new AbortController();
  const timer = setTimeout(() => slow.abort(new TimedOut(ms)), ms);
  try {
    return await work(AbortSignal.any([signal, slow.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Its head, once it is one to read: everything else is thrown, with what the other side said. */
async function attempt(request: HttpRequest, options: HttpOptions, signal: AbortSignal): Promise<HttpStream> {
  const response = await (options.fetch ?? fetch)(urlOf(request, options.origins ?? {}), {
    method: request.method ?? 'GET',
    headers: headersOf(request),
    body: bodyOf(request),
    // A header with a key must not follow to another host, and no price list moves without a word.
    redirect: 'manual',
    signal,
  });
  if (response.ok || response.status === 304) {
    return { status: response.status, headers: response.headers, body: response.body ?? new Blob([]).stream() };
  }
  throw await refusal(response, request, options.now());
}

/** @throws HttpError `config` for an address that is never asked; its message does not repeat it: it may hold a password */
function urlOf(request: HttpRequest, origins: Readonly<Record<string, string>>): URL {
  const url = URL.parse(String(request.url));
  if (url === null) throw impossible('A request has an address that is none');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw impossible(`A request has an address that begins with ${url.protocol} instead of https:`);
  }
  if (url.username !== '' || url.password !== '') {
    throw impossible(
      `${nameOf(request)} is not asked: its address holds a name or a password, which belong in a header`,
    );
  }
  for (const [key, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) url.searchParams.append(key, String(value));
  }
  const other = origins[url.origin];
  if (other === undefined) return url;
  // Set on its own: a path that begins with `//` would name another host.
  const instead = new URL(other);
  instead.pathname = url.pathname;
  instead.search = url.search;
  return instead;
}

function requireHeaders(request: HttpRequest): void {
  for (const [name, value] of request.headers instanceof Headers ? [] : Object.entries(request.headers ?? {})) {
    try {
      new Headers([[name, value]]);
    } catch {
      // What is thrown repeats the value, and that may be a key.
      const what = 'is none, or holds a line end or a letter that headers cannot carry';
      throw impossible(`${nameOf(request)} is not asked: its header ${JSON.stringify(name)} ${what}`);
    }
  }
}

function headersOf(request: HttpRequest): Headers {
  requireHeaders(request);
  const headers = withDefault(request.headers, 'user-agent', USER_AGENT);
  return isObject(request.body) ? withDefault(headers, 'content-type', JSON_TYPE) : headers;
}

/** A mistake of whoever asks: nothing was sent, and sending it again is the same mistake. */
function impossible(message: string): HttpError {
  return new HttpError('config', message, { status: null, retryAfterMs: null });
}

/** Names of headers know no letter case: `User-Agent` of the caller is not joined by ours. */
function withDefault(given: HttpRequest['headers'] | Headers, name: string, value: string): Headers {
  const headers = new Headers(given);
  if (!headers.has(name)) headers.set(name, value);
  return headers;
}

function bodyOf(request: HttpRequest): string | Uint8Array<ArrayBuffer> | null {
  if (request.body === undefined) return null;
  if (typeof request.body === 'string') return request.body;
  return isObject(request.body) ? JSON.stringify(request.body) : Uint8Array.from(request.body);
}

function isObject(body: HttpRequest['body']): body is Readonly<Record<string, unknown>> | readonly unknown[] {
  return typeof body === 'object' && !(body instanceof Uint8Array);
}

function parseJson<T>(answer: HttpAnswer, request: HttpRequest & { readonly schema: ZodType<T> }): T {
  const details = { status: answer.status, retryAfterMs: null };
  let value: unknown;
  try {
    value = JSON.parse(answer.text);
  } catch (cause) {
    const what = answer.text.trim() === '' ? 'an empty body' : isHtml(answer.text) ? 'a web page' : 'something';
    throw new HttpError('unknown', `${nameOf(request)} answered with ${what} that is no JSON`, {
      ...details,
      cause,
    });
  }
  const parsed = request.schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'the answer' : `\`${issue.path.join('.')}\``;
  const message = `${nameOf(request)} answered in another shape than documented: ${where}: ${issue?.message ?? ''}`;
  throw new HttpError('unknown', message, { ...details, cause: parsed.error });
}
