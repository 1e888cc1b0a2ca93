/**
 * How a request to Crusoe proves who sent it.
 * Source: Crusoe Cloud, "API Reference: Generating a signature" (docs.crusoecloud.com/reference/api).
 */
import { createHmac } from 'node:crypto';
import type { AccessKey } from './access-key.ts';

const VERSION = '1.0';

export interface SignedRequest {
  readonly method: 'GET';
  /** With the version of the API: `/v1/capacities`. */
  readonly path: string;
  /** Not encoded. */
  readonly query?: Readonly<Record<string, string>>;
}

/** The two headers of a request that is sent now. @param now in milliseconds since 1970 */
export function signedHeaders(
  request: SignedRequest,
  { access_key, secret_key }: Pick<AccessKey, 'access_key' | 'secret_key'>,
  now: number,
): Readonly<Record<'x-crusoe-timestamp' | 'authorization', string>> {
  const timestamp = `${new Date(now).toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length)}+00:00`;
  const lines = [request.path, canonical(request.query ?? {}), request.method, timestamp];
  const signature = createHmac('sha256', Buffer.from(secret_key.reveal(), 'base64url'))
    // Each line ends with a newline, the last one and the empty ones too.
    .update(lines.map((line) => `${line}\n`).join(''))
    .digest('base64url');
  return { 'x-crusoe-timestamp': timestamp, authorization: `Bearer ${VERSION}:${access_key}:${signature}` };
}

function canonical(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).sort(([one], [other]) => (one < other ? -1 : 1));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}
