import { secret } from '@berth/backend/secret-field';
import { Secret } from '@berth/core/secret';
import type { Http } from '@berth/http';
import { z } from 'zod';

/** Source: Verda API 1.0, "OAuth: client credentials" (api.verda.com/v1/docs). */
const TOKEN = 'https://api.verda.com/v1/oauth2/token';

export const ClientCredentials = z.strictObject({
  client_id: z.string().min(1),
  client_secret: secret(),
});
export type ClientCredentials = z.output<typeof ClientCredentials>;

/** Lives for an hour, which is longer than reading a list takes. */
const Answer = z.object({ access_token: z.string().min(1) });

/** @throws HttpError with code `auth` or `config` when the credentials are refused */
export async function accessToken(
  http: Http,
  { client_id, client_secret }: ClientCredentials,
  signal: AbortSignal,
): Promise<Secret<string>> {
  const body = { grant_type: 'client_credentials', client_id, client_secret: client_secret.reveal() };
  // A token that nobody uses does no harm, so the request may be repeated.
  const request = { method: 'POST', url: TOKEN, body, repeatable: true, schema: Answer } as const;
  return new Secret((await http.json(request, signal)).access_token);
}
