/**
 * AWS's Signature Version 4 for a GET request without a body.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */

import { createHash, createHmac } from 'node:crypto';

export interface SigningKey {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary credentials. */
  readonly sessionToken: string | null;
}

export interface GetRequest {
  readonly host: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly region: string;
  readonly service: string;
  /** Milliseconds since 1970. AWS takes no signature that is older or younger than five minutes. */
  readonly now: number;
}

export interface SignedRequest {
  /** With the query as it was signed: another spelling of the same one has another signature. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function signGet(request: GetRequest, key: SigningKey): SignedRequest {
  const timestamp = new Date(request.now).toISOString().replace(/[-:]|\.\d+/g, '');
  const date = timestamp.slice(0, 8);
  const query = canonicalQuery(request.query);
  const signed: [string, string][] = [
    ['host', request.host],
    ['x-amz-date', timestamp],
  ];
  if (key.sessionToken !== null) signed.push(['x-amz-security-token', key.sessionToken]);
  const names = signed.map(([name]) => name).join(';');
  const lines = signed.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonicalRequest = ['GET', '/', query, lines, names, sha256('')].join('\n');
  const scope = `${date}/${request.region}/${request.service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', timestamp, scope, sha256(canonicalRequest)].join('\n');
  const steps = [date, request.region, request.service, 'aws4_request'];
  const signingKey = steps.reduce<Buffer>(
    (secret, step) => hmac(secret, step),
    Buffer.from(`AWS4${key.secretKey}`, 'utf8'),
  );
  const signature = hmac(signingKey, toSign).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${key.accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  // `host` is the client's to send.
  const headers = Object.fromEntries([...signed.slice(1), ['authorization', authorization] as const]);
  return { url: `https://${request.host}/${query === '' ? '' : `?${query}`}`, headers };
}

/** By name and then by value, in the order of their bytes once encoded. */
function canonicalQuery(query: GetRequest['query']): string {
  const pairs = query.map(([name, value]) => [encode(name), encode(value)] as const);
  const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
  pairs.sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

/** RFC 3986 leaves only letters, digits and `-._~`; `encodeURIComponent` leaves five more. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}
