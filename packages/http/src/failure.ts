/** What went wrong with a request, in words for people and codes for programs. */
import type { HttpRequest } from './http.ts';
import { codeOfStatus, HttpError, type HttpErrorCode } from './http-error.ts';
import { readText } from './read-body.ts';
import { withoutSecrets } from './redact.ts';
import { retryAfter } from './retry.ts';

/** Why a request was cut off by its own time-out. */
export class TimedOut extends Error {
  override readonly name = 'TimeoutError';
  readonly afterMs: number;

  constructor(afterMs: number) {
    super(`no answer within ${afterMs} ms`);
    this.afterMs = afterMs;
  }
}

/** Method, host and path: a query may hold a key. */
export function nameOf(request: HttpRequest): string {
  const { host, pathname } = new URL(request.url);
  return `${request.method ?? 'GET'} ${host}${pathname}`;
}

/** Where a second time might do a second thing, a failure leaves the outcome open. */
function codeFor(request: HttpRequest, code: HttpErrorCode): HttpErrorCode {
  const reads = request.method === undefined || request.method === 'GET' || request.method === 'HEAD';
  return code === 'transient' && !(request.repeatable ?? reads) ? 'unknown' : code;
}

/** How much of a refusal is told. */
const TOLD = 300;

/** What an answer that is none says: its status, the other side's own words without our keys, when to come back. */
export async function refusal(response: Response, request: HttpRequest, now: number): Promise<HttpError> {
  const { status } = response;
  const said = await readText(response.body ?? new Blob([]).stream(), 64 * 1024, nameOf(request)).catch(() => '');
  const harmless = withoutSecrets(said, request);
  const plain = isHtml(said) ? '' : harmless.trim().replace(/\s+/g, ' ').slice(0, TOLD);
  const words = status >= 300 && status < 400 ? redirectedTo(response) : plain;
  const message = `${nameOf(request)} answered ${status}${words === '' ? '' : `: ${words}`}`;
  const retryAfterMs = retryAfter(response.headers, now);
  return new HttpError(codeFor(request, codeOfStatus(status)), message, { status, retryAfterMs, said: harmless });
}

function redirectedTo(response: Response): string {
  const location = response.headers.get('location') ?? '';
  const host = URL.canParse(location) ? new URL(location).host : 'another path';
  return `it points to ${host}, and redirects are not followed`;
}

/** Not changed since, where nobody had asked whether it was. */
export function noContent(request: HttpRequest, status: number): HttpError {
  return new HttpError('unknown', `${nameOf(request)} answered ${status} and no content`, {
    status,
    retryAfterMs: null,
  });
}

/** What `fetch` or a reader threw, in our words. An abort by the caller stays what it is. */
export function failure(error: unknown, request: HttpRequest, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof HttpError) return error;
  const name = nameOf(request);
  const details = { status: null, retryAfterMs: null, cause: error };
  if (error instanceof TimedOut) {
    return new HttpError(
      codeFor(request, 'transient'),
      `${name} did not answer within ${error.afterMs / 1000} s`,
      details,
    );
  }
  const code = neverArrived(error) ? 'transient' : codeFor(request, 'transient');
  return new HttpError(code, `${name} failed: ${reasonOf(error)}`, details);
}

/** There was no connection, so nothing was sent and nothing was done. */
function neverArrived(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && UNCONNECTED.has(String(error.code))) || neverArrived(error.cause);
}

const UNCONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** `fetch` says "fetch failed" and keeps the reason in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  // Several addresses were tried, each with its own failure.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message;
}

/** A proxy's or a sign-in page. */
export function isHtml(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body)/i.test(text);
}
