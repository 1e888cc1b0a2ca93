import type { Route } from './api-call.ts';
import { REGIONS } from './catalog.ts';
import type { Cloud } from './cloud.ts';
import { usedVcpus } from './launch.ts';
import { pageOf } from './page.ts';

/** Account, regions and instance types: what a client looks at before it launches. */
export function accountRoutes(cloud: Cloud): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/account',
      operation: 'account',
      changes: false,
      handle: ({ key }) => {
        const alive = cloud.instances.alive();
        return {
          status: 200,
          body: {
            account: cloud.account(),
            key: {
              id: key.id,
              name: key.name,
              read_only: key.readOnly,
              expires_at: key.expiresAt === null ? null : new Date(key.expiresAt).toISOString(),
            },
            quotas: REGIONS.map(({ name }) => ({
              region: name,
              vcpus: { limit: cloud.market.quota(name), used: usedVcpus(alive, name) },
            })),
            instances: { limit: cloud.options.maxMachines, used: alive.length },
          },
        };
      },
    },
    {
      method: 'GET',
      path: '/v1/regions',
      operation: 'regions',
      changes: false,
      handle: () => ({ status: 200, body: { regions: REGIONS } }),
    },
    {
      method: 'GET',
      path: '/v1/instance-types',
      operation: 'instance-types',
      changes: false,
      handle: ({ query }) => {
        const page = pageOf(cloud.market.list(), query, cloud.options.pageSize);
        return {
          status: 200,
          body: { instance_types: page.items.map(({ json }) => json), next_cursor: page.nextCursor },
        };
      },
    },
  ];
}
