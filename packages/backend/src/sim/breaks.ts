/** The simulated backend with one rule broken: a check of that rule must fail on it. */
import type { Secret } from '@berth/core';
import { z } from 'zod';
import { BackendError } from '../backend-error.ts';
import type { CloudInstance, Compute, ComputeDefinition, CreateRequest } from '../contract.ts';
import { brokenFacets } from './broken-facets.ts';
import { create, everyMachine, instanceOf } from './sim-compute.ts';
import type { SimDriver } from './sim-driver.ts';
import { isBilled } from './sim-machine.ts';

/** The rule, and in which way where there are several. */
export const SIM_BREAKS = [
  'C1',
  'C2', // the cloud is not told the token
  'C2-gone', // a used token makes a new machine
  'C2-untagged', // name and tags come after the machine
  'C3', // a tag that merely begins like ours counts
  'C3-pages',
  'C3-regions',
  'C3-stopped',
  'C4',
  'C4-twice', // of what is going is refused
  'C5',
  'C6',
  'C6-auth',
  'C7',
  'C8',
  'C10',
  'C11',
  'C14',
  'C15',
  'C16',
  'C17',
  'C18',
  'C19',
  'C20',
  'C21',
  'C21-twice',
  'C22',
  'C22-open',
  'C23',
  'C23-attached',
  'C24',
  'C24-in-use',
  'C25',
  'C26',
  'C26-waits',
  'C27',
  'C28',
  'C29',
] as const;
export type SimBreak = (typeof SIM_BREAKS)[number];

export function brokenDefinition(
  breaks: SimBreak,
  definition: ComputeDefinition<unknown, unknown>,
): ComputeDefinition<unknown, unknown> {
  switch (breaks) {
    case 'C10':
      // What JavaScript, which no compiler checks, can hold.
      return { ...definition, limits: { ...definition.limits, nameLength: 20 } };
    case 'C11':
      return { ...definition, config: z.looseObject({}) };
    case 'C17':
      return { ...definition, configure: async () => ({ config: {}, account: 'whoever' }) };
    default:
      return definition;
  }
}

