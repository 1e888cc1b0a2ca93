/**
 * Puts the engine together: a key wakes, its snapshot is read and decided upon in one transaction,
 * what was decided is written, and after the commit the effects begin.
 */
import type { Millis, ProjectId } from '@berth/core';
import { isJobFinished, JOB_STATUSES } from '@berth/core';
import { StaleRow, StoreUnavailable } from '@berth/store';
import { Books, type Touched } from './books.ts';
import { Performer } from './carry-out.ts';
import { Effects, messageOf } from './effects.ts';
import type { Engine } from './engine.ts';
import { applyFleet, deleteFleet, deleteInstance, planFleet } from './fleets.ts';
import { fitting, gatherOffers } from './gather-offers.ts';
import { Links } from './links.ts';
import { look } from './look.ts';
import type { EnginePorts } from './ports.ts';
import { applyRun, planRun, stopRun } from './runs.ts';
import { StoreOutage } from './store-outage.ts';
import * as timing from './timing.ts';
import { concernedBy, type Key, overBy } from './wake.ts';
import { WorkQueue } from './work-queue.ts';
import { applyWrites } from './write.ts';

/** What is in flight at a stop gets this long; the server's own limit is 10 s. */
const STOP_GRACE_MS = 4_000;

export function createEngine(ports: EnginePorts): Engine {
  return new KeyedEngine(ports);
}

export class KeyedEngine implements Engine {
  readonly #ports: EnginePorts;
  readonly #books: Books;
  readonly #queue: WorkQueue<Key>;
  readonly #effects: Effects;
  readonly #links: Links;
  readonly #performer: Performer;
  /** Failures in a row, of keys that could not be handled. */
  readonly #failures = new Map<Key, number>();
  /** Since when this engine sees what happens. */
  #awakeSince: Millis = 0;
  #unsubscribe: () => void = () => {};

  constructor(ports: EnginePorts) {
    const { store, clock, random, log } = ports;
    this.#ports = ports;
    this.#books = new Books({
      store,
      clock,
      random,
      outage: new StoreOutage(clock, log),
      onTouched: (touched) => this.#touched(touched),
    });
    this.#queue = new WorkQueue<Key>(clock, (key) => this.#handle(key), {
      onClockSetBack: (byMs) => this.#clockSetBack(byMs),
    });
    this.#effects = new Effects(clock, log);
    this.#links = new Links(ports, this.#books, (instance) => this.#queue.wake(`instance:${instance}`));
    this.#performer = new Performer(ports, this.#books, this.#effects, this.#links);
  }

  async start(): Promise<void> {
    this.#awakeSince = this.#ports.clock.now();
    const { read } = this.#ports.store;
    const unfinished = JOB_STATUSES.filter((status) => !isJobFinished(status));
    const [instances, fleets, runs, jobs] = await Promise.all([
      read.instances.find({ where: { status: { in: ['pending', 'provisioning', 'idle', 'busy', 'terminating'] } } }),
      read.fleets.find({ where: { live: true } }),
      read.runs.find({ where: { live: true } }),
      read.jobs.find({ where: { status: { in: unfinished } } }),
    ]);
    // Machines first: without their links nothing else can go on. They wake their intents.
    for (const row of instances) this.#queue.wake(`instance:${row.id}`);
    for (const row of fleets) this.#queue.wake(`fleet:${row.id}`);
    for (const row of runs) this.#queue.wake(`run:${row.id}`);
    for (const row of jobs) this.#queue.wake(`job:${row.id}`);
    this.#unsubscribe = this.#ports.backends.onChange((project) => void this.#backendsChanged(project));
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#queue.stop();
    await this.#effects.stop(STOP_GRACE_MS);
    await this.#links.stop();
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
    const list = fitting(await gatherOffers(this.#ports, project, requirements), requirements);
    return limit === undefined ? list : { ...list, offers: list.offers.slice(0, limit) };
  };
  planRun: Engine['planRun'] = (project, spec) => planRun(this.#books, this.#ports, project, spec);
  applyRun: Engine['applyRun'] = (actor, spec, base) => applyRun(this.#books, this.#ports, actor, spec, base);
  stopRun: Engine['stopRun'] = (actor, run, abort) => stopRun(this.#books, actor, run, abort);
  planFleet: Engine['planFleet'] = (project, spec) => planFleet(this.#books, this.#ports, project, spec);
  applyFleet: Engine['applyFleet'] = (actor, spec, base) => applyFleet(this.#books, this.#ports, actor, spec, base);
  deleteFleet: Engine['deleteFleet'] = (actor, fleet) => deleteFleet(this.#books, actor, fleet);
  deleteInstance: Engine['deleteInstance'] = (actor, id) => deleteInstance(this.#books, this.#ports, actor, id);

  #touched(touched: readonly Touched[]): void {
    for (const entry of touched) {
      const over = overBy(entry);
      if (over !== null) this.#effects.forget(over);
      for (const key of concernedBy(entry)) this.#queue.wake(key);
    }
  }

  /** Never rejects. */
  async #handle(key: Key): Promise<void> {
    const { clock, random, backends } = this.#ports;
    try {
      const { decision, concerned, over } = await this.#books.write(null, async (tx) => {
        const looked = await look(tx, key, {
          now: clock.now(),
          awakeSince: this.#awakeSince,
          backends,
          linkedSince: (instance) => this.#links.linkedSince(instance),
        });
        await applyWrites(tx, looked.decision.writes, { now: () => clock.now(), random });
        return looked;
      });
      this.#failures.delete(key);
      if (over) this.#effects.forget(key);
      // Woken after the commit: inside, a transaction of their own would wait for this one.
      for (const other of concerned) this.#queue.wake(other);
      for (const effect of decision.effects) this.#performer.begin(effect, (at) => this.#queue.wake(key, at));
      if (decision.wakeAt !== null) this.#queue.wake(key, decision.wakeAt);
    } catch (error) {
      this.#handleFailed(key, error);
    }
  }

  #handleFailed(key: Key, error: unknown): void {
    const now = this.#ports.clock.now();
    if (error instanceof StaleRow) {
      this.#queue.wake(key, now + timing.STALE_RETRY_MS);
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
    this.#queue.wake(key, now + timing.backoff(timing.STORE_BACKOFF, count));
  }

  /** What had to wait because its backend could not be used may be possible now. */
  async #backendsChanged(project: ProjectId): Promise<void> {
    const now = this.#ports.clock.now();
    try {
      await this.#books.write(null, async (tx) => {
        for (const row of await tx.read.intents.find({ where: { projectId: project, status: 'open' } })) {
          if (row.lastError?.code === 'unavailable') await tx.change('intents', row, { nextAttemptAt: now });
        }
      });
    } catch (error) {
      this.#ports.log.warn('Open intents could not be moved forward', { error: messageOf(error) });
    }
  }

  /** Every key looks again by itself; what only this engine remembers is put right here. */
  #clockSetBack(byMs: number): void {
    const now = this.#ports.clock.now();
    this.#awakeSince = Math.min(this.#awakeSince, now);
    this.#links.clockSetBack(now);
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
