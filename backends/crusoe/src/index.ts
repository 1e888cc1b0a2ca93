import { defineBackend, online } from '@berth/backend';
import { z } from 'zod';
import { AccessKey } from './access-key.ts';
import { collectCapacities } from './collect.ts';

export default defineBackend({
  type: 'crusoe',
  title: 'Crusoe',
  kind: 'vm',
  credentials: { access_key: AccessKey },
  config: z.strictObject({}),
  catalog: online({
    // What a location has free changes by the minute.
    cacheForMs: 2 * 60_000,
    credentials: 'required',
    collect: collectCapacities,
    rules: [{ rule: 'capacity-types', exactly: ['on-demand'] }],
  }),
});
