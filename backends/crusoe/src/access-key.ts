import { secret } from '@berth/backend/secret-field';
import { z } from 'zod';

export const AccessKey = z.strictObject({
  access_key: z.string().min(1),
  /** The key of the signature in URL-safe base64, as Crusoe hands it out. */
  secret_key: secret(z.string().regex(/^[\w-]+={0,2}$/, 'must be URL-safe base64, as Crusoe shows it once')),
  /** Types are listed for a project. */
  project_id: z.string().regex(/^[\w-]+$/, 'must be the id of a project'),
});
export type AccessKey = z.output<typeof AccessKey>;
