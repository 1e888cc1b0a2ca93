import { Secret } from '@berth/core/secret';
import { z } from 'zod';

/** Credentials of clouds that know an account by one key. */
export const ApiKey = z.strictObject({
  api_key: z
    .string()
    .min(1)
    .transform((key) => new Secret(key)),
});
export type ApiKey = z.output<typeof ApiKey>;
