import { defineBackend, offline } from '@berth/backend';
import { z } from 'zod';
import { collectVultr } from './collect.ts';

export default defineBackend({
  type: 'vultr',
  title: 'Vultr',
  kind: 'vm',
  credentials: { default: z.strictObject({}) },
  config: z.strictObject({}),
  catalog: offline({
    credentials: 'none',
    collect: collectVultr,
    rules: [
      { rule: 'accelerators', names: ['A16', 'A40', 'A100', 'L40S', 'H100', 'MI300X'], atLeast: 3 },
      { rule: 'regions', names: ['ewr', 'ord', 'lax', 'ams', 'fra', 'lhr', 'nrt', 'sgp'], atLeast: 6 },
      { rule: 'instance-types', names: ['vc2-1c-1gb', 'vc2-2c-4gb'] },
      { rule: 'shares', because: 'Cloud GPU starts at a 24th of an A40 and an eighth of an A16' },
    ],
  }),
});
