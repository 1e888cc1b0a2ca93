import { z } from 'zod';
import { secret } from './secret-field.ts';

/** Credentials of clouds that know an account by one key. */
export const ApiKey = z.strictObject({ api_key: secret() });
export type ApiKey = z.output<typeof ApiKey>;
