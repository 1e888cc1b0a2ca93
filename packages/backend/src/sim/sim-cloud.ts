/**
 * A whole cloud in one process: its truth, from which it bills. What people and programs can ask of it is
 * `sim-api.ts`, the backend on top of that `sim-backend.ts`.
 */
import type { Offer } from '@berth/core';
import type { AgentStart, AgentStartKind, BackendKind, CloudInstanceState } from '../contract.ts';
import { ApiError } from './api-error.ts';
import { draw, type Latency } from './latency.ts';
import type { Seeded } from './seeded.ts';
import { type SimAccount, SimAccounts } from './sim-account.ts';
import type { SimTime } from './sim-clock.ts';
import { type SimCall, SimFaults } from './sim-fault.ts';
import { isBilled, type SimMachine, stateAt } from './sim-machine.ts';
import { simOffer } from './sim-offer.ts';
import { SimParts } from './sim-parts.ts';
import { SimStock } from './sim-stock.ts';

export interface SimCloudOptions {
  readonly time: SimTime;
  readonly random: Seeded;
  /** Also the `backend` of its offers. */
  readonly name?: string;
  readonly kind?: BackendKind;
  readonly agentStart?: AgentStartKind;
  /** False: machines have nothing but a name. */
  readonly tags?: boolean;
  readonly offers?: readonly Partial<Offer>[];
}

/** The key of the account that is there from the beginning. */
export const SIM_KEY = 'sim-key-0f9d1c';
const SIM_ACCOUNT = 'acme';

/** What makes a machine. */
export interface SimLaunch {
  readonly clientToken: string | null;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly offer: Offer;
  readonly agentStart?: AgentStart | null;
  readonly placementGroup?: string | null;
  readonly reservation?: string | null;
  readonly network?: string | null;
  readonly isGateway?: boolean;
}

/** How long things take; each is drawn anew. */
export interface SimTimes {
  /** From making to running. */
  boot: Latency;
  /** From making until the address is told. */
  address: Latency;
  terminate: Latency;
  stop: Latency;
  start: Latency;
  /** From making until `terminate` and lists know of it. */
  visible: Latency;
  /** How long a machine that is gone is still listed, as terminated. */
  listedWhenGone: Latency;
  /** From making until a spot machine is taken back; null: never. */
  spotLife: Latency | null;
}

export interface SimBillItem {
  readonly cloudId: string;
  readonly clientToken: string | null;
  readonly fromMs: number;
  /** Null: it goes on. */
  readonly toMs: number | null;
  readonly dollars: number;
}

export class SimCloud {
  readonly name: string;
  readonly kind: BackendKind;
  readonly agentStart: AgentStartKind;
  readonly hasTags: boolean;
  readonly time: SimTime;
  readonly random: Seeded;
  readonly faults: SimFaults;
  readonly accounts: SimAccounts;
  /** That of `SIM_KEY`. */
  readonly account: SimAccount;
  readonly stock = new SimStock();
  readonly parts: SimParts;
  offers: readonly Offer[];
  /** Of requests, by kind; those that are not named answer in the same millisecond. */
  readonly latency: Partial<Record<SimCall, Latency>> = {};
  readonly times: SimTimes = {
    boot: 0,
    address: 0,
    terminate: 0,
    stop: 0,
    start: 0,
    visible: 0,
    listedWhenGone: 0,
    spotLife: null,
  };
  /** Machines on one page of a list. */
  pageSize = 100;
  /** Requests so far, by kind. */
  readonly calls = new Map<SimCall, number>();
  /** Called when a machine is gone, whatever the reason. */
  onGone: (machine: SimMachine) => void = () => {};
  /** Called when a machine is stopped or running again. */
  onTurned: (machine: SimMachine, state: 'stopped' | 'running') => void = () => {};
  readonly #machines = new Map<string, SimMachine>();
  readonly #alive = new Set<SimMachine>();
  /** What a list has to look at, by region, in the order of making. */
  readonly #listed = new Map<string, Set<SimMachine>>();
  /** By account and token. */
  readonly #byToken = new Map<string, SimMachine>();
  #serial = 0;

  constructor(options: SimCloudOptions) {
    this.time = options.time;
    this.random = options.random;
    this.name = options.name ?? 'sim';
    this.kind = options.kind ?? 'vm';
    this.agentStart = options.agentStart ?? (this.kind === 'vm' ? 'user-data' : 'entrypoint');
    this.hasTags = options.tags ?? true;
    this.offers = (options.offers ?? [{}]).map((offer) => simOffer({ ...offer, backend: this.name }));
    this.faults = new SimFaults(this.random);
    this.accounts = new SimAccounts(this.time);
    this.account = this.accounts.add(SIM_ACCOUNT, SIM_KEY);
    this.parts = new SimParts(this);
  }