export function brokenCompute(breaks: SimBreak, compute: Compute, driver: SimDriver, key: Secret<string>): Compute {
  const { cloud, api } = driver;
  const never = new AbortController().signal;
  const anew = (token: string): string => `${token.slice(0, 16)}${driver.cloud.count('create').toString(36)}`;
  switch (breaks) {
    case 'C1':
      return {
        ...compute,
        create: async (request, call) => {
          for (let made = await compute.create(request, call); ; ) {
            if (made.state === 'running' && made.address !== null) return made;
            await new Promise<void>((resolve) => cloud.time.after(1_000, resolve));
            made = (await compute.list(call)).find(({ cloudId }) => cloudId === made.cloudId) ?? made;
          }
        },
      };
    case 'C2':
      return {
        ...compute,
        create: (request, call) => create(driver, { ...request, token: anew(request.token) }, call),
      };
    case 'C2-gone':
      return {
        ...compute,
        create: async (request, call) => {
          const known = cloud.ofToken(request.token);
          const token = known !== null && !isBilled(known) ? anew(request.token) : request.token;
          return create(driver, { ...request, token }, call);
        },
      };
    case 'C2-untagged':
      return {
        ...compute,
        create: async (request, call) => {
          const made = await create(driver, { ...request, name: 'new', tags: {} }, call);
          await api.account(call.signal);
          const machine = cloud.machine(made.cloudId);
          if (machine !== null) Object.assign(machine, { name: request.name, tags: request.tags });
          return { ...made, name: request.name, token: request.token };
        },
      };
    case 'C3':
      return {
        ...compute,
        list: async (call) =>
          (await everyMachine(driver, call))
            .filter(({ name, tags }) =>
              (cloud.hasTags ? (tags['berth-installation'] ?? '') : name.slice('berth-'.length)).startsWith(
                driver.installation.slice(0, 11),
              ),
            )
            .map((machine) => instanceOf(driver, machine)),
      };
    case 'C3-pages':
    case 'C3-regions':
      return {
        ...compute,
        list: async (call) => {
          const regions = breaks === 'C3-regions' ? cloud.regions.slice(0, 1) : cloud.regions;
          const pages = await Promise.all(
            regions.map(async (region) => {
              const first = await driver.send(call, (signal) => api.page(region, 0, signal));
              if (breaks === 'C3-pages' || first.next === null) return first.machines;
              return (await everyMachine(driver, call)).filter((machine) => machine.region === region);
            }),
          );
          return pages
            .flat()
            .filter((machine) => driver.tokenOf(machine) !== undefined)
            .map((machine) => instanceOf(driver, machine));
        },
      };
    case 'C3-stopped':
      return {
        ...compute,
        list: async (call) =>
          (await compute.list(call)).filter(({ state }) => state === 'starting' || state === 'running'),
      };
    case 'C4':
      return {
        ...compute,
        terminate: (ref, call) => driver.send(call, (signal) => api.terminate(ref.cloudId, signal)),
      };
    case 'C4-twice':
      return {
        ...compute,
        terminate: async (ref, call) => {
          if (cloud.machine(ref.cloudId)?.going === true)
            throw new BackendError('config', 'It is being deleted already.');
          await compute.terminate(ref, call);
        },
      };
    case 'C5':
      return {
        ...compute,
        create: (request, call) => compute.create(request, { ...call, signal: never }),
        list: (call) => compute.list({ ...call, signal: never }),
        terminate: (ref, call) => compute.terminate(ref, { ...call, signal: never }),
      };
    case 'C6':
      return {
        ...compute,
        create: (request, call) =>
          compute.create(request, call).catch((error: unknown) => {
            throw new Error(error instanceof Error ? error.message : 'failed');
          }),
      };
    case 'C6-auth':
      return {
        ...compute,
        list: (call) =>
          compute.list(call).catch((error: unknown) => {
            if (error instanceof BackendError && error.code === 'auth') return [];
            throw error;
          }),
      };
    case 'C7':
      return {
        ...compute,
        create: async (request, call) => {
          call.log.info('Creating', { key: key.reveal() });
          return create(driver, { ...request, tags: { ...request.tags, key: key.reveal() } }, call);
        },
        list: (call) =>
          compute.list(call).catch((error: unknown) => {
            throw new BackendError('auth', `Refused with ${key.reveal()}: ${String(error)}`);
          }),
      };
    case 'C8':
      return {
        ...compute,
        suspend: {
          stop: async () => {
            throw new Error('Not implemented.');
          },
          start: async () => {
            throw new Error('Not implemented.');
          },
        },
      };
    case 'C14':
      return {
        ...compute,
        create: (request, call) => create(driver, { ...request, name: request.name.slice(0, 30) }, call),
      };
    case 'C15':
      return {
        ...compute,
        list: async (call) =>
          (await compute.list(call)).map(
            (one): CloudInstance => (one.state === 'terminating' ? { ...one, state: 'terminated' } : one),
          ),
      };
    case 'C18':
      return {
        ...compute,
        create: (request, call) => create(driver, { ...request, agentStart: otherStart(request) }, call),
      };
    case 'C19':
      return {
        ...compute,
        create: (request, call) => {
          const other = cloud.offers.find(({ id }) => id !== request.offer.id) ?? {
            ...request.offer,
            capacityType: request.offer.capacityType === 'spot' ? 'on-demand' : 'spot',
          };
          return create(driver, { ...request, offer: other }, call);
        },
      };
    default:
      return { ...compute, ...brokenFacets(breaks, compute, driver, anew) };
  }
}

function otherStart({ agentStart }: CreateRequest): CreateRequest['agentStart'] {
  switch (agentStart.kind) {
    case 'user-data':
      return { ...agentStart, script: `${agentStart.script}\n# changed` };
    case 'ssh':
      return { ...agentStart, authorizedKeys: [] };
    case 'entrypoint':
      return { ...agentStart, command: agentStart.command.slice(0, 1) };
    case 'process':
      return { ...agentStart, argv: [] };
  }
}
