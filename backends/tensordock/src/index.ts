import { defineBackend, online } from '@berth/backend';
import type { CollectContext } from '@berth/catalog/catalog-source';
import { Secret } from '@berth/core/secret';
import { z } from 'zod';
import { collectLocations } from './collect.ts';

export default defineBackend({
  type: 'tensordock',
  title: 'TensorDock',
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
    // What a location has free changes with every customer; its API allows 100 requests a minute.
    cacheForMs: 3 * 60_000,
    credentials: 'required',
    collect: ({ credentials, ...context }: CollectContext<{ readonly api_key: Secret<string> }>) =>
      collectLocations(context, credentials.api_key),
    rules: [{ rule: 'free-zone-names' }, { rule: 'capacity-types', exactly: ['on-demand'] }],
  }),
});
