import type { ErrorView } from '@berth/core/api-schemas';
import { BerthError, type BerthErrorOptions, ERROR_CODES, type ErrorCode } from '@berth/core/errors';
import type { TransportError, TransportResponse } from './transport.ts';

/** Where the server's answer is no ErrorView: a proxy spoke, or something that is not Berth. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid-request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  413: 'too-large',
  429: 'rate-limited',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

const CODES: ReadonlySet<string> = new Set(ERROR_CODES);

/** The server's refusal as the error that it was there. Codes that this client does not know yet count as `internal`. */
export function errorFromResponse(response: TransportResponse, body: string, url: string): BerthError {
  const { status } = response;
  const retryAfterMs = parseRetryAfter(response.header('retry-after'));
  const view = parseErrorView(body);
  if (view === null) {
    const text = body.trim().slice(0, 200).replace(/\s+/g, ' ');
    return new BerthError(
      CODE_OF_STATUS[status] ?? 'internal',
      `${url} answered ${status}${text === '' ? '' : `: ${text}`}`,
      { hint: 'check that this is the address of a Berth server', details: { status, retryAfterMs } },
    );
  }
  const { code, message, hint, issues, details } = view.error;
  const options: { -readonly [K in keyof BerthErrorOptions]: BerthErrorOptions[K] } = {
    details: { ...details, status, retryAfterMs },
  };
  if (hint !== undefined) options.hint = hint;
  // The schema's optional fields may be undefined, ours may only be absent; JSON knows no undefined.
  if (issues !== undefined) options.issues = issues as NonNullable<BerthErrorOptions['issues']>;
  return new BerthError(isErrorCode(code) ? code : 'internal', message, options);
}

/** What a person can do about a server that does not answer. */
export function errorFromTransport(error: TransportError, url: string): BerthError {
  const options = { cause: error, details: { url, failure: error.failure } };
  switch (error.failure) {
    case 'refused':
      return new BerthError('unavailable', `nobody answers at ${url}`, {
        ...options,
        hint: 'start the server (`berth server start`), or check the address',
      });
    case 'unknown-host':
      return new BerthError('unavailable', `the host of ${url} is not known: ${error.message}`, {
        ...options,
        hint: 'check the address and the network',
      });
    case 'untrusted':
      return new BerthError('unavailable', `the certificate of ${url} is not trusted: ${error.message}`, {
        ...options,
        hint: 'name the certificate of your authority in NODE_EXTRA_CA_CERTS',
      });
    case 'timed-out':
      return new BerthError('unavailable', `${url} does not answer: ${error.message}`, {
        ...options,
        hint: 'try again; `berth server status` tells whether the server is well',
      });
    case 'broken':
      return new BerthError('unavailable', `the connection to ${url} broke: ${error.message}`, {
        ...options,
        hint: 'try again; `berth server status` tells whether the server is well',
      });
  }
}

function parseErrorView(body: string): ErrorView | null {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null || !('error' in parsed)) return null;
    const { error } = parsed;
    if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return null;
    return parsed as ErrorView; // the two fields that are always read are there
  } catch {
    return null;
  }
}

/** `Retry-After` in seconds, as milliseconds; its other form, a date, is not worth a parser. */
function parseRetryAfter(value: string | null): number | undefined {
  return value !== null && /^\d{1,4}$/.test(value) ? Number(value) * 1000 : undefined;
}

function isErrorCode(code: string): code is ErrorCode {
  return CODES.has(code);
}
