import { defineBackend, offline } from '@berth/backend';
import { z } from 'zod';
import { collectNebius } from './collect.ts';
import { AccessTokenSchema, type NebiusCredentials, ServiceAccountSchema } from './credentials.ts';
import { realGrpc } from './grpc.ts';

export default defineBackend({
  type: 'nebius',
  title: 'Nebius AI Cloud',
  kind: 'vm',
  credentials: { service_account: ServiceAccountSchema, access_token: AccessTokenSchema },
  config: z.strictObject({}),
  catalog: offline<NebiusCredentials>({
    credentials: 'required',
    collect: collectNebius(realGrpc),
    rules: [
      { rule: 'accelerators', names: ['L40S', 'H100', 'H200', 'B200', 'RTXPRO6000'], atLeast: 4 },
      { rule: 'regions', names: ['eu-north1', 'eu-west1'] },
      { rule: 'capacity-types', exactly: ['on-demand', 'spot'] },
    ],
  }),
});
