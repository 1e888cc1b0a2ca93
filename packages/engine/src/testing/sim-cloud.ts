/** A simulated cloud as a world has it: configured, or not, and handled by the tokens of its machines. */
import {
  type BackendContext,
  BackendError,
  type Call,
  type CloudInstance,
  type Compute,
  type Facet,
} from '@berth/backend';
import { Seeded } from '@berth/backend/sim/seeded';
import { simBackend } from '@berth/backend/sim/sim-backend';
import type { SimClock } from '@berth/backend/sim/sim-clock';
import { SimCloud as Cloud, SIM_KEY } from '@berth/backend/sim/sim-cloud';
import type { SimCall, SimFault } from '@berth/backend/sim/sim-fault';
import { isBilled, type SimMachine } from '@berth/backend/sim/sim-machine';
import { type Offer, Secret } from '@berth/core';
import type { UsableBackend } from '../ports.ts';

export { simOffer } from '@berth/backend/sim/sim-offer';

/** What simulated servers call themselves. */
export const TEST_INSTALLATION = 'test';

export class SimCloud {
  /** What is true of it, whatever it says. */
  readonly truth: Cloud;
  readonly name: string;
  /** What goes wrong with the next requests of a kind. */
  readonly faults: { readonly [C in SimCall]: SimFault[] };
  offersFault: 'fails' | 'hangs' | 'slow' | null = null;
  /** False: no longer configured. */
  usable = true;
  /** Machines, by token, that its list does not show. */
  readonly hidden = new Set<string>();
  /** Called when a machine is gone, whatever the reason. */
  onGone: (token: string) => void = () => {};
  /** What the backend says of its list. */
  listLagMs: number | undefined;
  readonly #clock: SimClock;
  readonly #compute: Compute;
  readonly #facets: readonly Facet[];
  #offersAsked = 0;

  constructor(
    clock: SimClock,
    name = 'sim',
    offers: readonly Partial<Offer>[] = [{}],
    { seed = 1, facets = [] }: { readonly seed?: number; readonly facets?: readonly Facet[] } = {},
  ) {
    this.#facets = facets;
    this.name = name;
    this.#clock = clock;
    this.truth = new Cloud({
      time: clock.steady,
      random: new Seeded(seed),
      name,
      agentStart: 'process',
      offers,
    });
    this.faults = this.truth.faults.queued;
    this.truth.onGone = ({ clientToken }) => this.onGone(clientToken ?? '');
    const credentials = { api_key: new Secret(SIM_KEY) };
    // All that the simulated backend looks at.
    const context = { name, installation: TEST_INSTALLATION, credentials, config: {} } as unknown as BackendContext<
      unknown,
      unknown
    >;
    this.#compute = simBackend(this.truth, { facets, patienceMs: 0 }).compute(context);
  }

  get offers(): readonly Offer[] {
    return this.truth.offers;
  }
  set offers(offers: readonly Offer[]) {
    this.truth.offers = offers;
  }
  /** The address of a new machine shows after this long; 0: at once. */
  set addressAfterMs(ms: number) {
    this.truth.times.address = ms;
  }
  /** A machine that is terminated goes on being listed, and billed, for this long. */
  set terminateTakesMs(ms: number) {
    this.truth.times.terminate = ms;
  }
  set capacity(machines: number) {
    this.truth.stock.capacity = machines;
  }
  /** By instance type, region, zone, `type@region` or `type@zone`, on top of `capacity`. */
  get capacityOf(): Map<string, number> {
    return this.truth.stock.capacityOf;
  }

  /** Those that are billed, by the token they were made with. */
  get alive(): readonly (SimMachine & { readonly token: string })[] {
    return this.truth.alive.map((machine) => ({ ...machine, token: machine.clientToken ?? '' }));
  }

  /** All there ever were. */
  get machines(): { readonly size: number } {
    return { size: this.truth.machines().length };
  }

  isAlive(token: string): boolean {
    const machine = this.truth.ofToken(token);
    return machine !== null && isBilled(machine);
  }

  count(call: SimCall): number {
    return call === 'offers' ? this.#offersAsked : this.truth.count(call);
  }

  /** The machine dies of itself, or a spot machine is taken back. */
  kill(token: string): void {
    const machine = this.truth.ofToken(token);
    if (machine !== null) this.truth.kill(machine);
  }

  backend(): UsableBackend {
    return {
      name: this.name,
      type: 'sim',
      facets: this.#facets,
      provisioningTimeoutMs: 600_000,
      kind: 'vm',
      agentStart: 'process',
      ...(this.listLagMs === undefined ? {} : { listLagMs: this.listLagMs }),
      compute: { ...this.#compute, list: (call) => this.#list(call) },
      offers: (_requirements, signal) => this.#offers(signal),
      forgetOffers: () => {},
    };
  }

  async #list(call: Call): Promise<readonly CloudInstance[]> {
    const listed = await this.#compute.list(call);
    return this.hidden.size === 0 ? listed : listed.filter(({ token }) => !this.hidden.has(token ?? ''));
  }

  async #offers(signal: AbortSignal): Promise<readonly Offer[]> {
    this.#offersAsked += 1;
    if (this.offersFault === 'fails') throw new BackendError('transient', 'the price list is down');
    if (this.offersFault === 'hangs') return hang(signal);
    // One that ignores the signal and answers in its own time.
    if (this.offersFault === 'slow') await new Promise<void>((resolve) => this.#clock.after(60_000, resolve));
    return this.offers;
  }
}

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new BackendError('unknown', 'aborted'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
