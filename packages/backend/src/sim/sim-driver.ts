/** What a backend's calls to the simulated cloud have in common: patience, and the contract's words for refusals. */
import { BackendError, type BackendErrorOptions } from '../backend-error.ts';
import type { Call } from '../contract.ts';
import { tokenOfName, tokenOfTags } from '../machine-name.ts';
import { ApiError, type ApiRefusal } from './api-error.ts';
import { SimApi } from './sim-api.ts';
import type { SimCloud } from './sim-cloud.ts';

/** As `context.http`: how often one request is sent at most. */
const ATTEMPTS = 4;

export interface SimDriverOptions {
  readonly installation: string;
  readonly key: string;
  /** A cloud that asks for more patience than this, in ms, is left to the caller. */
  readonly patienceMs: number;
}

export class SimDriver {
  readonly cloud: SimCloud;
  readonly api: SimApi;
  readonly installation: string;
  readonly #patienceMs: number;

  constructor(cloud: SimCloud, { installation, key, patienceMs }: SimDriverOptions) {
    this.cloud = cloud;
    this.api = new SimApi(cloud, key);
    this.installation = installation;
    this.#patienceMs = patienceMs;
  }

  /** Sent again when the cloud says so (C16); its refusals become `BackendError`s (C6). */
  async send<T>(call: Pick<Call, 'signal'>, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await request(call.signal);
      } catch (error) {
        const again = error instanceof ApiError && (error.refusal === 'throttled' || error.refusal === 'unavailable');
        const waitMs = again ? (error.retryAfterMs ?? 0) : Number.POSITIVE_INFINITY;
        if (attempt >= ATTEMPTS || waitMs > this.#patienceMs) throw inContract(error);
        await this.#pause(waitMs, call.signal);
      }
    }
  }

  /** Undefined: not ours (C3). Null: ours, and no token is to be read. */
  tokenOf(thing: {
    readonly name: string;
    readonly tags: Readonly<Record<string, string>>;
  }): string | null | undefined {
    if (this.cloud.hasTags) return tokenOfTags(thing.tags, this.installation);
    return tokenOfName(thing.name, this.installation) ?? undefined; // C14
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        cancel();
        reject(new BackendError('transient', 'It was given up while the cloud asked for patience.'));
      };
      if (signal.aborted) return reject(new BackendError('transient', 'It was given up before it was sent again.'));
      const cancel = this.cloud.time.after(ms, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}

const CODES: Readonly<Record<ApiRefusal, [BackendError['code'], BackendErrorOptions]>> = {
  refused: ['transient', { scope: 'cloud' }],
  lost: ['unknown', { scope: 'cloud' }],
  unauthorized: ['auth', {}],
  forbidden: ['auth', {}],
  throttled: ['rate-limited', { scope: 'account' }],
  unavailable: ['transient', { scope: 'cloud' }],
  'out-of-stock': ['no-capacity', {}],
  'over-quota': ['quota', { scope: 'account' }],
  'not-found': ['not-found', {}],
  'in-use': ['transient', {}],
  invalid: ['config', {}],
};

function inContract(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const [code, options] = CODES[error.refusal];
  const after = error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs };
  return new BackendError(code, error.message, { ...options, ...after, cause: error });
}

/** @param code what the cloud's refusal `from` means here */
export function refusalAs(from: BackendError['code'], code: BackendError['code']): (error: unknown) => never {
  return (error) => {
    if (error instanceof BackendError && error.code === from)
      throw new BackendError(code, error.message, { cause: error });
    throw error;
  };
}

/** What is gone is what was wanted. */
export function unlessGone(error: unknown): void {
  if (error instanceof BackendError && error.code === 'not-found') return;
  throw error;
}
