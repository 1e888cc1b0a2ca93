/**
 * Requests to the outside: with a deadline, a bounded answer, retries where they do no harm, and
 * errors that say what happened to whom. Clock, waiting and chance are arguments.
 */
import type { ZodType } from 'zod';
import { codeOfStatus, HttpError } from './http-error.ts';
import { readLines, readText } from './read-body.ts';
import { retryAfter, retryDelay } from './retry.ts';

export { HttpError, type HttpErrorCode } from './http-error.ts';

export interface HttpRequest {
  /** `GET` when absent. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'HEAD';
  readonly url: string | URL;
  /** Added to the URL; undefined ones are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | Uint8Array | Readonly<Record<string, unknown>> | readonly unknown[];
  /** For one attempt, until the last byte; 30 s when absent. */
  readonly timeoutMs?: number;
  /** Of the answer; 64 MiB when absent. */
  readonly maxBytes?: number;
  /** May it be sent again when its outcome is not known? When absent: only GET and HEAD. */
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
/** Some price APIs turn away clients without a name. */
const USER_AGENT = 'berth (+https://github.com/berth)';

export function createHttp(options: HttpOptions): Http {
  const open = (request: HttpRequest, signal: AbortSignal, timeoutMs: number | null) =>
    withRetries(request, options, signal, () => attempt(request, options, signal, timeoutMs));

  const text = (request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> =>
    withRetries(request, options, signal, async () => {
      const cut = AbortSignal.any([signal, AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS)]);
      const { status, headers, body } = await attempt(request, options, cut, null);
      try {
        return { status, headers, text: await readText(body, request.maxBytes ?? MAX_BYTES, nameOf(request)) };
      } catch (error) {
        throw failure(error, request, signal);
      }
    });

  return {
    text,
    open: (request, signal) => open(request, signal, request.timeoutMs ?? TIMEOUT_MS),
    async json(request, signal) {
      const answer = await text({ ...request, headers: { accept: 'application/json', ...request.headers } }, signal);
      return parseJson(answer, request);
    },
    async *lines(request, signal) {
      const { body } = await open(request, signal, request.timeoutMs ?? TIMEOUT_MS);
      const limits = { maxBytes: request.maxBytes ?? MAX_BYTES, idleMs: request.timeoutMs ?? TIMEOUT_MS };
      try {
        yield* readLines(body, limits, nameOf(request), signal);
      } catch (error) {
        throw failure(error, request, signal);
      }
    },
  };
}

/** Method, host and path: a query may hold a key. */
function nameOf(request: HttpRequest): string {
  const { host, pathname } = new URL(request.url);
  return `${request.method ?? 'GET'} ${host}${pathname}`;
}

async function withRetries<T>(
  request: HttpRequest,
  options: HttpOptions,
  signal: AbortSignal,
  send: () => Promise<T>,
): Promise<T> {
  const most = options.attempts ?? ATTEMPTS;
  for (let sent = 1; ; sent += 1) {
    try {
      return await send();
    } catch (error) {
      if (signal.aborted || !(error instanceof HttpError) || sent >= most || !mayRepeat(request, error)) throw error;
      const delayMs = retryDelay(sent, error.retryAfterMs, options.random);
      if (delayMs === null) throw error;
      options.onRetry?.(error.message, delayMs);
      await options.sleep(delayMs, signal);
    }
  }
}

/** A refusal for being too fast did nothing; whether anything else did something is not known. */
function mayRepeat(request: HttpRequest, error: HttpError): boolean {
  if (error.code === 'rate-limited') return true;
  const harmless = request.method === undefined || request.method === 'GET' || request.method === 'HEAD';
  return error.code === 'transient' && (request.repeatable ?? harmless);
}

async function attempt(
  request: HttpRequest,
  options: HttpOptions,
  signal: AbortSignal,
  headTimeoutMs: number | null,
): Promise<HttpStream> {
  const slow = new AbortController();
  const timer = headTimeoutMs === null ? undefined : setTimeout(() => slow.abort(new TimedOut()), headTimeoutMs);
  let response: Response;
  try {
    response = await (options.fetch ?? fetch)(urlOf(request, options.origins ?? {}), {
      method: request.method ?? 'GET',
      headers: headersOf(request),
      body: bodyOf(request),
      // A header with a key must not follow to another host, and no price list moves without a word.
      redirect: 'error',
      signal: AbortSignal.any([signal, slow.signal]),
    });
  } catch (error) {
    throw failure(error, request, signal);
  } finally {
    clearTimeout(timer);
  }
  if (response.ok || response.status === 304) {
    return { status: response.status, headers: response.headers, body: response.body ?? new Blob([]).stream() };
  }
  throw await refusal(response, request, options.now());
}

class TimedOut extends Error {
  override readonly name = 'TimeoutError';
}

function urlOf(request: HttpRequest, origins: Readonly<Record<string, string>>): URL {
  const url = new URL(request.url);
  for (const [key, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) url.searchParams.append(key, String(value));
  }
  const other = origins[url.origin];
  return other === undefined ? url : new URL(`${url.pathname}${url.search}`, other);
}

function headersOf(request: HttpRequest): Headers {
  const headers = new Headers({ 'user-agent': USER_AGENT, ...request.headers });
  if (isObject(request.body) && !headers.has('content-type')) headers.set('content-type', 'application/json');
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

/** How much of a refusal is told. */
const TOLD = 300;

async function refusal(response: Response, request: HttpRequest, now: number): Promise<HttpError> {
  const { status } = response;
  const said = await readText(response.body ?? new Blob([]).stream(), 64 * 1024, nameOf(request)).catch(() => '');
  const words = isHtml(said) ? '' : said.trim().replace(/\s+/g, ' ').slice(0, TOLD);
  const message = `${nameOf(request)} answered ${status}${words === '' ? '' : `: ${words}`}`;
  return new HttpError(codeOfStatus(status), message, { status, retryAfterMs: retryAfter(response.headers, now) });
}

/** What `fetch` or a reader threw, in our words. An abort by the caller stays what it is. */
function failure(error: unknown, request: HttpRequest, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof HttpError) return error;
  const name = nameOf(request);
  const details = { status: null, retryAfterMs: null, cause: error };
  if (error instanceof Error && error.name === 'TimeoutError') {
    const seconds = (request.timeoutMs ?? TIMEOUT_MS) / 1000;
    return new HttpError('transient', `${name} did not answer within ${seconds} s`, details);
  }
  return new HttpError('transient', `${name} failed: ${reasonOf(error)}`, details);
}

/** `fetch` says "fetch failed" and keeps the reason in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}

function parseJson<T>(answer: HttpAnswer, request: HttpRequest & { readonly schema: ZodType<T> }): T {
  const details = { status: answer.status, retryAfterMs: null };
  let value: unknown;
  try {
    value = JSON.parse(answer.text);
  } catch (cause) {
    const what = isHtml(answer.text) ? 'a web page' : 'something';
    throw new HttpError('unknown', `${nameOf(request)} answered with ${what} that is no JSON`, { ...details, cause });
  }
  const parsed = request.schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'the answer' : `\`${issue.path.join('.')}\``;
  const message = `${nameOf(request)} answered in another shape than documented: ${where}: ${issue?.message ?? ''}`;
  throw new HttpError('unknown', message, { ...details, cause: parsed.error });
}

function isHtml(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body)/i.test(text);
}
