import { secret } from '@berth/backend/secret-field';
import { z } from 'zod';

/** A service principal, with the subscription whose sizes it may read. */
export const clientSchema = z.strictObject({
  tenant_id: z.string().min(1),
  client_id: z.string().min(1),
  client_secret: secret(),
  subscription_id: z.string().min(1),
});

export type AzureCredentials = z.infer<typeof clientSchema>;
