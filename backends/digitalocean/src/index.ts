import { defineBackend, online } from '@berth/backend';
import { ApiKey } from '@berth/backend/api-key';
import { z } from 'zod';
import { collectSizes } from './collect.ts';

export default defineBackend({
  type: 'digitalocean',
  title: 'DigitalOcean',
  kind: 'vm',
  credentials: { api_key: ApiKey },
  config: z.strictObject({}),
  catalog: online({
    // Prices change by the month, but an account sees only the regions that it may use, and GPUs sell out.
    cacheForMs: 5 * 60_000,
    credentials: 'required',
    collect: collectSizes,
    rules: [
      { rule: 'instance-types', names: ['s-1vcpu-1gb', 's-2vcpu-4gb'] },
      { rule: 'regions', names: ['nyc3', 'sfo3', 'ams3', 'fra1', 'lon1', 'sgp1', 'tor1', 'blr1', 'syd1'], atLeast: 5 },
    ],
  }),
});
