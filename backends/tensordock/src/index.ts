import { defineBackend, online } from '@berth/backend';
import { ApiKey } from '@berth/backend/api-key';
import { z } from 'zod';
import { collectLocations } from './collect.ts';

export default defineBackend({
  type: 'tensordock',
  title: 'TensorDock',
  kind: 'vm',
  credentials: { api_key: ApiKey },
  config: z.strictObject({}),
  catalog: online({
    // What a location has free changes with every customer; its API allows 100 requests a minute.
    cacheForMs: 3 * 60_000,
    credentials: 'required',
    collect: collectLocations,
    rules: [{ rule: 'free-zone-names' }, { rule: 'capacity-types', exactly: ['on-demand'] }],
  }),
});
