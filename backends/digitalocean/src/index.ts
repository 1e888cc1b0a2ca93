import { defineBackend, online } from '@berth/backend';
import type { CollectContext } from '@berth/catalog/catalog-source';
import { Secret } from '@berth/core/secret';
import { z } from 'zod';
import { collectSizes } from './collect.ts';

export default defineBackend({
  type: 'digitalocean',
  title: 'DigitalOcean',
  kind: 'vm',
  credentials: {
    api_key: z.strictObject({
      api_key: z
        .string()
        .min(1)
        .transform((key) => new Secret(key)),
    }),
  },
  config: z.strictObject({}),
  catalog: online({
    // Prices change by the month, but an account sees only the regions that it may use, and GPUs sell out.
    cacheForMs: 5 * 60_000,
    credentials: 'required',
    collect: ({ credentials, ...context }: CollectContext<{ readonly api_key: Secret<string> }>) =>
      collectSizes(context, credentials.api_key),
    rules: [
      { rule: 'instance-types', names: ['s-1vcpu-1gb', 's-2vcpu-4gb'] },
      { rule: 'regions', names: ['nyc3', 'sfo3', 'ams3', 'fra1', 'lon1', 'sgp1', 'tor1', 'blr1', 'syd1'], atLeast: 5 },
    ],
  }),
});
