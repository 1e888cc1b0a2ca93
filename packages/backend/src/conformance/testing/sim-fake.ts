/** The simulated cloud as a fake, in real time: what the kit is proven with. */
import { CPU_ARCHS, type Offer } from '@berth/core';
import type { BackendEntry } from '../../backend-entry.ts';
import { Seeded } from '../../sim/seeded.ts';
import { REAL_TIME } from '../../sim/sim-clock.ts';
import { SIM_KEY, SimCloud, type SimCloudOptions } from '../../sim/sim-cloud.ts';
import type { SimCall, SimFault } from '../../sim/sim-fault.ts';
import { isBilled, type SimMachine, stateAt } from '../../sim/sim-machine.ts';
import type { CallFault, Fake, FakeAccount, Operation, Situation, Started } from '../fake.ts';

const OTHER_KEYS: Readonly<Record<Exclude<FakeAccount, 'good' | 'read-only'>, string>> = {
  wrong: 'sim-key-wrong-77aa',
  expired: 'sim-key-expired-31cf',
};

/** Two regions with zones, two types, spot and on demand. */
const OFFERS: readonly Partial<Offer>[] = ['r1', 'r2'].flatMap((region) =>
  (['on-demand', 'spot'] as const).flatMap((capacityType) => [
    {
      region,
      zone: `${region}-a`,
      capacityType,
      instanceType: 'small',
      pricePerHour: capacityType === 'spot' ? 0.3 : 1,
    },
    {
      region,
      zone: `${region}-a`,
      capacityType,
      instanceType: 'large',
      pricePerHour: capacityType === 'spot' ? 0.6 : 2,
    },
  ]),
);

const CALL_OF: Readonly<Record<Operation, SimCall>> = {
  configure: 'account',
  query: 'offers',
  create: 'create',
  list: 'list',
  terminate: 'terminate',
  'offers.availability': 'offers',
  'suspend.stop': 'stop',
  'suspend.start': 'start',
  'ports.open': 'ports',
  'ports.close': 'ports',
  'ports.list': 'ports',
  'volumes.create': 'volume',
  'volumes.list': 'volume',
  'placement.create': 'placement',
  'placement.list': 'placement',
  'group.create': 'create',
  'gateways.create': 'create',
  'gateways.list': 'list',
  'reservations.list': 'reservations',
  'images.resolve': 'images',
  'bootstrap.ensure': 'network',
  'bootstrap.remove': 'network',
};

export function simCloudOf(options: Partial<SimCloudOptions> = {}): SimCloud {
  const cloud = new SimCloud({ time: REAL_TIME, random: new Seeded(7), offers: OFFERS, ...options });
  calm(cloud);
  cloud.pageSize = 5;
  return cloud;
}

/** Fast, and yet with every state between. */
function calm(cloud: SimCloud): void {
  cloud.faults.clear();
  cloud.accounts.restore();
  cloud.stock.capacity = Number.POSITIVE_INFINITY;
  cloud.stock.capacityOf.clear();
  Object.assign(cloud.times, { boot: 10, address: 5, terminate: 10, stop: 10, start: 10, visible: 0 });
}

