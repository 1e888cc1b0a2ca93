import { inspect } from 'node:util';
import { HttpError } from '@berth/http/http-error';

export const BACKEND_ERROR_CODES = [
  'no-capacity', // this offer is out of stock where we asked
  'quota', // the account may not have (more of) it
  'auth', // the credentials are wrong, expired or lack a right
  'config', // the request can never work with this configuration
  'rate-limited',
  'not-found',
  'transient', // refused before anything happened; safe to repeat
  'unknown', // the outcome is not known: look with `list` before anything else
] as const;
export type BackendErrorCode = (typeof BACKEND_ERROR_CODES)[number];

/** How far a failure reaches, from narrow to wide: the engine avoids exactly that. */
export type ErrorScope = 'zone' | 'region' | 'type' | 'account' | 'cloud';

export interface BackendErrorOptions {
  readonly scope?: ErrorScope;
  /** Not before this much time has passed, in ms. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The one error class of the contract (rule C6). The message is for people and holds no secret (C7). */
export class BackendError extends Error {
  override readonly name = 'BackendError';
  readonly code: BackendErrorCode;
  readonly scope: ErrorScope;
  readonly retryAfterMs: number | null;

  constructor(code: BackendErrorCode, message: string, options: BackendErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.scope = options.scope ?? (code === 'auth' ? 'account' : 'type');
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** What a backend threw, as the engine sees it. */
export function asBackendError(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  // A backend that was installed with its own copy of this package throws another class of the same name.
  if (error instanceof Error && error.name === 'BackendError' && 'code' in error) {
    const code = BACKEND_ERROR_CODES.find((known) => known === error.code);
    if (code !== undefined) return new BackendError(code, error.message, { ...optionsOf(error), cause: error.cause });
  }
  const message = error instanceof Error ? error.message : textOf(error);
  if (isHttpError(error)) {
    // A whole account is slowed down, not one type of machine.
    const scope = error.code === 'rate-limited' ? { scope: 'account' as const } : {};
    const after = error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs };
    return new BackendError(error.code, message, { ...scope, ...after, cause: error });
  }
  return new BackendError('unknown', message, { cause: error });
}

/** By its name: a backend that was installed may bring its own copy of this class too. */
function isHttpError(error: unknown): error is HttpError {
  if (error instanceof HttpError) return true;
  return (
    error instanceof Error &&
    error.name === 'HttpError' &&
    'code' in error &&
    BACKEND_ERROR_CODES.some((code) => code === error.code) &&
    'retryAfterMs' in error &&
    (error.retryAfterMs === null || typeof error.retryAfterMs === 'number')
  );
}

const SCOPES: readonly ErrorScope[] = ['zone', 'region', 'type', 'account', 'cloud'];

function optionsOf(error: object): Pick<BackendErrorOptions, 'scope' | 'retryAfterMs'> {
  const scope = 'scope' in error ? SCOPES.find((known) => known === error.scope) : undefined;
  const after = 'retryAfterMs' in error && typeof error.retryAfterMs === 'number' ? error.retryAfterMs : undefined;
  return { ...(scope === undefined ? {} : { scope }), ...(after === undefined ? {} : { retryAfterMs: after }) };
}

/** Anything can be thrown, also what has no text. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 1 });
}
