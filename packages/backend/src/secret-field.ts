import { Secret } from '@berth/core/secret';
import { z } from 'zod';

/**
 * A field of credentials that nobody may see: parsed into a `Secret`, which prints as `[secret]`, asked for
 * without echo, sealed before it is stored, and taken out of every message (C7).
 * @param text what it must look like
 */
export function secret(text: z.ZodString = z.string().min(1)) {
  return text.meta({ writeOnly: true }).transform((value) => new Secret(value));
}
