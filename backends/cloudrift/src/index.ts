import { defineBackend, offline } from '@berth/backend';
import { z } from 'zod';
import { collectCloudRift } from './collect.ts';

export default defineBackend({
  type: 'cloudrift',
  title: 'CloudRift',
  kind: 'vm',
  credentials: { default: z.strictObject({}) },
  config: z.strictObject({}),
  catalog: offline({
    credentials: 'none',
    collect: collectCloudRift,
    rules: [
      { rule: 'accelerators', names: ['RTX4090', 'RTX5090', 'RTXPRO6000'], atLeast: 2 },
      { rule: 'capacity-types', exactly: ['on-demand'] },
    ],
  }),
});
