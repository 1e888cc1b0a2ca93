import {
  type AgentAddress,
  BackendError,
  type CloudInstance,
  type Compute,
  type CreateRequest,
  type InstanceRef,
} from '@berth/backend';
import { type Offer, offerId, type Requirements } from '@berth/core';
import type { EngineClock, UsableBackend } from '../ports.ts';

/** What goes wrong with the next call of a kind. */
export type CloudFault =
  | 'fails-before' // transient, nothing happened
  | 'succeeds-then-times-out' // done, but the answer is lost
  | 'no-capacity'
  | 'auth'
  | 'hangs'
  | 'ignored'; // answers well and does nothing (terminate)

export interface SimMachine {
  readonly token: string;
  readonly cloudId: string;
  readonly offer: Offer;
  alive: boolean;
}

/** A cloud in this process: it keeps machines, bills for those that are alive, and misbehaves when asked to. */
export class SimCloud {
  readonly name: string;
  readonly machines = new Map<string, SimMachine>();
  readonly calls: string[] = [];
  readonly faults: { create: CloudFault[]; list: CloudFault[]; terminate: CloudFault[] } = {
    create: [],
    list: [],
    terminate: [],
  };
  offers: Offer[];
  offersFault: 'fails' | 'hangs' | null = null;
  addressLater = false;
  capacity = Number.POSITIVE_INFINITY;
  readonly #clock: EngineClock;

  constructor(clock: EngineClock, name = 'sim', offers: readonly Partial<Offer>[] = [{}]) {
    this.#clock = clock;
    this.name = name;
    this.offers = offers.map((offer) => simOffer({ ...offer, backend: name }));
  }

  get alive(): SimMachine[] {
    return [...this.machines.values()].filter((machine) => machine.alive);
  }

  backend(): UsableBackend {
    return {
      name: this.name,
      type: 'sim',
      facets: [],
      provisioningTimeoutMs: 600_000,
      nameLength: 60,
      compute: this.#compute(),
      offers: (requirements, signal) => this.#offers(requirements, signal),
      forgetOffers: () => void this.calls.push('forgetOffers'),
    };
  }

  async #offers(_requirements: Requirements | null, signal: AbortSignal): Promise<readonly Offer[]> {
    this.calls.push('offers');
    if (this.offersFault === 'fails') throw new BackendError('transient', 'the price list is down');
    if (this.offersFault === 'hangs') return hang(signal);
    return this.offers;
  }

  #compute(): Compute {
    return {
      create: async (request, call) => {
        this.calls.push('create');
        return this.#faulty('create', call.signal, () => this.#create(request));
      },
      list: async (call) => {
        this.calls.push('list');
        return this.#faulty('list', call.signal, () => this.alive.map(describe));
      },
      terminate: async (ref, call) => {
        this.calls.push('terminate');
        return this.#faulty('terminate', call.signal, () => this.#terminate(ref));
      },
    };
  }

  #create(request: CreateRequest): CloudInstance {
    const known = this.machines.get(request.token);
    if (known?.alive) return describe(known);
    if (this.alive.length >= this.capacity)
      throw new BackendError('no-capacity', `no ${request.offer.instanceType} left`);
    const machine = {
      token: request.token,
      cloudId: `${this.name}-${request.token}`,
      offer: request.offer,
      alive: true,
    };
    this.machines.set(request.token, machine);
    const described = describe(machine);
    return this.addressLater ? { ...described, address: null } : described;
  }

  #terminate(ref: InstanceRef): void {
    const machine = [...this.machines.values()].find((m) => m.cloudId === ref.cloudId);
    if (machine !== undefined) machine.alive = false;
  }

  async #faulty<T>(kind: 'create' | 'list' | 'terminate', signal: AbortSignal, act: () => T): Promise<T> {
    const fault = this.faults[kind].shift();
    // Every call takes a turn, as a network would.
    await new Promise<void>((resolve) => this.#clock.after(0, resolve));
    switch (fault) {
      case undefined:
        return act();
      case 'fails-before':
        throw new BackendError('transient', 'connection refused');
      case 'succeeds-then-times-out':
        act();
        throw new BackendError('unknown', 'the answer did not come');
      case 'no-capacity':
        throw new BackendError('no-capacity', 'out of stock');
      case 'auth':
        throw new BackendError('auth', 'the key is wrong');
      case 'hangs':
        return hang(signal);
      case 'ignored':
        // Only a call without an answer can be ignored.
        return undefined as T;
    }
  }
}

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new BackendError('unknown', 'aborted'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function describe(machine: SimMachine): CloudInstance {
  const address: AgentAddress = { kind: 'unix', path: machine.token };
  return {
    cloudId: machine.cloudId,
    token: machine.token,
    state: 'running',
    address,
    internalIp: `10.0.0.${machine.token.charCodeAt(20)}`,
  };
}

export function simOffer(offer: Partial<Offer>): Offer {
  const full: Offer = {
    id: '',
    backend: 'sim',
    instanceType: 'small',
    region: 'r1',
    zone: null,
    capacityType: 'on-demand',
    pricePerHour: 1,
    availability: 'available',
    resources: { cpus: 4, cpuArch: 'x86', memoryMiB: 16384, diskMiB: 102400, accelerators: [] },
    ...offer,
  };
  return { ...full, id: offerId(full) };
}