  get regions(): readonly string[] {
    return [...new Set([...this.offers.map((offer) => offer.region), ...this.#listed.keys()])];
  }

  /** All there ever were, in the order of making. */
  machines(): readonly SimMachine[] {
    return [...this.#machines.values()];
  }

  /** Those that are billed. */
  get alive(): readonly SimMachine[] {
    return [...this.#alive];
  }

  machine(cloudId: string): SimMachine | null {
    return this.#machines.get(cloudId) ?? null;
  }

  /** The youngest one with this client token. */
  ofToken(token: string, account = SIM_ACCOUNT): SimMachine | null {
    return this.#byToken.get(`${account}/${token}`) ?? null;
  }

  count(call: SimCall): number {
    return this.calls.get(call) ?? 0;
  }

  /** For every machine that was ever made: from making to gone, stopped or not. */
  bill(): readonly SimBillItem[] {
    const now = this.time.now();
    return this.machines().map(({ cloudId, clientToken, madeAt, goneAt, pricePerHour }) => {
      const dollars = (((goneAt ?? now) - madeAt) / 3_600_000) * pricePerHour;
      return { cloudId, clientToken, fromMs: madeAt, toMs: goneAt, dollars };
    });
  }

  /** Makes a machine at once, whatever is in stock: what a request does, and how others' machines are planted. */
  make(launch: SimLaunch, account = SIM_ACCOUNT): SimMachine {
    const { offer, clientToken } = launch;
    const now = this.time.now();
    const serial = ++this.#serial;
    const address = draw(this.times.address, this.random);
    const machine: SimMachine = {
      cloudId: `${this.name}-${serial.toString(16).padStart(8, '0')}`,
      serial,
      account,
      clientToken,
      name: launch.name,
      tags: this.hasTags ? launch.tags : {},
      instanceType: offer.instanceType,
      region: offer.region,
      zone: offer.zone,
      capacityType: offer.capacityType,
      pricePerHour: offer.pricePerHour,
      offer,
      agentStart: launch.agentStart ?? null,
      placementGroup: launch.placementGroup ?? null,
      reservation: launch.reservation ?? null,
      isGateway: launch.isGateway ?? false,
      internalIp: `10.${(serial >> 16) & 255}.${(serial >> 8) & 255}.${serial & 255}`,
      publicIp: `198.18.${(serial >> 8) & 255}.${serial & 255}`,
      madeAt: now,
      addressAt: now + address,
      visibleAt: now + draw(this.times.visible, this.random),
      goneAt: null,
      going: false,
      ports: [],
      history: [
        { at: now, state: 'starting' },
        { at: now + draw(this.times.boot, this.random), state: 'running' },
      ],
    };
    this.#machines.set(machine.cloudId, machine);
    this.#alive.add(machine);
    const listed = this.#listed.get(machine.region) ?? new Set();
    this.#listed.set(machine.region, listed.add(machine));
    if (clientToken !== null) this.#byToken.set(`${account}/${clientToken}`, machine);
    this.stock.take(machine);
    const { spotLife } = this.times;
    if (spotLife !== null && machine.capacityType === 'spot') {
      this.time.after(draw(spotLife, this.random), () => this.kill(machine));
    }
    return machine;
  }

  /** As a request does it: the same token is the same machine. @throws ApiError */
  launch(launch: SimLaunch, account: { readonly id: string; readonly quota: number }): SimMachine {
    const known = launch.clientToken === null ? null : this.ofToken(launch.clientToken, account.id);
    if (known !== null && !known.going && isBilled(known)) return known;
    if (known !== null) throw new ApiError('invalid', 'this token was used for a machine that is gone');
    if (this.countOf(account.id) >= account.quota)
      throw new ApiError('over-quota', 'the account has as many as it may');
    if (!this.offers.some(({ instanceType }) => instanceType === launch.offer.instanceType)) {
      throw new ApiError('invalid', `there is no type ${launch.offer.instanceType}`);
    }
    this.parts.mustFit(launch);
    if (!this.stock.has(launch.offer)) throw new ApiError('out-of-stock', `no ${launch.offer.instanceType} is left`);
    return this.make(launch, account.id);
  }

  /** It dies of itself, or a spot machine is taken back. */
  kill(machine: SimMachine): void {
    if (machine.goneAt !== null) return;
    const now = this.time.now();
    machine.goneAt = now;
    this.#enter(machine, 'terminated');
    this.#alive.delete(machine);
    this.stock.giveBack(machine);
    this.parts.machineGone(machine);
    const listedFor = draw(this.times.listedWhenGone, this.random);
    if (listedFor === 0) this.#listed.get(machine.region)?.delete(machine);
    else this.time.after(listedFor, () => this.#listed.get(machine.region)?.delete(machine));
    this.onGone(machine);
  }

  terminate(machine: SimMachine): void {
    if (machine.going || machine.goneAt !== null) return;
    machine.going = true;
    const takes = draw(this.times.terminate, this.random);
    if (takes === 0) {
      this.kill(machine);
      return;
    }
    this.#enter(machine, 'terminating');
    this.time.after(takes, () => this.kill(machine));
  }

  /** Of what is stopped or running already: nothing. */
  turn(machine: SimMachine, to: 'stopped' | 'running'): void {
    const state = stateAt(machine, this.time.now());
    const [done, under] = to === 'stopped' ? ['stopped', 'stopping'] : ['running', 'starting'];
    if (machine.going || state === done || state === under) return;
    const takes = draw(to === 'stopped' ? this.times.stop : this.times.start, this.random);
    this.#enter(machine, to === 'stopped' ? 'stopping' : 'starting');
    const turned = machine.history.length;
    this.time.after(takes, () => {
      if (machine.goneAt !== null || machine.history.length !== turned) return;
      // As with most clouds: the address outside is another one afterwards.
      if (to === 'running') machine.publicIp = `198.19.${turned & 255}.${machine.serial & 255}`;
      this.#enter(machine, to);
      this.onTurned(machine, to);
    });
  }

  /** Those of one region that are made after this serial number, as things were at that time. */
  *since(region: string, serial: number, at: number): Iterable<readonly [SimMachine, CloudInstanceState]> {
    for (const machine of this.#listed.get(region) ?? []) {
      if (machine.serial <= serial || machine.visibleAt > at) continue;
      const state = stateAt(machine, at);
      if (state !== null) yield [machine, state];
    }
  }

  countOf(account: string): number {
    let count = 0;
    for (const machine of this.#alive) if (machine.account === account) count += 1;
    return count;
  }

  #enter(machine: SimMachine, state: CloudInstanceState): void {
    machine.history.push({ at: this.time.now(), state });
  }
}
