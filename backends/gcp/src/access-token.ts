/**
 * Access tokens for a service account: a signed assertion is exchanged for one.
 * Source: https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */

import { createSign } from 'node:crypto';
import { BerthError } from '@berth/core/errors';
import { Secret } from '@berth/core/secret';
import type { Http } from '@berth/http';
import { z } from 'zod';
import type { ServiceAccountKey } from './service-account.ts';

/** The Cloud TPU API accepts no narrower one. What the account may do is up to its roles. */
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/** The longest that Google allows. */
const ASSERTION_SECONDS = 3600;

/** A token is renewed this long before its end: a request that is under way must still find it valid. */
const MARGIN_MS = 60_000;

const Answer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

export interface AccessTokens {
  /** A token that is valid for a while. @throws HttpError, and BerthError `forbidden` for a key that is none */
  current(signal: AbortSignal): Promise<Secret<string>>;
}

/** `now`: milliseconds since 1970. */
export function accessTokens(key: ServiceAccountKey, http: Http, now: () => number): AccessTokens {
  let held: { readonly token: Secret<string>; readonly until: number } | null = null;
  return {
    async current(signal) {
      if (held !== null && now() < held.until) return held.token;
      const form = new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: assertionOf(key, now()),
      });
      const answer = await http.json(
        {
          method: 'POST',
          url: key.token_uri,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: form.toString(),
          repeatable: true,
          schema: Answer,
        },
        signal,
      );
      const token = new Secret(answer.access_token);
      held = { token, until: now() + answer.expires_in * 1000 - MARGIN_MS };
      return token;
    },
  };
}

/** A JSON Web Token, signed with RS256. */
function assertionOf(key: ServiceAccountKey, nowMs: number): string {
  const issuedAt = Math.floor(nowMs / 1000);
  const header = { alg: 'RS256', typ: 'JWT', ...(key.private_key_id && { kid: key.private_key_id }) };
  const claims = {
    iss: key.client_email,
    scope: SCOPE,
    aud: key.token_uri,
    iat: issuedAt,
    exp: issuedAt + ASSERTION_SECONDS,
  };
  const signed = `${base64url(header)}.${base64url(claims)}`;
  try {
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key.private_key.reveal(), 'base64url')}`;
  } catch {
    // No cause: what the library says of a key that it cannot read may repeat parts of it.
    throw new BerthError('forbidden', `the private key of ${key.client_email} cannot be read`, {
      hint: 'Give the whole JSON file that the console downloaded, line breaks included.',
    });
  }
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
