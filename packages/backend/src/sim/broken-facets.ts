/** Facets with one rule broken; see `breaks.ts`. */
import { BackendError } from '../backend-error.ts';
import type { Compute } from '../contract.ts';
import type { SimBreak } from './breaks.ts';
import { create } from './sim-compute.ts';
import type { SimDriver } from './sim-driver.ts';

/** @param anew another token, which the cloud has not seen */
export function brokenFacets(
  breaks: SimBreak,
  compute: Compute,
  driver: SimDriver,
  anew: (token: string) => string,
): Partial<Compute> {
  const { cloud, api } = driver;
  const { offers, suspend, ports, volumes, placement, bootstrap, gateways, images, group } = compute;
  switch (breaks) {
    case 'C20':
      if (offers === undefined) return {};
      return {
        offers: {
          availability: async (asked, call) => {
            for (const offer of asked) Object.assign(offer, { pricePerHour: offer.pricePerHour * 2 });
            return offers.availability(asked, call);
          },
        },
      };
    case 'C21':
      if (suspend === undefined) return {};
      return {
        suspend: {
          ...suspend,
          stop: async (ref, call) => {
            await suspend.stop(ref, call);
            const machine = cloud.machine(ref.cloudId);
            if (machine !== null) Object.assign(machine, { tags: {}, name: 'stopped' });
          },
        },
      };
    case 'C21-twice':
      if (suspend === undefined) return {};
      return {
        suspend: {
          ...suspend,
          start: async (ref, call) => {
            const state = cloud.machine(ref.cloudId)?.history.at(-1)?.state;
            if (state === 'running') throw new BackendError('config', 'It runs already.');
            await suspend.start(ref, call);
          },
        },
      };
    case 'C22':
      if (ports === undefined) return {};
      return {
        ports: {
          ...ports,
          close: async (ref, ranges, call) => {
            if ((await ports.list(ref, call)).length === 0) throw new BackendError('not-found', 'It is not open.');
            await ports.close(ref, ranges, call);
          },
        },
      };
    case 'C22-open':
      if (ports === undefined) return {};
      return { ports: { ...ports, open: (ref, _ranges, call) => ports.open(ref, [{ from: 1, to: 65_535 }], call) } };
    case 'C23':
      if (volumes === undefined) return {};
      return {
        volumes: {
          ...volumes,
          create: (request, call) =>
            volumes.create({ ...request, token: `${anew(request.token)}${cloud.count('volume')}` }, call),
        },
      };
    case 'C23-attached':
      if (volumes === undefined) return {};
      return {
        volumes: {
          ...volumes,
          delete: async (volume, call) => {
            await api.account(call.signal);
            cloud.parts.volumes.delete(volume.cloudId);
          },
        },
      };
    case 'C24':
      if (placement === undefined) return {};
      return {
        placement: {
          ...placement,
          create: (request, call) =>
            placement.create({ ...request, token: `${anew(request.token)}${cloud.count('placement')}` }, call),
        },
      };
    case 'C24-in-use':
      if (placement === undefined) return {};
      return {
        placement: {
          ...placement,
          delete: async ({ cloudId }, call) => {
            await api.account(call.signal);
            cloud.parts.groups.delete(cloudId);
          },
        },
      };
    case 'C25':
      if (group === undefined) return {};
      return {
        group: {
          max: group.max,
          // What was made before the failure stays, and has no tag by which it could be found.
          create: async (requests, call) => {
            const made = [];
            for (const request of requests)
              made.push(await create(driver, { ...request, tags: {}, name: 'group' }, call));
            for (const [i, one] of made.entries()) {
              const machine = cloud.machine(one.cloudId);
              const { name, tags } = requests[i] ?? {};
              if (machine !== null) Object.assign(machine, { name, tags });
            }
            return made;
          },
        },
      };
    case 'C26':
      if (bootstrap === undefined) return {};
      return {
        bootstrap: {
          ...bootstrap,
          ensure: async (region, call) => {
            await api.account(call.signal);
            const name = `berth-${driver.installation}-${cloud.parts.networks.size}`;
            return { network: cloud.parts.addNetwork({ clientToken: null, name, tags: {}, region }).cloudId };
          },
        },
      };
    case 'C26-waits':
      if (bootstrap === undefined) return {};
      return {
        bootstrap: {
          ...bootstrap,
          remove: async (region, shared, call) => {
            while (!call.signal.aborted && cloud.alive.some((machine) => machine.region === region)) {
              await new Promise<void>((resolve) => cloud.time.after(1_000, resolve));
            }
            await bootstrap.remove(region, shared, call);
          },
        },
      };
    case 'C27':
      return { create: (request, call) => create(driver, { ...request, reservation: null }, call) };
    case 'C28':
      if (images === undefined) return {};
      return {
        images: {
          resolve: async (request, call) => ({
            ...(await images.resolve(request, call)),
            cloudId: cloud.parts.image('elsewhere', request.cpuArch),
          }),
        },
      };
    case 'C29':
      if (gateways === undefined) return {};
      return {
        gateways: {
          ...gateways,
          create: (request, call) => gateways.create({ ...request, token: anew(request.token) }, call),
        },
      };
    default:
      return {};
  }
}
