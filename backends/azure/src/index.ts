import { defineBackend, offline } from '@berth/backend';
import { z } from 'zod';
import { collect } from './collect.ts';
import { type AzureCredentials, clientSchema } from './credentials.ts';

/** Azure Virtual Machines. A price list so far (C13). */
export default defineBackend({
  type: 'azure',
  title: 'Microsoft Azure',
  kind: 'vm',
  credentials: { client: clientSchema },
  config: z.strictObject({}),
  catalog: offline<AzureCredentials>({
    credentials: 'optional',
    collect,
    rules: [
      { rule: 'capacity-types', exactly: ['on-demand', 'spot'] },
      { rule: 'accelerators', names: ['H100', 'H100NVL', 'H200', 'MI300X', 'A100', 'A10', 'T4'] },
      { rule: 'instance-types', names: ['Standard_D2s_v3', 'Standard_D2ps_v5', 'Standard_ND96isr_H100_v5'] },
      {
        rule: 'regions',
        names: [
          'eastus',
          'eastus2',
          'northeurope',
          'southeastasia',
          'swedencentral',
          'uksouth',
          'westeurope',
          'westus2',
        ],
      },
      { rule: 'offers', atLeast: 20_000 },
      { rule: 'shares', because: 'NVads A10 v5 and its like start at a sixth or an eighth of a device' },
    ],
  }),
});
