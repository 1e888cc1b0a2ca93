/**
 * Holds this server's share of the lanes: gives signs of life, takes what is free, hands over what has
 * become another one's, and stops acting before others may. What decides is pure (`decide-leases.ts`);
 * what makes it safe is `confirm`, in the transaction of every write.
 */
import type { Logger } from '@berth/backend';
import { type Millis, newId, type RandomBytes, type ServerId } from '@berth/core';
import { type LeaseRow, type ReadTables, type Store, StoreUnavailable } from '@berth/store';
import { announceRecheck } from './announce-wakes.ts';
import {
  BEAT_MS,
  decideLeases,
  isLive,
  LEASE_MARGIN_MS,
  LEASE_TTL_MS,
  lookAround,
  NOTHING_SEEN,
  type Sightings,
} from './decide-leases.ts';
import { messageOf } from './effects.ts';
import { Fenced, type Grip, type Lane, type LaneKeeper, type Lanes } from './lanes.ts';
import { changeOwner, leaseId, leasesByLane } from './lease-rows.ts';
import type { EngineClock } from './ports.ts';
import { forgetServers, giveSign, takeLeave } from './servers.ts';

export interface LeasePorts {
  readonly store: Store;
  readonly clock: EngineClock;
  /** Milliseconds of a clock that only grows, whatever the time of day is set to. */
  readonly elapsed: () => Millis;
  readonly random: RandomBytes;
  readonly log: Logger;
  /** For people. */
  readonly host: string;
  readonly pid: number;
}

interface Held {
  readonly token: number;
  /** It is being handed over. */
  yielding: boolean;
}

/** Somebody waits for lanes, or has let some go. */
const LEASES = 'leases';

export class Leases implements Lanes {
  readonly shared = true;
  readonly server: ServerId;
  readonly #ports: LeasePorts;
  readonly #startedAt: Millis;
  readonly #held = new Map<Lane, Held>();
  readonly #yielding = new Set<Promise<void>>();
  #keeper: LaneKeeper | null = null;
  #sightings: Sightings = NOTHING_SEEN;
  /** By `elapsed`: until then nobody else may take what we hold. */
  #validUntil: Millis = 0;
  #cancelExpiry: () => void = () => {};
  #cancelRound: () => void = () => {};
  #unsubscribe: () => void = () => {};
  #round: Promise<void> | null = null;
  #roundWanted = false;
  #isFailing = false;
  #stopped = false;
  /** Writes that were refused because the lane was another server's by then. */
  refusals = 0;

