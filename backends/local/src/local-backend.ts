import { hostname, userInfo } from 'node:os';
import { type ComputeDefinition, defineBackend, owned } from '@berth/backend';
import { z } from 'zod';
import type { DetectHost } from './detect/host.ts';
import { localCompute } from './local-compute.ts';
import { LocalConfigSchema } from './local-config.ts';
import { localMachine, occupationOf } from './local-machine.ts';
import { localOffers } from './local-offers.ts';

/**
 * This machine as a cloud: an instance is an agent with a directory of its own. `detect` says what the
 * machine has.
 */
export function localBackend(detect: DetectHost): ComputeDefinition<unknown, unknown> {
  return defineBackend({
    type: 'local',
    title: 'This machine',
    kind: 'vm',
    // An agent answers in some 100 ms; a machine that swaps may take a hundred times that.
    limits: { nameLength: 63, tags: true, provisioningTimeoutMs: 60_000, listLagMs: 0 },
    agentStart: 'process',
    credentials: { default: z.strictObject({}) },
    config: LocalConfigSchema,
    configure: async (context) => {
      // Asked for now and waited for by the first offer: drivers may take seconds to answer.
      localMachine(context.stateDir, detect)
        .host(context)
        .catch(() => {});
      // A laptop's host name changes with its network; the machine stays the same.
      return { config: context.config, account: `${userInfo().username}@${hostname()}`, accountId: 'here' };
    },
    catalog: owned({
      // What is free changes with every instance, and counting them costs less than a millisecond.
      cacheForMs: 0,
      query: async (context) => {
        const machine = localMachine(context.stateDir, detect);
        const [host, occupation] = await Promise.all([machine.host(context), occupationOf(machine)]);
        const { price, max_instances } = context.config;
        return localOffers(host, occupation, {
          backend: context.name,
          pricePerHour: price,
          maxInstances: max_instances,
        });
      },
    }),
    compute: (context) => localCompute(context, localMachine(context.stateDir, detect)),
  });
}
