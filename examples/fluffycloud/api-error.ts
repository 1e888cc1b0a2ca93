/** Codes of `error.code`, with the HTTP status that each comes with. */
const STATUS_OF = {
  'invalid-request': 400,
  'invalid-name': 400,
  'invalid-tags': 400,
  'invalid-ssh-key': 400,
  'invalid-cursor': 400,
  'unknown-region': 400,
  'unknown-instance-type': 400,
  'key-missing': 401,
  'key-invalid': 401,
  'key-expired': 401,
  'key-revoked': 401,
  'key-read-only': 403,
  'quota-exceeded': 403,
  'not-found': 404,
  'no-such-route': 404,
  'out-of-stock': 409,
  'token-conflict': 409,
  'token-used': 409,
  'wrong-state': 409,
  'body-too-large': 413,
  'rate-limited': 429,
  internal: 500,
  unavailable: 503,
} as const;

export type ApiErrorCode = keyof typeof STATUS_OF;

/** A refusal as the client sees it. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterS: number | undefined;

  constructor(
    code: ApiErrorCode,
    message: string,
    details?: Readonly<Record<string, unknown>>,
    options: { readonly retryAfterS?: number; readonly status?: number } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = options.status ?? STATUS_OF[code];
    this.details = details;
    this.retryAfterS = options.retryAfterS;
  }
}
