import { defineBackend, offline } from '@berth/backend';
import { z } from 'zod';
import { collectRunPod } from './collect.ts';

export default defineBackend({
  type: 'runpod',
  title: 'RunPod',
  kind: 'container',
  credentials: { default: z.strictObject({}) },
  config: z.strictObject({}),
  catalog: offline({
    credentials: 'none',
    collect: collectRunPod,
    rules: [
      {
        rule: 'accelerators',
        names: ['RTX3090', 'RTX4090', 'A40', 'A100', 'L4', 'L40S', 'H100', 'H200', 'B200'],
        atLeast: 5,
      },
      {
        rule: 'regions',
        names: ['US-KS-2', 'CA-MTL-1', 'CA-MTL-3', 'EU-RO-1', 'EU-SE-1', 'EU-CZ-1', 'EUR-IS-1'],
        atLeast: 3,
      },
      { rule: 'capacity-types', exactly: ['on-demand'] },
      { rule: 'comes-and-goes', because: 'a type is listed where it is in stock, and that changes by the hour' },
    ],
  }),
});
