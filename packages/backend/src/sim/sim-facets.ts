/** Every facet of the contract but `agent`, on the simulated cloud. */
import type { CloudInstance, CloudVolume, Compute, GatewaysFacet, GroupFacet, VolumesFacet } from '../contract.ts';
import { closed, opened } from './port-ranges.ts';
import { create, everyMachine, instanceOf } from './sim-compute.ts';
import { refusalAs, type SimDriver, unlessGone } from './sim-driver.ts';
import type { SimVolume } from './sim-parts.ts';

/** Machines that one call of the cloud makes at most. */
const GROUP_MAX = 16;

export function simFacets(driver: SimDriver): Omit<Compute, 'create' | 'list' | 'terminate' | 'agent'> {
  const { api, cloud } = driver;
  const { parts } = cloud;
  return {
    offers: {
      availability: async (offers, call) => {
        const inStock = await driver.send(call, (signal) => api.inStock(offers, signal));
        return new Map(offers.map((offer, i) => [offer.id, inStock[i] ? 'available' : 'not-available']));
      },
    },
    suspend: {
      stop: (ref, call) => driver.send(call, (signal) => api.stop(ref.cloudId, signal)),
      start: (ref, call) => driver.send(call, (signal) => api.start(ref.cloudId, signal)),
    },
    ports: {
      open: (ref, ports, call) =>
        driver.send(call, (signal) => api.setPorts(ref.cloudId, (now) => opened(now, ports), signal)),
      close: (ref, ports, call) =>
        driver.send(call, (signal) => api.setPorts(ref.cloudId, (now) => closed(now, ports), signal)),
      list: (ref, call) => driver.send(call, (signal) => api.ports(ref.cloudId, signal)),
    },
    volumes: volumes(driver),
    placement: {
      create: ({ token, name, tags, region }, call) =>
        driver.send(call, (signal) =>
          api.request('placement', signal, () => parts.addGroup({ clientToken: token, name, tags, region })),
        ),
      list: async (call) => {
        const groups = await driver.send(call, (signal) =>
          api.request('placement', signal, () => [...parts.groups.values()]),
        );
        return groups.flatMap((group) => {
          const token = driver.tokenOf(group);
          return token === undefined ? [] : [{ cloudId: group.cloudId, token, region: group.region }];
        });
      },
      delete: ({ cloudId }, call) =>
        driver.send(call, (signal) => api.request('placement', signal, () => parts.deleteGroup(cloudId))),
    },
    group: group(driver),
    gateways: gateways(driver),
    reservations: {
      list: (call) =>
        driver.send(call, (signal) =>
          api.request('reservations', signal, () =>
            [...parts.reservations.values()].map((one) => ({
              ...one,
              free: parts.freeOf(one),
              startsAt: null,
              endsAt: null,
            })),
          ),
        ),
    },
    images: {
      resolve: ({ region, cpuArch, accelerators }, call) =>
        driver.send(call, (signal) =>
          api.request('images', signal, () => ({
            cloudId: parts.image(region, cpuArch),
            user: 'ubuntu',
            hasDocker: true,
            hasGpuRuntime: accelerators,
          })),
        ),
    },
    bootstrap: {
      whenUnused: 'remove',
      ensure: async (region, call) => {
        const name = `berth-${driver.installation}`;
        const network = await driver.send(call, (signal) =>
          api.request('network', signal, () => parts.addNetwork({ clientToken: null, name, tags: {}, region })),
        );
        return { network: network.cloudId };
      },
      remove: async (_region, { network }, call) => {
        if (typeof network !== 'string') return;
        await driver.send(call, (signal) => api.request('network', signal, () => parts.deleteNetwork(network)));
      },
    },
  };
}

function volumes(driver: SimDriver): VolumesFacet {
  const { api, cloud } = driver;
  const { parts } = cloud;
  const told = (volume: SimVolume): CloudVolume => ({
    cloudId: volume.cloudId,
    token: driver.tokenOf(volume) ?? null,
    region: volume.region,
    zone: volume.zone,
    sizeMiB: volume.sizeMiB,
    state: volume.attachedTo === null ? 'available' : 'attached',
    attachedTo: volume.attachedTo,
  });
  const inUse = refusalAs('transient', 'config');
  return {
    create: async ({ token, ...volume }, call) =>
      told(
        await driver.send(call, (signal) =>
          api.request('volume', signal, () => parts.addVolume({ ...volume, clientToken: token })),
        ),
      ),
    register: (cloudId, region, call) =>
      driver.send(call, (signal) => api.request('volume', signal, () => told(parts.volume(cloudId, region)))),
    list: async (call) => {
      const all = await driver.send(call, (signal) => api.request('volume', signal, () => [...parts.volumes.values()]));
      return all.filter((volume) => driver.tokenOf(volume) !== undefined).map(told);
    },
    delete: ({ cloudId }, call) =>
      driver
        .send(call, (signal) =>
          api.request('volume', signal, () => {
            const volume = parts.volumes.get(cloudId);
            // One that was registered is its owner's (C23).
            if (volume !== undefined && driver.tokenOf(volume) !== undefined) parts.deleteVolume(cloudId);
          }),
        )
        .catch(inUse),
    attach: (volume, to, call) =>
      driver
        .send(call, (signal) =>
          api.request('volume', signal, () => {
            parts.attach(volume.cloudId, to.cloudId);
            return { device: `/dev/disk/by-id/${volume.cloudId}` };
          }),
        )
        .catch(inUse),
    detach: (volume, from, _options, call) =>
      driver.send(call, (signal) => api.request('volume', signal, () => parts.detach(volume.cloudId, from.cloudId))),
  };
}

function group(driver: SimDriver): GroupFacet {
  return {
    max: GROUP_MAX,
    create: async (requests, call) => {
      const made: CloudInstance[] = [];
      try {
        for (const request of requests) made.push(await create(driver, request, call));
        return made;
      } catch (error) {
        // All or none (C25). The call may be over by now; what cannot be given back here is found by `list`.
        for (const { cloudId } of made) {
          await driver.send(call, (signal) => driver.api.terminate(cloudId, signal)).catch(() => {});
        }
        throw error;
      }
    },
  };
}

function gateways(driver: SimDriver): GatewaysFacet {
  const { api, cloud } = driver;
  return {
    create: async ({ token, name, tags, region, agentStart }, call) => {
      const [any] = cloud.offers;
      const offer = cloud.offers.find((candidate) => candidate.region === region) ?? any;
      if (offer === undefined) throw new Error('The cloud sells nothing.');
      const launch = { clientToken: token, name, tags, offer: { ...offer, region }, agentStart, isGateway: true };
      const machine = await driver.send(call, (signal) => api.launch(launch, signal));
      return { ...instanceOf(driver, machine), publicIp: machine.publicIp };
    },
    list: async (call) =>
      (await everyMachine(driver, call))
        .filter((machine) => machine.isGateway && driver.tokenOf(machine) !== undefined)
        .map((machine) => ({ ...instanceOf(driver, machine), publicIp: machine.publicIp })),
    terminate: (ref, call) => driver.send(call, (signal) => api.terminate(ref.cloudId, signal)).catch(unlessGone),
  };
}
