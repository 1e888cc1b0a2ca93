import { defineBackend, offline } from '@berth/backend';
import { z } from 'zod';
import { collect } from './collect.ts';
import { type AwsCredentials, accessKeySchema } from './credentials.ts';

/** Amazon EC2. A price list so far (C13). */
export default defineBackend({
  type: 'aws',
  title: 'Amazon Web Services',
  kind: 'vm',
  credentials: { access_key: accessKeySchema },
  config: z.strictObject({}),
  catalog: offline<AwsCredentials>({
    credentials: 'optional',
    collect,
    rules: [
      { rule: 'capacity-types', exactly: ['on-demand', 'spot'] },
      { rule: 'accelerators', names: ['H100', 'H200', 'B200', 'A100', 'A10G', 'T4', 'L4', 'L40S'] },
      { rule: 'instance-types', names: ['m5.large', 'c7g.large', 'g5.xlarge', 'p5.48xlarge'] },
      // Every account has these without asking.
      {
        rule: 'regions',
        names: [
          'ap-northeast-1',
          'ap-northeast-2',
          'ap-northeast-3',
          'ap-south-1',
          'ap-southeast-1',
          'ap-southeast-2',
          'ca-central-1',
          'eu-central-1',
          'eu-north-1',
          'eu-west-1',
          'eu-west-2',
          'eu-west-3',
          'sa-east-1',
          'us-east-1',
          'us-east-2',
          'us-west-1',
          'us-west-2',
        ],
      },
      { rule: 'offers', atLeast: 10_000 },
      { rule: 'shares', because: 'g6f and gr6f have eighths, quarters and halves of an L4' },
    ],
  }),
});