export function simFake(cloud: SimCloud): Fake {
  cloud.accounts.add('gone', OTHER_KEYS.expired);
  const expire = (): void => cloud.accounts.expire(OTHER_KEYS.expired, -1);
  expire();
  const entryOf = (key: string): BackendEntry => ({
    name: 'sim',
    type: 'sim',
    config: {},
    credentials: { kind: 'api_key', value: { api_key: key } },
  });
  return {
    pageSize: cloud.pageSize,
    entry: (account) => (account === 'read-only' ? null : entryOf(account === 'good' ? SIM_KEY : OTHER_KEYS[account])),
    machines: async () => cloud.machines().map(told),
    close: async () => {},
    plant: async ({ name, tags }) => {
      const [offer] = cloud.offers;
      if (offer === undefined) throw new Error('The cloud sells nothing.');
      // Neighbours have regions of their own, or ours could never be given up.
      return cloud.make({ clientToken: null, name, tags, offer: { ...offer, region: 'r9', zone: null } }).cloudId;
    },
    situation: async (what) => applied(cloud, what),
    fault: async (operation, fault) => {
      const call = CALL_OF[operation];
      const word = wordFor(fault);
      if (call === undefined || word === null) return false;
      cloud.faults.push(call, word);
      return true;
    },
    reset: async () => {
      calm(cloud);
      expire();
    },
    started: async (cloudId) => startedOf(cloud.machine(cloudId)),
    ports: {
      isOpen: async (cloudId, port) =>
        cloud.machine(cloudId)?.ports.some(({ from, to }) => from <= port && port <= to) ?? false,
    },
    volumes: {
      plant: async (region, sizeMiB) =>
        cloud.parts.addVolume({ clientToken: null, name: 'theirs', tags: {}, region, zone: `${region}-a`, sizeMiB })
          .cloudId,
      all: async () => [...cloud.parts.volumes.keys()],
    },
    reservations: {
      plant: async ({ instanceType, region, zone }, total) =>
        cloud.parts.addReservation({ instanceType, region, zone, total }).cloudId,
    },
    images: {
      find: async (cloudId, region) => {
        const cpuArch = CPU_ARCHS.find((arch) => cloud.parts.image(region, arch) === cloudId);
        return cpuArch === undefined ? null : { cpuArch };
      },
    },
    shared: { all: async () => [...cloud.parts.networks.keys()] },
  };
}

function told(machine: SimMachine) {
  const { cloudId, name, tags, instanceType, region, zone, capacityType } = machine;
  const state = stateAt(machine, Date.now()) ?? 'starting';
  return { cloudId, name, tags, instanceType, region, zone, capacityType, state, billed: isBilled(machine) };
}

function startedOf(machine: SimMachine | null): Started | null {
  const start = machine?.agentStart ?? null;
  switch (start?.kind) {
    case 'user-data':
      return { userData: start.script };
    case 'ssh':
      return { authorizedKeys: start.authorizedKeys };
    case 'entrypoint': {
      const { image, command, env, registry } = start;
      const login = registry === null ? null : { username: registry.username, password: registry.password.reveal() };
      return { image, command, env, user: 'root', registry: login };
    }
    default:
      return start === null ? null : { reached: true };
  }
}

function applied(cloud: SimCloud, what: Situation): boolean {
  switch (what.kind) {
    case 'no-capacity':
      cloud.stock.capacityOf.set(`${what.offer.instanceType}@${what.offer.region}`, 0);
      return true;
    case 'quota':
      cloud.faults.chance('create', 'quota', 1);
      return true;
    case 'list-late':
      // `visible` is when ending knows of it too; the list alone is late by the fault.
      Object.assign(cloud.times, { visible: what.ms });
      return true;
    case 'delete-ignored':
      cloud.faults.chance('terminate', 'ignored', 1);
      return true;
    case 'slow-boot':
      Object.assign(cloud.times, { boot: what.ms });
      return true;
    case 'slow-terminate':
      Object.assign(cloud.times, { terminate: what.ms });
      return true;
    case 'kill': {
      const machine = cloud.machine(what.cloudId);
      if (machine !== null) cloud.kill(machine);
      return machine !== null;
    }
    case 'credentials-lost':
      cloud.accounts.loseRights(60_000);
      return true;
    case 'group-partial':
      cloud.stock.capacity = cloud.alive.length + what.machines;
      return true;
    case 'price':
      return false;
  }
}

function wordFor(fault: CallFault): SimFault | null {
  switch (fault.kind) {
    case 'reset':
      return 'fails-before';
    case 'lost-answer':
      return 'succeeds-then-times-out';
    case 'hang':
      return 'hangs';
    case 'duplicate':
      return 'answers-twice';
    case 'rate-limited':
      return fault;
    case 'unavailable':
      return { kind: 'unavailable', retryAfterMs: 20 };
    case 'slow':
      return fault;
    default:
      return null;
  }
}
