import { Secret } from '@berth/core';
import { z } from 'zod';

/** A service principal, with the subscription whose sizes it may read. */
export const clientSchema = z.strictObject({
  tenant_id: z.string().min(1),
  client_id: z.string().min(1),
  client_secret: z
    .string()
    .min(1)
    .transform((text) => new Secret(text)),
  subscription_id: z.string().min(1),
});

export type AzureCredentials = z.infer<typeof clientSchema>;
