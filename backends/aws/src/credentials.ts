import { Secret } from '@berth/core';
import { z } from 'zod';

const secret = z
  .string()
  .min(1)
  .transform((text) => new Secret(text));

/** An access key of an IAM user, or temporary ones with their session token. */
export const accessKeySchema = z.strictObject({
  access_key: z.string().min(1),
  secret_key: secret,
  session_token: secret.optional(),
});

export type AwsCredentials = z.infer<typeof accessKeySchema>;
