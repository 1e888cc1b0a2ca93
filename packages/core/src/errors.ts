/**
 * The error that reaches a person or a program: what happened, why, and what to do next.
 * Anything else that is thrown is a defect and is reported as `internal`.
 */

export const ERROR_CODES = [
  'invalid-configuration', // the user's file; details.issues says where
  'invalid-request', // a request that does not fit its schema
  'not-supported', // known, but not built yet, or not possible with this backend
  'not-found',
  'conflict', // exists already, or changed since it was read
  'unauthenticated',
  'forbidden',
  'too-large',
  'no-offers',
  'unavailable', // a part that is needed does not answer (Docker, server, agent)
  'rate-limited',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** One place in a user's file. Line and column count from 1. */
export interface ConfigIssue {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  /** What to write instead, for example the nearest known key. */
  readonly hint?: string;
}

export interface BerthErrorOptions {
  /** What the person can do next, as one sentence. */
  readonly hint?: string;
  readonly issues?: readonly ConfigIssue[];
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class BerthError extends Error {
  override readonly name = 'BerthError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly issues: readonly ConfigIssue[];
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: BerthErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.issues = options.issues ?? [];
    this.details = options.details ?? {};
  }
}

/** Codes that mean "the person asked for something wrong": the CLI exits 2 and nothing was created. */
const USER_MISTAKES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'invalid-configuration',
  'invalid-request',
  'not-supported',
  'not-found',
  'conflict',
  'unauthenticated',
  'forbidden',
  'too-large',
]);

export function isUserMistake(error: unknown): error is BerthError {
  return error instanceof BerthError && USER_MISTAKES.has(error.code);
}