  constructor(ports: LeasePorts) {
    this.#ports = ports;
    this.#startedAt = ports.clock.now();
    this.server = newId<'ServerId'>(this.#startedAt, ports.random);
  }

  /** @throws what the store throws: a server that cannot even sign in does not start */
  async start(keeper: LaneKeeper): Promise<void> {
    this.#keeper = keeper;
    const { store } = this.#ports;
    this.#unsubscribe = store.onAnnouncement(
      (message) => message.startsWith(`${LEASES} `) && message !== `${LEASES} ${this.server}` && this.#hurry(),
      () => this.#hurry(),
    );
    await this.#lookAfter();
    // Whoever is there already hands over at once what is our share.
    store.announce(`${LEASES} ${this.server}`);
    this.#later();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    this.#cancelRound();
    this.#cancelExpiry();
    await this.#round;
    await Promise.all(this.#yielding);
    const lanes = [...this.#held.keys()];
    try {
      await this.#ports.store.transaction(async (tables, commit) => {
        await changeOwner(tables, this.#grips(lanes), null);
        await takeLeave(tables, this.server, this.#stamp());
        commit.announce(`${LEASES} ${this.server}`);
      });
    } catch (error) {
      this.#ports.log.warn('The leases could not be released; they run out', { error: messageOf(error) });
    }
    this.#held.clear();
  }

  /** Lanes in which work may be begun. */
  get size(): number {
    return [...this.#held.keys()].filter((lane) => this.holds(lane)).length;
  }

  holds(lane: Lane): boolean {
    return this.#held.get(lane)?.yielding === false && this.#isValid();
  }

  grip(lane: Lane): Grip {
    return { lane, token: this.#held.get(lane)?.token ?? -1 };
  }

  async confirm(
    tables: Pick<ReadTables, 'leases'>,
    acting: Grip | null,
    concerned: Iterable<Lane>,
  ): Promise<ReadonlySet<Lane>> {
    const asked = new Map<Lane, number>();
    for (const lane of concerned) if (this.holds(lane)) asked.set(lane, this.grip(lane).token);
    if (acting !== null) {
      if (this.#held.get(acting.lane)?.token !== acting.token) throw new Fenced(acting);
      asked.set(acting.lane, acting.token);
    }
    const rows = await readLeases(tables, [...asked.keys()]);
    const isOurs = (lane: Lane): boolean => {
      const row = rows.get(lane);
      return row?.owner === this.server && row.token === asked.get(lane);
    };
    if (acting !== null && !isOurs(acting.lane)) throw new Fenced(acting);
    return new Set([...asked.keys()].filter((lane) => isOurs(lane) && this.holds(lane)));
  }

  refused({ grip: { lane, token } }: Fenced): void {
    this.refusals += 1;
    // One that was let go and has come back is not to blame for what was begun before.
    if (this.#held.get(lane)?.token === token) this.#drop([lane], 'A lane has been taken over by another server');
  }

  #isValid(): boolean {
    return this.#ports.elapsed() < this.#validUntil;
  }

  #later(): void {
    this.#cancelRound();
    if (!this.#stopped) this.#cancelRound = this.#ports.clock.after(BEAT_MS, () => this.#hurry());
  }

  /** A round now, or another one after that which is under way. */
  #hurry(): void {
    if (this.#stopped) return;
    if (this.#round !== null) {
      this.#roundWanted = true;
      return;
    }
    this.#roundWanted = false;
    this.#round = this.#lookAfter()
      .then(() => this.#recovered())
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#round = null;
        this.#later();
        if (this.#roundWanted) this.#hurry();
      });
  }

  async #lookAfter(): Promise<void> {
    const { store, elapsed } = this.#ports;
    const begunAt = elapsed();
    await store.transaction((tables) =>
      giveSign(tables, { id: this.server, startedAt: this.#startedAt, ...this.#ports }, this.#stamp()),
    );
    this.#renew(begunAt);
    const [servers, rows] = await Promise.all([store.read.servers.find(), store.read.leases.find()]);
    this.#sightings = lookAround(this.#sightings, servers, elapsed());
    const held = new Map([...this.#held].map(([lane, { token }]) => [lane, token]));
    const leases = leasesByLane(rows);
    const decision = decideLeases({ self: this.server, sightings: this.#sightings, leases, held });
    if (decision.lost.length > 0) this.#drop(decision.lost, 'Lanes have been taken over by another server');
    const yielding = decision.yield.filter((lane) => this.#held.get(lane)?.yielding === false);
    if (yielding.length > 0) this.#handOver(yielding);
    const { release } = decision;
    if (release.length > 0) await this.#release(release.flatMap((lane) => leases.get(lane) ?? []));
    if (decision.take.length > 0) await this.#take(decision.take, leases);
    const dead = servers.filter(({ id }) => !isLive(this.#sightings, id) && id !== this.server);
    if (dead.length > 0) await store.transaction((tables) => forgetServers(tables, dead, this.#stamp()));
  }

  /** From when the sign of life was begun: whoever saw it counts from later. */
  #renew(begunAt: Millis): void {
    const { clock, elapsed } = this.#ports;
    this.#validUntil = begunAt + LEASE_TTL_MS - LEASE_MARGIN_MS;
    this.#cancelExpiry();
    this.#cancelExpiry = clock.after(this.#validUntil - elapsed(), () => this.#expire());
  }

  #expire(): void {
    if (this.#held.size === 0) return;
    const seconds = (LEASE_TTL_MS - LEASE_MARGIN_MS) / 1000;
    this.#drop(this.#held.keys(), `The leases could not be renewed for ${seconds} s: another server may act`);
  }

  async #take(lanes: readonly Lane[], leases: ReadonlyMap<Lane, LeaseRow>): Promise<void> {
    const rows = lanes.map((lane) => leases.get(lane) ?? { id: leaseId(lane) });
    const taken = await this.#ports.store.transaction((tables) => changeOwner(tables, rows, this.server));
    // A process that was stopped just here has not lived long enough to work on them.
    if (!this.#isValid()) return;
    for (const [lane, token] of taken) this.#held.set(lane, { token, yielding: false });
    const gained = new Set(taken.keys());
    const before = lanes.filter((lane) => leases.get(lane)?.owner != null).length;
    this.#ports.log.info('Lanes are taken', { lanes: gained.size, of_silent_servers: before });
    // A write of the server before may be committed as late as this, and die with it before it is told.
    if (before > 0) this.#ports.clock.after(LEASE_TTL_MS, () => this.#keeper?.recheck(gained));
    this.#keeper?.gained(gained).catch((error) => {
      this.#ports.log.warn('What is unfinished could not be read', { error: messageOf(error) });
      this.#keeper?.recheck(gained);
    });
  }

  #handOver(lanes: readonly Lane[]): void {
    for (const lane of lanes) this.#held.set(lane, { token: this.grip(lane).token, yielding: true });
    const done = this.#yield(lanes)
      .catch((error) => this.#ports.log.warn('Lanes could not be handed over', { error: messageOf(error) }))
      .finally(() => this.#yielding.delete(done));
    this.#yielding.add(done);
  }

  async #yield(lanes: readonly Lane[]): Promise<void> {
    await this.#keeper?.yield(new Set(lanes));
    const left = lanes.filter((lane) => this.#held.get(lane)?.yielding === true);
    const grips = this.#grips(left);
    // Before it is told: from now on they are not ours, whether the answer comes or not.
    for (const lane of left) this.#held.delete(lane);
    await this.#release(grips);
    this.#ports.log.info('Lanes are handed over', { lanes: grips.length });
  }

  async #release(seen: readonly (Grip | LeaseRow)[]): Promise<void> {
    await this.#ports.store.transaction(async (tables, commit) => {
      await changeOwner(tables, seen, null);
      commit.announce(`${LEASES} ${this.server}`);
    });
  }

  /** They may be somebody else's: nothing is done there any more. */
  #drop(lanes: Iterable<Lane>, why: string): void {
    const dropped = new Set([...lanes].filter((lane) => this.#held.delete(lane)));
    if (dropped.size === 0) return;
    this.#ports.log.warn(why, { lanes: dropped.size });
    this.#keeper?.lost(dropped);
    // What was to be looked at here is forgotten with that; whoever has them now must not miss it.
    announceRecheck(this.#ports.store, this.server, dropped);
    this.#hurry();
  }

  #grips(lanes: readonly Lane[]): readonly Grip[] {
    return lanes.map((lane) => this.grip(lane));
  }

  #failed(error: unknown): void {
    if (error instanceof StoreUnavailable && error.reason === 'closed') return;
    if (!this.#isFailing) this.#ports.log.warn('No sign of life could be given', { error: messageOf(error) });
    this.#isFailing = true;
  }

  #recovered(): void {
    if (this.#isFailing) this.#ports.log.info('Signs of life are given again');
    this.#isFailing = false;
  }

  #stamp(): { readonly now: Millis; readonly random: RandomBytes } {
    return { now: this.#ports.clock.now(), random: this.#ports.random };
  }
}

async function readLeases(
  tables: Pick<ReadTables, 'leases'>,
  lanes: readonly Lane[],
): Promise<ReadonlyMap<Lane, LeaseRow>> {
  const [only, ...others] = lanes.map(leaseId);
  if (only === undefined) return new Map();
  if (others.length > 0) return leasesByLane(await tables.leases.find({ where: { id: { in: [only, ...others] } } }));
  const row = await tables.leases.get(only);
  return leasesByLane(row === null ? [] : [row]);
}
