import { defineBackend, online } from '@berth/backend';
import { ApiKey } from '@berth/backend/api-key';
import { z } from 'zod';
import { collectInstanceTypes } from './collect.ts';

export default defineBackend({
  type: 'lambda',
  title: 'Lambda',
  kind: 'vm',
  credentials: { api_key: ApiKey },
  config: z.strictObject({}),
  catalog: online({
    // Where a type is sold is told only while it can be had there, and that changes by the minute.
    cacheForMs: 2 * 60_000,
    credentials: 'required',
    collect: collectInstanceTypes,
    rules: [{ rule: 'capacity-types', exactly: ['on-demand'] }],
  }),
});
