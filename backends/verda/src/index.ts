import { defineBackend, online } from '@berth/backend';
import { z } from 'zod';
import { ClientCredentials } from './access-token.ts';
import { collectAvailable } from './collect.ts';

export default defineBackend({
  type: 'verda',
  title: 'Verda',
  kind: 'vm',
  credentials: { client_credentials: ClientCredentials },
  config: z.strictObject({}),
  catalog: online({
    // Where a type can be had is told only while it can, and spot capacity comes and goes by the minute.
    cacheForMs: 2 * 60_000,
    credentials: 'required',
    collect: collectAvailable,
    rules: [{ rule: 'regions', names: ['FIN-01', 'FIN-02', 'FIN-03', 'ICE-01'], atLeast: 1 }],
  }),
});
