/** C29: gateways are machines, with a public address. */
import type { GatewayRequest, GatewaysFacet, InstanceRef } from '../../contract.ts';
import { machineName, ownerTags } from '../../machine-name.ts';
import type { Bench } from '../bench.ts';
import { expect, type Rule } from '../rule.ts';

export const gatewayRules: readonly Rule[] = [
  gatewayRule(
    'C29.1',
    'the same token again is the same gateway, and `list` shows it',
    async (bench, gateways, request) => {
      const first = await gateways.create(request, bench.call());
      const second = await gateways.create(request, bench.call());
      expect(second.cloudId === first.cloudId, first.cloudId, second.cloudId);
      const told = await bench.until('`list` to show it', () => found(bench, gateways, request.token));
      expect(told.cloudId === first.cloudId, first.cloudId, told.cloudId);
    },
  ),
  gatewayRule('C29.2', 'it has a public address in the end', async (bench, gateways, request) => {
    await gateways.create(request, bench.call());
    await bench.until('a public address', async () => (await found(bench, gateways, request.token))?.publicIp ?? null);
  }),
  gatewayRule('C29.3', '`terminate` ends it, and twice is success', async (bench, gateways, request) => {
    const { cloudId } = await gateways.create(request, bench.call());
    const ref = { cloudId, token: request.token, region: request.region, zone: null };
    await gateways.terminate(ref, bench.call());
    await gateways.terminate(ref, bench.call());
    await bench.until('`list` to show it no more, or as terminated', async () => {
      const told = await found(bench, gateways, request.token);
      return told === null || told.state === 'terminated' ? true : null;
    });
  }),
];

/** Removes the gateway in the end. */
function gatewayRule(
  id: string,
  title: string,
  check: (bench: Bench, gateways: GatewaysFacet, request: GatewayRequest) => Promise<void>,
): Rule {
  return {
    id,
    title,
    why: 'All services of a project are reached by it, and it runs for months.',
    hint: 'See C29 in the contract: what holds for machines holds here.',
    appliesTo: 'gateways',
    check: async (bench) => {
      const gateways = await bench.facet('gateways');
      const { token, agentStart, offer } = await bench.request();
      const { installation } = bench.stage;
      const tags = ownerTags({ installation, token, instance: '' });
      const request = { token, name: machineName(installation, token), tags, region: offer.region, agentStart };
      bench.did(`create a gateway ${request.name} in ${request.region}`);
      try {
        await check(bench, gateways, request);
      } finally {
        await remove(bench, gateways);
      }
    },
  };
}

async function found(bench: Bench, gateways: GatewaysFacet, token: string) {
  return (await gateways.list(bench.call())).find((gateway) => gateway.token === token) ?? null;
}

async function remove(bench: Bench, gateways: GatewaysFacet): Promise<void> {
  for (const { cloudId, token, region, zone } of await gateways.list(bench.call()).catch(() => [])) {
    const ref: InstanceRef = { cloudId, token: token ?? '', region, zone };
    await gateways.terminate(ref, bench.call()).catch(() => {});
  }
}
