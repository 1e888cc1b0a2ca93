/**
 * An access token for a service account: a signed assertion is exchanged for one (RFC 8693).
 * Source: https://github.com/nebius/api#service-account-authentication
 */

import { createSign } from 'node:crypto';
import { BerthError } from '@berth/core/errors';
import { Secret } from '@berth/core/secret';
import type { Http } from '@berth/http';
import { z } from 'zod';
import type { NebiusCredentials, ServiceAccount } from './credentials.ts';

const EXCHANGE = 'https://auth.eu.nebius.com/oauth2/token/exchange';

/** It is used at once. */
const ASSERTION_SECONDS = 300;

const Answer = z.object({ access_token: z.string().min(1) });

/** Lasts for hours, a collection for minutes: it is never renewed. `now`: milliseconds since 1970. */
export async function accessToken(
  credentials: NebiusCredentials,
  http: Http,
  now: () => number,
  signal: AbortSignal,
): Promise<Secret<string>> {
  if ('access_token' in credentials) return credentials.access_token;
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: assertionOf(credentials, now()),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  });
  const answer = await http.json(
    {
      method: 'POST',
      url: EXCHANGE,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      repeatable: true,
      schema: Answer,
    },
    signal,
  );
  return new Secret(answer.access_token);
}

/** A JSON Web Token, signed with RS256. */
function assertionOf(account: ServiceAccount, nowMs: number): string {
  const issuedAt = Math.floor(nowMs / 1000);
  const id = account.service_account_id;
  const header = { alg: 'RS256', typ: 'JWT', kid: account.public_key_id };
  const claims = { iss: id, sub: id, iat: issuedAt, exp: issuedAt + ASSERTION_SECONDS };
  const signed = `${base64url(header)}.${base64url(claims)}`;
  try {
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(account.private_key.reveal(), 'base64url')}`;
  } catch {
    // No cause: what the library says of a key that it cannot read may repeat parts of it.
    throw new BerthError('forbidden', `the private key of ${id} cannot be read`, {
      hint: 'Give the PEM text as it was made, line breaks included.',
    });
  }
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
