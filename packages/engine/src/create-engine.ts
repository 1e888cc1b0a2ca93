/**
 * Puts the engine together: a key wakes, its snapshot is read and decided upon in one transaction,
 * what was decided is written, and after the commit the effects begin.
 */
import type { Millis, ProjectId } from '@berth/core';
import { StaleRow, StoreUnavailable } from '@berth/store';
import { readAnnouncement } from './announce-wakes.ts';
import { Books } from './books.ts';
import { Performer } from './carry-out.ts';
import { type CloudMemory, cloudMemory } from './cloud-memory.ts';
import { Effects, messageOf } from './effects.ts';
import type { Engine } from './engine.ts';
import { forgetSetup } from './failures.ts';
import { applyFleet, deleteFleet, deleteInstance, planFleet } from './fleets.ts';
import { fitting, gatherOffers } from './gather-offers.ts';
import { heldOffers, showHeld } from './held-offers.ts';
import { ALL_LANES, Fenced, type Lane, type LaneKeeper, type Lanes, soleLanes } from './lanes.ts';
import { Links } from './links.ts';
import { look } from './look.ts';
import type { EnginePorts } from './ports.ts';
import { applyRun, planRun, stopRun } from './runs.ts';
import { StoreOutage } from './store-outage.ts';
import { sweepProject } from './sweep-project.ts';
import { sweepsOf, unfinishedIn } from './take-up.ts';
import * as timing from './timing.ts';
import { bootstrapConcern, type Concern, concern, type Key, sweepConcern } from './wake.ts';
import { WorkQueue } from './work-queue.ts';
import { applyWrites } from './write.ts';

/** Writers take turns; those that wait together share a commit, so that there should be some. */
const HANDLED_AT_ONCE = 64;
/** What is in flight at a stop gets this long; the server's own limit is 10 s. */
const STOP_GRACE_MS = 4_000;
/** What is in flight in a lane that is handed over: the server that gets it waits. */
const YIELD_GRACE_MS = 1_500;

export function createEngine(ports: EnginePorts): Engine {
  return new KeyedEngine(ports);
}

