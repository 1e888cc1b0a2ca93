import { secret } from '@berth/backend/secret-field';
import { z } from 'zod';

/** An access key of an IAM user, or temporary ones with their session token. */
export const accessKeySchema = z.strictObject({
  access_key: z.string().min(1),
  secret_key: secret(),
  session_token: secret().optional(),
});

export type AwsCredentials = z.infer<typeof accessKeySchema>;
