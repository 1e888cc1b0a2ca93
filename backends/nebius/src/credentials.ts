/** What an account shows: the authorized key of a service account, or an access token. */

import { secret } from '@berth/backend/secret-field';
import { z } from 'zod';

/** Needed by accounts that see several tenants and mean one. */
const tenant = z.string().min(1).optional();

/** Source: https://docs.nebius.com/iam/service-accounts/authorized-keys */
export const ServiceAccountSchema = z.strictObject({
  service_account_id: z.string().min(1),
  public_key_id: z.string().min(1),
  /** PEM. */
  private_key: secret(),
  tenant_id: tenant,
});
export type ServiceAccount = z.infer<typeof ServiceAccountSchema>;

/** What `nebius iam get-access-token` prints; it ends after twelve hours. */
export const AccessTokenSchema = z.strictObject({ access_token: secret(), tenant_id: tenant });

export type NebiusCredentials = ServiceAccount | z.infer<typeof AccessTokenSchema>;
