/** The key of a service account, as the console downloads it. */

import { Secret } from '@berth/core/secret';
import { z } from 'zod';

/** Source: https://cloud.google.com/iam/docs/keys-create-delete */
const KeySchema = z.object({
  type: z.literal('service_account'),
  project_id: z.string().min(1),
  private_key_id: z.string().optional(),
  private_key: z.string().transform((pem) => new Secret(pem)),
  client_email: z.string().min(1),
  // The signed assertion goes there: only to a host that proves who it is.
  token_uri: z.url({ protocol: /^https$/ }).default('https://oauth2.googleapis.com/token'),
});
export type ServiceAccountKey = z.infer<typeof KeySchema>;

const KeyText = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says would repeat the text.
    context.issues.push({ code: 'custom', message: 'is no JSON', input: '' });
    return z.NEVER;
  }
});

export const GcpCredentialsSchema = z.strictObject({
  /** The key's JSON, as a map or as the text of the file; asked for without echo, as a whole. */
  key: z
    .union([KeyText, z.record(z.string(), z.unknown())])
    .pipe(KeySchema)
    .meta({ writeOnly: true }),
});
export type GcpCredentials = z.infer<typeof GcpCredentialsSchema>;
