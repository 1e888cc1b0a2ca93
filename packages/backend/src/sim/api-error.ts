/** How the simulated cloud's API refuses, in its own words; `sim-compute.ts` puts them into the contract's. */
export type ApiRefusal =
  | 'refused' // the connection; nothing happened
  | 'lost' // the answer
  | 'unauthorized'
  | 'forbidden'
  | 'throttled'
  | 'unavailable'
  | 'out-of-stock'
  | 'over-quota'
  | 'not-found'
  | 'in-use'
  | 'invalid';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly refusal: ApiRefusal;
  readonly retryAfterMs: number | null;

  constructor(refusal: ApiRefusal, message: string, retryAfterMs: number | null = null) {
    super(message);
    this.refusal = refusal;
    this.retryAfterMs = retryAfterMs;
  }
}
