import { defineBackend, offline } from '@berth/backend';
import { z } from 'zod';
import { collectGcp } from './collect.ts';
import { type GcpCredentials, GcpCredentialsSchema } from './service-account.ts';

export default defineBackend({
  type: 'gcp',
  title: 'Google Cloud',
  kind: 'vm',
  credentials: { service_account: GcpCredentialsSchema },
  config: z.strictObject({}),
  catalog: offline<GcpCredentials>({
    credentials: 'required',
    collect: collectGcp,
    rules: [
      {
        rule: 'accelerators',
        names: ['T4', 'V100', 'L4', 'A100', 'H100', 'H200', 'B200', 'RTXPRO6000', 'v5litepod', 'v5p', 'v6e'],
        // Google withdraws old devices one by one.
        atLeast: 9,
      },
      { rule: 'regions', names: ['us-central1', 'us-east1', 'us-east4', 'us-west1', 'europe-west1', 'europe-west4'] },
      {
        rule: 'instance-types',
        names: ['e2-medium', 'n1-standard-1', 'n2-standard-4', 'g2-standard-4', 'a2-highgpu-1g', 'a3-highgpu-8g'],
      },
      { rule: 'shares', because: 'G4 machines come with eighths of a GPU' },
      { rule: 'capacity-types', exactly: ['on-demand', 'spot', 'reserved'] },
    ],
  }),
});
