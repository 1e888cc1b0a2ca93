import { defineBackend, online } from '@berth/backend';
import type { CollectContext } from '@berth/catalog/catalog-source';
import { Secret } from '@berth/core/secret';
import { z } from 'zod';
import { collectInstanceTypes } from './collect.ts';

export default defineBackend({
  type: 'lambda',
  title: 'Lambda',
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
    // Where a type is sold is told only while it can be had there, and that changes by the minute.
    cacheForMs: 2 * 60_000,
    credentials: 'required',
    collect: ({ credentials, ...context }: CollectContext<{ readonly api_key: Secret<string> }>) =>
      collectInstanceTypes(context, credentials.api_key),
    rules: [{ rule: 'capacity-types', exactly: ['on-demand'] }],
  }),
});
