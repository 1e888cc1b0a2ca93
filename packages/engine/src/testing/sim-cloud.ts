import {
  type AgentAddress,
  BackendError,
  type CloudInstance,
  type Compute,
  type CreateRequest,
  type InstanceRef,
} from '@berth/backend';
import { type Offer, offerId } from '@berth/core';
import type { UsableBackend } from '../ports.ts';
import type { SimClock } from './sim-clock.ts';

/** What goes wrong with the next call of a kind. */
export type CloudFault =
  | 'fails-before' // transient, nothing happened
  | 'succeeds-then-times-out' // done, but the answer is lost
  | 'no-capacity'
  | 'auth'
  | 'hangs'
  | 'ignored' // answers well and does nothing (terminate)
  | 'late'; // does not show what was made in the last minute (list)

type Call = 'create' | 'list' | 'terminate';

export interface SimMachine {
  readonly token: string;
  readonly cloudId: string;
  readonly internalIp: string;
  readonly offer: Offer;
  /** By the cloud's own clock, which nobody sets. */
  readonly madeAt: number;
  /** Billed. */
  alive: boolean;
  /** Asked to go, and still there until then. */
  goingUntil: number | null;
}

const LATE_MS = 20_000;

/** A cloud in this process: it keeps machines, bills for those that are alive, and misbehaves when asked to. */
export class SimCloud {
  readonly name: string;
  readonly machines = new Map<string, SimMachine>();
  readonly calls: string[] = [];
  readonly faults: Record<Call, CloudFault[]> = { create: [], list: [], terminate: [] };
  offers: Offer[];
  offersFault: 'fails' | 'hangs' | 'slow' | null = null;
  /** The address of a new machine shows after this long; 0: at once. */
  addressAfterMs = 0;
  /** A machine that is terminated goes on being listed, and billed, for this long. */
  terminateTakesMs = 0;
  capacity = Number.POSITIVE_INFINITY;
  /** By instance type, on top of `capacity`. */
  readonly capacityOf = new Map<string, number>();
  /** False: no longer configured. */
  usable = true;
  /** Called when a machine is gone, whatever the reason. */
  onGone: (token: string) => void = () => {};
  readonly #clock: SimClock;
  /** What the backend says of its list. */
  listLagMs: number | undefined;

  constructor(clock: SimClock, name = 'sim', offers: readonly Partial<Offer>[] = [{}]) {
    this.#clock = clock;
    this.name = name;
    this.offers = offers.map((offer) => simOffer({ ...offer, backend: name }));
  }

  get alive(): SimMachine[] {
    return [...this.machines.values()].filter((machine) => machine.alive);
  }

  count(call: string): number {
    return this.calls.filter((name) => name === call).length;
  }

  /** The machine dies of itself, or a spot machine is taken back. */
  kill(token: string): void {
    const machine = this.machines.get(token);
    if (machine === undefined || !machine.alive) return;
    machine.alive = false;
    this.onGone(token);
  }

  backend(): UsableBackend {
    return {
      name: this.name,
      type: 'sim',
      facets: [],
      provisioningTimeoutMs: 600_000,
      kind: 'vm',
      agentStart: 'process',
      ...(this.listLagMs === undefined ? {} : { listLagMs: this.listLagMs }),
      compute: this.#compute(),
      offers: (_requirements, signal) => this.#offers(signal),
      forgetOffers: () => {},
    };
  }

  async #offers(signal: AbortSignal): Promise<readonly Offer[]> {
    this.calls.push('offers');
    if (this.offersFault === 'fails') throw new BackendError('transient', 'the price list is down');
    if (this.offersFault === 'hangs') return hang(signal);
    // One that ignores the signal and answers in its own time.
    if (this.offersFault === 'slow') await new Promise<void>((resolve) => this.#clock.after(60_000, resolve));
    return this.offers;
  }

  #compute(): Compute {
    return {
      create: (request, call) => this.#faulty('create', call.signal, () => this.#create(request)),
      list: (call) => this.#faulty('list', call.signal, (fault) => this.#list(fault === 'late')),
      terminate: (ref, call) => this.#faulty('terminate', call.signal, () => this.#terminate(ref)),
    };
  }

  #create(request: CreateRequest): CloudInstance {
    const known = this.machines.get(request.token);
    if (known?.alive) return this.#describe(known);
    const { instanceType } = request.offer;
    const sameType = this.alive.filter((machine) => machine.offer.instanceType === instanceType).length;
    if (
      this.alive.length >= this.capacity ||
      sameType >= (this.capacityOf.get(instanceType) ?? Number.POSITIVE_INFINITY)
    ) {
      throw new BackendError('no-capacity', `no ${instanceType} left`);
    }
    const machine: SimMachine = {
      token: request.token,
      cloudId: `${this.name}-${request.token}`,
      internalIp: `10.0.0.${this.machines.size + 1}`,
      offer: request.offer,
      madeAt: this.#clock.elapsed,
      alive: true,
      goingUntil: null,
    };
    this.machines.set(request.token, machine);
    return this.#describe(machine);
  }

  #list(late: boolean): readonly CloudInstance[] {
    const shown = late ? this.alive.filter((machine) => this.#clock.elapsed - machine.madeAt > LATE_MS) : this.alive;
    return shown.map((machine) => this.#describe(machine));
  }

  #terminate(ref: InstanceRef): void {
    const machine = [...this.machines.values()].find((m) => m.cloudId === ref.cloudId);
    if (machine === undefined || !machine.alive || machine.goingUntil !== null) return;
    if (this.terminateTakesMs === 0) {
      this.kill(machine.token);
      return;
    }
    machine.goingUntil = this.#clock.elapsed + this.terminateTakesMs;
    this.#clock.after(this.terminateTakesMs, () => this.kill(machine.token));
  }

  #describe(machine: SimMachine): CloudInstance {
    const address: AgentAddress = { kind: 'unix', path: machine.token };
    const known = this.#clock.elapsed - machine.madeAt >= this.addressAfterMs;
    return {
      cloudId: machine.cloudId,
      token: machine.token,
      name: machine.cloudId,
      region: machine.offer.region,
      zone: null,
      state: machine.goingUntil === null ? 'running' : 'terminating',
      address: known ? address : null,
      internalIp: known ? machine.internalIp : null,
    };
  }

  async #faulty<T>(kind: Call, signal: AbortSignal, act: (fault: CloudFault | undefined) => T): Promise<T> {
    this.calls.push(kind);
    const fault = this.faults[kind].shift();
    // Every call takes a turn, as a network would.
    await new Promise<void>((resolve) => this.#clock.after(0, resolve));
    switch (fault) {
      case undefined:
      case 'late':
        return act(fault);
      case 'fails-before':
        throw new BackendError('transient', 'connection refused');
      case 'succeeds-then-times-out':
        act(fault);
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
