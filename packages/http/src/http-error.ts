import type { ZodType } from 'zod';

/**
 * Why a request failed, in the words of the contract for backends, which knows these and more. `transient`:
 * sending it again does no harm; `unknown`: what it did is not known, or the answer is none that we understand.
 */
export type HttpErrorCode = 'auth' | 'config' | 'not-found' | 'rate-limited' | 'transient' | 'unknown';

export interface HttpErrorDetails {
  /** Null: there was no answer. */
  readonly status: number | null;
  /** Not before this much time has passed, in ms; null: nobody said. */
  readonly retryAfterMs: number | null;
  /** The answer's body, without our keys; absent: there was none. */
  readonly said?: string;
  readonly cause?: unknown;
}

/** A request that failed for good. The message names method, host and path; never a query, a header or a body of ours. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly code: HttpErrorCode;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  // Hidden: whoever prints the error prints its message, which has the beginning of it.
  readonly #said: string;

  constructor(code: HttpErrorCode, message: string, details: HttpErrorDetails) {
    super(plain(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.#said = details.said ?? '';
  }

  /** What the other side said, where it is JSON of this shape: the code of its own by which refusals are told apart. */
  said<T>(schema: ZodType<T>): T | null {
    try {
      return schema.parse(JSON.parse(this.#said));
    } catch {
      return null;
    }
  }
}

/** Words of another side end up on terminals and in logs: none that move a cursor or turn a line round. */
function plain(message: string): string {
  return message.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** What a status means. 404 and 410 are one: what is gone is not found. */
export function codeOfStatus(status: number): HttpErrorCode {
  if (status === 401 || status === 403) return 'auth';
  if (status === 404 || status === 410) return 'not-found';
  if (status === 429) return 'rate-limited';
  if (status === 408 || status >= 500) return 'transient';
  return 'config';
}