export class KeyedEngine implements Engine {
  readonly #ports: EnginePorts;
  readonly #lanes: Lanes;
  readonly #books: Books;
  readonly #queue: WorkQueue<Key>;
  readonly #effects: Effects;
  readonly #links: Links;
  readonly #clouds: CloudMemory;
  readonly #performer: Performer;
  /** Failures in a row, of keys that could not be handled. */
  readonly #failures = new Map<Key, number>();
  /** Since when this engine sees what happens in a lane. */
  readonly #awakeSince = new Map<Lane, Millis>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(ports: EnginePorts) {
    const { store, clock, random, log } = ports;
    this.#ports = ports;
    this.#lanes = ports.lanes ?? soleLanes();
    this.#books = new Books({
      store,
      clock,
      random,
      outage: new StoreOutage(clock, log),
      lanes: this.#lanes,
      onWritten: (concerned, over) => {
        for (const { key } of over) this.#effects.forget(key);
        for (const one of concerned) this.#wake(one);
      },
    });
    this.#queue = new WorkQueue<Key>(clock, (key, lane) => this.#handle({ key, lane }), {
      concurrency: HANDLED_AT_ONCE,
      onClockSetBack: (byMs) => this.#clockSetBack(byMs),
    });
    this.#effects = new Effects(clock, log);
    this.#links = new Links(ports, this.#books, (instance) => this.#wake(concern('instance', instance)));
    this.#clouds = cloudMemory(ports);
    this.#performer = new Performer(ports, this.#books, this.#effects, this.#links, this.#clouds);
  }

  async start(): Promise<void> {
    const { backends, store } = this.#ports;
    if (this.#lanes.shared) {
      const missed = (): void => this.#keeper.recheck(new Set(ALL_LANES));
      this.#unsubscribe.push(store.onAnnouncement((message) => this.#heard(message), missed));
    }
    await this.#lanes.start(this.#keeper);
    this.#unsubscribe.push(backends.onChange((project) => void this.#backendsChanged(project)));
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#queue.stop();
    await this.#effects.stop(STOP_GRACE_MS);
    await this.#links.stop();
    await this.#lanes.stop();
  }

  /** How much is remembered of things, in entries: what is finished must leave nothing. */
  get load(): { readonly keys: number; readonly effects: number; readonly links: number; readonly failures: number } {
    return {
      keys: this.#queue.size,
      effects: this.#effects.size,
      links: this.#links.size,
      failures: this.#failures.size,
    };
  }

  async settled(at: Millis = this.#ports.clock.now()): Promise<void> {
    // Effects wake keys and keys begin effects, so both must be quiet at the same time.
    while (!this.#queue.isIdle(at) || !this.#effects.idle) {
      await this.#queue.idle();
      await new Promise<void>((resolve) => this.#ports.clock.after(1, resolve));
    }
  }

  offers: Engine['offers'] = async (project, requirements, limit) => {
    const { store, clock } = this.#ports;
    const held = await heldOffers(store.read, this.#clouds.breakers, project, clock.now());
    const list = fitting(showHeld(await gatherOffers(this.#ports, project, requirements), held), requirements);
    return limit === undefined ? list : { ...list, offers: list.offers.slice(0, limit) };
  };
  planRun: Engine['planRun'] = (project, spec) =>
    planRun(this.#books, this.#ports, this.#clouds.breakers, project, spec);
  applyRun: Engine['applyRun'] = (actor, spec, base) => applyRun(this.#books, this.#ports, actor, spec, base);
  stopRun: Engine['stopRun'] = (actor, run, abort) => stopRun(this.#books, actor, run, abort);
  planFleet: Engine['planFleet'] = (project, spec) =>
    planFleet(this.#books, this.#ports, this.#clouds.breakers, project, spec);
  applyFleet: Engine['applyFleet'] = (actor, spec, base) => applyFleet(this.#books, this.#ports, actor, spec, base);
  deleteFleet: Engine['deleteFleet'] = (actor, fleet) => deleteFleet(this.#books, actor, fleet);
  sweep: Engine['sweep'] = (project, { dryRun }) =>
    sweepProject(this.#books, this.#ports, this.#clouds.sweeps, project, dryRun);
  deleteInstance: Engine['deleteInstance'] = (actor, id) => deleteInstance(this.#books, this.#ports, actor, id);

  readonly #keeper: LaneKeeper = {
    gained: async (lanes) => {
      const now = this.#ports.clock.now();
      for (const lane of lanes) this.#awakeSince.set(lane, now);
      await this.#takeUp(lanes);
    },
    recheck: (lanes) => {
      this.#takeUp(lanes).catch((error) => {
        this.#ports.log.warn('What is unfinished could not be read', { error: messageOf(error) });
        this.#ports.clock.after(timing.STORE_BACKOFF.maxMs, () => this.#keeper.recheck(lanes));
      });
    },
    lost: (lanes) => {
      this.#failures.clear();
      this.#queue.forget(lanes);
      this.#effects.abandon(lanes);
      void this.#links.dropLanes(lanes);
    },
    yield: async (lanes) => {
      this.#failures.clear();
      this.#queue.forget(lanes);
      await this.#queue.quiet(lanes);
      await this.#effects.finish(lanes, YIELD_GRACE_MS);
      await this.#links.dropLanes(lanes);
    },
  };

  async #takeUp(lanes: ReadonlySet<Lane>): Promise<void> {
    for (const one of await unfinishedIn(lanes, this.#ports.store.read, this.#ports.backends)) this.#wake(one);
  }

  /** What is not ours to handle is not remembered. */
  #wake({ key, lane }: Concern, at?: Millis): void {
    if (this.#lanes.holds(lane)) this.#queue.wake(key, at, this.#lanes.shared ? lane : 0);
  }

  #heard(message: string): void {
    const heard = readAnnouncement(message);
    if (heard === null || heard.server === this.#lanes.server) return;
    if (heard.kind === 'wake') for (const one of heard.concerned) this.#wake(one);
    else this.#keeper.recheck(new Set(heard.lanes));
  }

  /** Never rejects. */
  async #handle({ key, lane }: Concern): Promise<void> {
    const { clock, random, backends } = this.#ports;
    if (!this.#lanes.holds(lane)) return;
    try {
      const { decision, concerned, over } = await this.#books.in(lane).write(null, async (tx) => {
        const looked = await look(tx, key, {
          now: clock.now(),
          lane: this.#lanes.shared ? lane : null,
          awakeSince: this.#awakeSince.get(lane) ?? 0,
          backends,
          clouds: this.#clouds,
          linkedSince: (instance) => this.#links.linkedSince(instance),
        });
        await applyWrites(tx, looked.decision.writes, { now: () => clock.now(), random });
        return looked;
      });
      this.#failures.delete(key);
      if (over) this.#effects.forget(key);
      // It is being handed over: whoever gets the lane decides for itself what is to be done.
      if (!this.#lanes.holds(lane)) return;
      // Woken after the commit: inside, a transaction of their own would wait for this one.
      for (const other of concerned) this.#wake(other);
      for (const effect of decision.effects) this.#performer.begin(effect, lane, (at) => this.#wake({ key, lane }, at));
      if (decision.wakeAt !== null) this.#wake({ key, lane }, decision.wakeAt);
    } catch (error) {
      this.#handleFailed({ key, lane }, error);
    }
  }

  #handleFailed({ key, lane }: Concern, error: unknown): void {
    const now = this.#ports.clock.now();
    if (error instanceof Fenced) {
      this.#failures.delete(key);
      return;
    }
    if (error instanceof StaleRow) {
      this.#wake({ key, lane }, now + timing.STALE_RETRY_MS);
      return;
    }
    if (error instanceof StoreUnavailable && error.reason === 'closed') return;
    const count = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, count);
    if (!(error instanceof StoreUnavailable)) {
      this.#ports.log.error('A defect: something could not be decided', {
        key,
        error: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
    this.#wake({ key, lane }, now + timing.backoff(timing.STORE_BACKOFF, count));
  }

  /** What had to wait because its backend could not be used may be possible now. */
  async #backendsChanged(project: ProjectId): Promise<void> {
    const { clock, backends } = this.#ports;
    const now = clock.now();
    for (const one of sweepsOf(project, backends)) this.#wake(one);
    try {
      const rows = await this.#books.write(null, async (tx) => {
        for (const row of await tx.read.intents.find({ where: { projectId: project, status: 'open' } })) {
          if (row.lastError?.code === 'unavailable') await tx.change('intents', row, { nextAttemptAt: now });
        }
        await forgetSetup(tx, project);
        const instances = await tx.read.instances.find({
          where: { projectId: project, status: { not: 'terminated' } },
        });
        return { instances, bootstraps: await tx.read.bootstraps.find({ where: { projectId: project } }) };
      });
      // Also those that are lost, and hold machines.
      for (const row of rows.instances) this.#wake(sweepConcern(row));
      for (const row of rows.bootstraps) this.#wake(bootstrapConcern(row));
    } catch (error) {
      this.#ports.log.warn('Open intents could not be moved forward', { error: messageOf(error) });
    }
  }

  /** Every key looks again by itself; what only this engine remembers is put right here. */
  #clockSetBack(byMs: number): void {
    const now = this.#ports.clock.now();
    for (const [lane, since] of this.#awakeSince) this.#awakeSince.set(lane, Math.min(since, now));
    this.#links.clockSetBack(now);
    this.#clouds.sweeps.clockSetBack();
    const seconds = Math.round(byMs / 1000);
    this.#ports.log.warn('The clock was set back', { seconds });
    const told = this.#books.write(null, (tx) =>
      tx.event({
        projectId: null,
        kind: 'server.clock-set-back',
        message: `The server's clock was set back by ${seconds} s; what waited for a time is looked at again`,
        targetKind: 'project',
        targetId: '',
        targetName: '',
        runId: null,
        details: { seconds },
      }),
    );
    told.catch((error) => this.#ports.log.warn('An event could not be written', { error: messageOf(error) }));
  }
}
