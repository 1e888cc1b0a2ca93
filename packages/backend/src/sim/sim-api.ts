/**
 * What programs can ask of a simulated cloud: requests with a key, that take their time, come in pages and
 * go wrong. Each takes a turn of the clock at least, as a network would.
 */
import type { Offer } from '@berth/core';
import type { CloudInstanceState, PortRange } from '../contract.ts';
import { ApiError } from './api-error.ts';
import { draw } from './latency.ts';
import type { SimAccount } from './sim-account.ts';
import type { SimCloud, SimLaunch } from './sim-cloud.ts';
import { LATE_MS, type SimCall, type SimFault, STALE_MS } from './sim-fault.ts';
import { isBilled, type SimMachine, stateAt } from './sim-machine.ts';

/** A machine as the API tells of it. */
export interface ApiMachine {
  readonly cloudId: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly region: string;
  readonly zone: string | null;
  readonly state: CloudInstanceState;
  readonly internalIp: string | null;
  readonly publicIp: string | null;
  readonly isGateway: boolean;
}

export interface ApiPage {
  readonly machines: readonly ApiMachine[];
  /** To be given back for the page that follows; null: there is none. */
  readonly next: number | null;
}

export class SimApi {
  readonly #cloud: SimCloud;
  readonly #key: string;

  constructor(cloud: SimCloud, key: string) {
    this.#cloud = cloud;
    this.#key = key;
  }

  account(signal: AbortSignal): Promise<SimAccount> {
    return this.request('account', signal, (account) => account);
  }

