/** One request to FluffyCloud: with the key, repeated where that is safe, its refusals in the contract's words. */
import { BackendError } from '@berth/backend';
import { type Http, HttpError } from '@berth/http';
import { type ZodType, z } from 'zod';
import type { Config, Credentials } from './index.ts';

/** What a request needs: `compute` and `configure` have it in their context, `collect` in another. */
export interface Session {
  readonly http: Http;
  readonly config: Config;
  readonly credentials: Credentials;
}

export interface Wanted<T> {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly schema: ZodType<T>;
}

/** The cloud answers in milliseconds; one that does not is asked again. */
const TIMEOUT_MS = 10_000;
const MOST_PER_PAGE = 20;

export async function request<T>(session: Session, wanted: Wanted<T>, signal: AbortSignal): Promise<T> {
  const { http, config, credentials } = session;
  const { path, method = 'GET', ...rest } = wanted;
  try {
    return await http.json(
      {
        ...rest,
        method,
        url: new URL(path, config.api_url),
        headers: { authorization: `Bearer ${credentials.api_key.reveal()}` },
        timeoutMs: TIMEOUT_MS,
        // Also changes: a launch has a token, and the others may be repeated.
        repeatable: true,
      },
      signal,
    );
  } catch (error) {
    throw meaningOf(error);
  }
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Null: it was the last page. */
  readonly next: string | null;
}

/** Every item of every page. One page that cannot be read is an error, never a shorter list (C3). */
export async function allPages<T>(
  session: Session,
  first: Wanted<Page<T>>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const all: T[] = [];
  for (let cursor: string | undefined; ; ) {
    const query = { ...first.query, limit: MOST_PER_PAGE, cursor };
    const { items, next } = await request(session, { ...first, query }, signal);
    all.push(...items);
    if (next === null) return all;
    cursor = next;
  }
}

const Refusal = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.object({ region: z.string() }).optional().catch(undefined),
  }),
});

/**
 * What the cloud means by its own codes (C6). `http` has the others right by their status: 401 and 403 are `auth`, 404
 * is `not-found`, 429 `rate-limited`, another 4xx `config`.
 */
function meaningOf(error: unknown): unknown {
  const refusal = error instanceof HttpError ? error.said(Refusal)?.error : undefined;
  if (refusal === undefined) return error;
  const { message, details } = refusal;
  switch (refusal.code) {
    case 'out-of-stock':
      return new BackendError('no-capacity', message, { scope: 'region', cause: error });
    case 'quota-exceeded':
      return new BackendError('quota', message, { scope: details === undefined ? 'account' : 'region', cause: error });
    // Not begun, unlike a 500: nothing has to be looked for.
    case 'unavailable':
      return new BackendError('transient', message, { scope: 'cloud', cause: error });
    // A tag of the user's that the cloud does not take: no other offer of it will do either.
    case 'invalid-tags':
      return new BackendError('config', message, { scope: 'cloud', cause: error });
    // Also a 404, and no word about a machine.
    case 'no-such-route':
      return new BackendError('config', message, { scope: 'cloud', cause: error });
    // It is still on its way from one state to another.
    case 'wrong-state':
      return new BackendError('transient', message, { cause: error });
    default:
      return error;
  }
}
