import { defineBackend, offline } from '@berth/backend';
import { z } from 'zod';
import { collectOci } from './collect.ts';

export default defineBackend({
  type: 'oci',
  title: 'Oracle Cloud Infrastructure',
  kind: 'vm',
  credentials: { default: z.strictObject({}) },
  config: z.strictObject({}),
  catalog: offline({
    credentials: 'none',
    collect: collectOci,
    rules: [
      {
        rule: 'accelerators',
        names: ['V100', 'A10', 'A100', 'H100', 'H200', 'L40S', 'B200', 'GB200', 'MI300X'],
        // Oracle withdraws old devices one by one.
        atLeast: 7,
      },
      { rule: 'regions', names: ['us-ashburn-1', 'us-phoenix-1', 'eu-frankfurt-1', 'uk-london-1', 'ap-tokyo-1'] },
      { rule: 'instance-types', names: ['BM.GPU.H100.8', 'BM.GPU4.8', 'VM.GPU.A10.1'] },
      { rule: 'capacity-types', exactly: ['on-demand', 'spot'] },
    ],
  }),
});