  offers(signal: AbortSignal): Promise<readonly Offer[]> {
    return this.request('offers', signal, () => this.#cloud.offers);
  }

  /** Which offers' stock is not empty. */
  inStock(offers: readonly Offer[], signal: AbortSignal): Promise<readonly boolean[]> {
    return this.request('offers', signal, () => offers.map((offer) => this.#cloud.stock.has(offer)));
  }

  launch(launch: SimLaunch, signal: AbortSignal): Promise<ApiMachine> {
    return this.request('create', signal, (account) => this.#told(this.#cloud.launch(launch, account)));
  }

  /** One page of one region. */
  page(region: string, after: number, signal: AbortSignal): Promise<ApiPage> {
    return this.request('list', signal, (account, fault) => this.#page(region, after, account, fault));
  }

  terminate(cloudId: string, signal: AbortSignal): Promise<void> {
    return this.#change('terminate', cloudId, signal, (machine) => this.#cloud.terminate(machine));
  }

  stop(cloudId: string, signal: AbortSignal): Promise<void> {
    return this.#change('stop', cloudId, signal, (machine) => this.#cloud.turn(machine, 'stopped'));
  }

  start(cloudId: string, signal: AbortSignal): Promise<void> {
    return this.#change('start', cloudId, signal, (machine) => this.#cloud.turn(machine, 'running'));
  }

  setPorts(
    cloudId: string,
    next: (open: readonly PortRange[]) => readonly PortRange[],
    signal: AbortSignal,
  ): Promise<void> {
    return this.#change('ports', cloudId, signal, (machine) => {
      machine.ports = [...next(machine.ports)];
    });
  }

  ports(cloudId: string, signal: AbortSignal): Promise<readonly PortRange[]> {
    return this.request('ports', signal, (account) => this.#mine(cloudId, account).ports);
  }

  /**
   * Any request. `act` is what it does at the cloud; whether its answer is heard is another matter.
   * @throws ApiError; when `signal` aborts, one with `lost`
   */
  request<T>(call: SimCall, signal: AbortSignal, act: (account: SimAccount, fault: SimFault | null) => T): Promise<T> {
    const cloud = this.#cloud;
    const { latency, time, random } = cloud;
    cloud.calls.set(call, cloud.count(call) + 1);
    if (signal.aborted) return Promise.reject(new ApiError('refused', 'it was given up before it was sent'));
    const fault = cloud.faults.next(call);
    const slower = typeof fault === 'object' && fault?.kind === 'slow' ? fault.ms : 0;
    const delay = draw(latency[call] ?? 0, random) + slower;
    return new Promise<T>((resolve, reject) => {
      let unsend: () => void = () => {};
      const givenUp = (): void => {
        unsend();
        // It was on its way: half of such requests had arrived already.
        if (fault !== 'hangs' && delay > 0 && random.chance(0.5)) this.#attempt(fault, act);
        reject(new ApiError('lost', 'it was given up before the answer came'));
      };
      signal.addEventListener('abort', givenUp, { once: true });
      if (fault === 'hangs') return;
      unsend = time.after(delay, () => {
        signal.removeEventListener('abort', givenUp);
        try {
          resolve(this.#outcome(fault, act));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Carried out, and nobody hears how it went. */
  #attempt<T>(fault: SimFault | null, act: (account: SimAccount, fault: SimFault | null) => T): void {
    try {
      this.#outcome(fault, act);
    } catch {
      // Its refusal is not heard either.
    }
  }

  #outcome<T>(fault: SimFault | null, act: (account: SimAccount, fault: SimFault | null) => T): T {
    const refused = refusalOf(fault);
    if (refused !== null) throw refused;
    const account = this.#cloud.accounts.of(this.#key);
    // Only a request without an answer can be ignored.
    if (fault === 'ignored') return undefined as T;
    const done = act(account, fault);
    if (fault === 'answers-twice') return act(account, fault);
    if (fault === 'succeeds-then-times-out') throw new ApiError('lost', 'the answer did not come');
    return done;
  }

  #change(call: SimCall, cloudId: string, signal: AbortSignal, act: (machine: SimMachine) => void): Promise<void> {
    return this.request(call, signal, (account) => act(this.#mine(cloudId, account)));
  }

  /** @throws ApiError `not-found`: also of one that is too young to be known everywhere */
  #mine(cloudId: string, account: SimAccount): SimMachine {
    const machine = this.#cloud.machine(cloudId);
    const known = machine !== null && isBilled(machine) && machine.visibleAt <= this.#cloud.time.now();
    if (!known || machine.account !== account.id) throw new ApiError('not-found', `there is no machine ${cloudId}`);
    return machine;
  }

  #page(region: string, after: number, account: SimAccount, fault: SimFault | null): ApiPage {
    const now = this.#cloud.time.now();
    const at = fault === 'stale' ? now - STALE_MS : now;
    const machines: ApiMachine[] = [];
    let last = after;
    for (const [machine, state] of this.#cloud.since(region, after, at)) {
      if (machine.account !== account.id) continue;
      if (fault === 'late' && now - machine.madeAt < LATE_MS) continue;
      if (machines.length >= this.#cloud.pageSize) return { machines, next: last };
      machines.push(this.#told(machine, state));
      last = machine.serial;
    }
    return { machines, next: null };
  }

  #told(machine: SimMachine, state = stateAt(machine, this.#cloud.time.now()) ?? 'starting'): ApiMachine {
    const { cloudId, name, tags, region, zone, isGateway, internalIp, publicIp, addressAt } = machine;
    const known = this.#cloud.time.now() >= addressAt;
    return {
      cloudId,
      name,
      tags,
      region,
      zone,
      isGateway,
      state,
      internalIp: known ? internalIp : null,
      publicIp: known ? publicIp : null,
    };
  }
}

function refusalOf(fault: SimFault | null): ApiError | null {
  if (typeof fault === 'object' && fault !== null) {
    if (fault.kind === 'slow') return null;
    const refusal = fault.kind === 'rate-limited' ? 'throttled' : 'unavailable';
    return new ApiError(refusal, refusal === 'throttled' ? 'too many requests' : 'try again later', fault.retryAfterMs);
  }
  switch (fault) {
    case 'fails-before':
      return new ApiError('refused', 'the connection was refused');
    case 'no-capacity':
      return new ApiError('out-of-stock', 'it is out of stock');
    case 'quota':
      return new ApiError('over-quota', 'the account has as many as it may');
    case 'auth':
      return new ApiError('unauthorized', 'the key is wrong');
    default:
      return null;
  }
}
