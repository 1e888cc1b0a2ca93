/**
 * Puts the engine together: a key wakes, its snapshot is read and decided upon in one transaction,
 * what was decided is written, and after the commit the effects begin.
 */
import type { FleetId, InstanceId, IntentId, JobId, Millis, RunId } from '@berth/core';
import { type InstanceRow, StaleRow, StoreUnavailable } from '@berth/store';
import { IntentActor } from './act-intent.ts';
import { Books, type Touched, type Tx } from './books.ts';
import { decideFleet, type FleetEffect } from './decide-fleet.ts';
import { decideInstance, type InstanceEffect } from './decide-instance.ts';
import { decideIntent, type IntentEffect } from './decide-intent.ts';
import { decideJob, type JobEffect } from './decide-job.ts';
import { decideRun, type RunEffect } from './decide-run.ts';
import type { Decision } from './decision.ts';
import { Delivery } from './deliver.ts';
import { Effects, messageOf } from './effects.ts';
import type { Engine } from './engine.ts';
import { fillFleet } from './fill-fleet.ts';
import { applyFleet, deleteFleet, deleteInstance, planFleet } from './fleets.ts';
import { fitting, gatherOffers } from './gather-offers.ts';
import { Links } from './links.ts';
import { jobsOf, placeRun } from './place-run.ts';
import type { EnginePorts } from './ports.ts';
import { applyRun, planRun, stopRun } from './runs.ts';
import * as timing from './timing.ts';
import { WorkQueue } from './work-queue.ts';
import { applyWrites } from './write.ts';

type Key = `${'run' | 'job' | 'instance' | 'fleet' | 'intent'}:${string}`;
type Effect = RunEffect | JobEffect | InstanceEffect | FleetEffect | IntentEffect;

const NO_BACKEND_TIMEOUT_MS = 10 * 60_000;
/** What is in flight at a stop gets this long; the server's own limit is 10 s. */
const STOP_GRACE_MS = 5_000;

export function createEngine(ports: EnginePorts): Engine {
  return new KeyedEngine(ports);
}

class KeyedEngine implements Engine {
  readonly #ports: EnginePorts;
  readonly #books: Books;
  readonly #queue: WorkQueue<Key>;
  readonly #effects: Effects;
  readonly #links: Links;
  readonly #intents: IntentActor;
  readonly #delivery: Delivery;
  readonly #failures = new Map<Key, number>();
  /** Since when the store cannot be written, to be told once it can be. */
  #storeDownSince: Millis | null = null;
  #unsubscribe: () => void = () => {};

  constructor(ports: EnginePorts) {
    this.#ports = ports;
    this.#books = new Books(ports.store, ports.clock, ports.random, (touched) => this.#wakeTouched(touched));
    this.#queue = new WorkQueue<Key>(ports.clock, (key) => this.#handle(key));
    this.#effects = new Effects(ports.clock, ports.log);
    this.#links = new Links(ports, this.#books, (instance) => this.#queue.wake(`instance:${instance}`));
    this.#intents = new IntentActor(ports, this.#books);
    this.#delivery = new Delivery(ports, this.#books, this.#links);
  }

  async start(): Promise<void> {
    const { read } = this.#ports.store;
    // Machines first: without their links nothing else can go on.
    const [instances, intents, runs, fleets] = await Promise.all([
      read.instances.find({ where: { status: { in: ['pending', 'provisioning', 'idle', 'busy', 'terminating'] } } }),
      read.intents.find({ where: { status: 'open' } }),
      read.runs.find({ where: { live: true } }),
      read.fleets.find({ where: { live: true } }),
    ]);
    for (const row of instances) this.#queue.wake(`instance:${row.id}`);
    for (const row of intents) this.#queue.wake(`intent:${row.id}`);
    for (const row of fleets) this.#queue.wake(`fleet:${row.id}`);
    for (const row of runs) this.#queue.wake(`run:${row.id}`);
    this.#unsubscribe = this.#ports.backends.onChange(() => this.#wakeOpenIntents());
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#queue.stop();
    await this.#effects.stop(STOP_GRACE_MS);
    await this.#links.stop();
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

  async #handle(key: Key): Promise<void> {
    // Woken after the commit: inside, a transaction of their own would wait for this one.
    const concerned: Key[] = [];
    try {
      const decision = await this.#books.write(null, async (tx) => {
        concerned.length = 0;
        const decided = await this.#decide(tx, key, concerned);
        await applyWrites(tx, decided.writes, { now: () => this.#ports.clock.now(), random: this.#ports.random });
        return decided;
      });
      if (this.#failures.size > 0) this.#failures.delete(key);
      if (this.#storeDownSince !== null && decision.writes.length > 0) await this.#storeIsBack();
      for (const other of concerned) this.#queue.wake(other);
      for (const effect of decision.effects) this.#begin(key, effect);
      if (decision.wakeAt !== null) this.#queue.wake(key, decision.wakeAt);
    } catch (error) {
      this.#handleFailed(key, error);
    }
  }

  /** Pure decisions over what the transaction reads. `concerned` takes the keys of what must look again. */
  async #decide(tx: Tx, key: Key, concerned: Key[]): Promise<Decision<Effect>> {
    const colon = key.indexOf(':');
    const kind = key.slice(0, colon);
    const id = key.slice(colon + 1);
    const now = this.#ports.clock.now();
    const none: Decision<Effect> = { writes: [], effects: [], wakeAt: null };
    switch (kind) {
      case 'run': {
        const run = await tx.read.runs.get(id);
        return run === null ? none : decideRun({ run, jobs: await jobsOf(tx.read, run) }, now);
      }
      case 'job': {
        const job = await tx.read.jobs.get(id);
        const run = job === null ? null : await tx.read.runs.get(job.runId);
        if (job === null || run === null) return none;
        const instance = job.instanceId === null ? null : await tx.read.instances.get(job.instanceId);
        return decideJob({ job, run, instance, linked: this.#links.link(job.instanceId) !== null }, now);
      }
      case 'instance': {
        const instance = await tx.read.instances.get(id);
        if (instance === null) return none;
        const openIntents = await tx.read.intents.find({ where: { instanceId: instance.id, status: 'open' } });
        concerned.push(...(await holders(tx, instance, openIntents)));
        const backend = this.#ports.backends.get(instance.projectId, instance.backend);
        return decideInstance(
          {
            instance,
            openIntents,
            linked: this.#links.link(instance.id) !== null,
            provisioningTimeoutMs: backend?.provisioningTimeoutMs ?? NO_BACKEND_TIMEOUT_MS,
          },
          now,
        );
      }
      case 'fleet': {
        const fleet = await tx.read.fleets.get(id);
        if (fleet === null) return none;
        const instances = await tx.read.instances.find({ where: { fleetId: fleet.id, status: { not: 'terminated' } } });
        return decideFleet({ fleet, instances }, now);
      }
      default: {
        const intent = await tx.read.intents.get(id);
        const instance = intent === null ? null : await tx.read.instances.get(intent.instanceId);
        if (intent === null || instance === null) return none;
        const openCreate =
          intent.kind === 'instance.create'
            ? null
            : await tx.read.intents.first({
                where: { instanceId: instance.id, kind: 'instance.create', status: 'open' },
              });
        return decideIntent({ intent, instance, openCreate }, now);
      }
    }
  }

  #begin(key: Key, effect: Effect): void {
    const wake = (at?: Millis): void => this.#queue.wake(key, at);
    const onAgent = { deadlineMs: timing.AGENT_REQUEST_DEADLINE_MS, backoff: timing.EFFECT_BACKOFF, wake };
    switch (effect.kind) {
      case 'place':
        return this.#effects.begin(
          `place:${effect.run.id}`,
          { ...onAgent, deadlineMs: 2 * timing.OFFERS_DEADLINE_MS },
          () => placeRun(this.#books, this.#ports, effect.run.id),
        );
      case 'start':
        return this.#effects.begin(`start:${effect.job.id}`, onAgent, (signal) =>
          this.#delivery.start(effect.run, effect.job, signal),
        );
      case 'submit':
        return this.#effects.begin(
          `submit:${effect.job.id}`,
          { ...onAgent, deadlineMs: timing.SEND_BLOB_DEADLINE_MS },
          (signal) => this.#delivery.submit(effect.job, effect.instance, signal),
        );
      case 'stop':
        return this.#effects.begin(`stop:${effect.job.id}`, onAgent, (signal) =>
          this.#delivery.stop(effect.job, effect.instance, effect.graceMs, signal),
        );
      case 'drain':
        return this.#effects.begin(
          `drain:${effect.job.id}`,
          { ...onAgent, deadlineMs: timing.DRAIN_LIMIT_MS },
          (signal) => this.#delivery.drain(effect.job, effect.instance, signal),
        );
      case 'link':
        return this.#links.ensure(effect.instance);
      case 'unlink':
        return this.#links.drop(effect.instance.id);
      case 'look':
        return this.#effects.begin(
          `look:${effect.instance.id}`,
          { deadlineMs: timing.TERMINATE_DEADLINE_MS, backoff: timing.INTENT_BACKOFF, wake },
          (signal) => this.#intents.look(effect.instance, signal),
        );
      case 'fill':
        return this.#effects.begin(
          `fill:${effect.fleet.id}`,
          { deadlineMs: 2 * timing.OFFERS_DEADLINE_MS, backoff: timing.FLEET_BACKOFF, wake },
          () => fillFleet(this.#books, this.#ports, effect.fleet.id, effect.missing),
        );
      case 'create':
      case 'terminate':
      case 'settle-by-looking':
        return this.#act(key, effect);
    }
  }

  /** One action at a time for each intent, whichever it is. */
  #act(key: Key, effect: IntentEffect): void {
    const { intent, instance } = effect;
    const deadlineMs = effect.kind === 'create' ? timing.CREATE_DEADLINE_MS : timing.TERMINATE_DEADLINE_MS;
    const wake = (at?: Millis): void => this.#queue.wake(key, at);
    this.#effects.begin(`act:${intent.id}`, { deadlineMs, backoff: timing.INTENT_BACKOFF, wake }, async (signal) => {
      if (effect.kind === 'create') await this.#intents.create(intent, instance, signal);
      else if (effect.kind === 'terminate') await this.#intents.terminate(intent, instance, signal);
      else await this.#intents.settleByLooking(intent, instance, signal);
    });
  }

  #wakeTouched(touched: readonly Touched[]): void {
    for (const { table, row } of touched) {
      switch (table) {
        case 'runs':
          this.#queue.wake(`run:${row.id satisfies RunId}`);
          break;
        case 'jobs':
          this.#queue.wake(`job:${row.id satisfies JobId}`);
          this.#queue.wake(`run:${row.runId}`);
          break;
        case 'instances':
          this.#queue.wake(`instance:${row.id satisfies InstanceId}`);
          if (row.fleetId !== null) this.#queue.wake(`fleet:${row.fleetId satisfies FleetId}`);
          break;
        case 'fleets':
          this.#queue.wake(`fleet:${row.id}`);
          break;
        case 'intents':
          // What it settled is seen by the instance; what it put off comes back at its time.
          this.#queue.wake(row.status === 'open' ? `intent:${row.id}` : `instance:${row.instanceId}`);
          break;
      }
    }
  }

  async #wakeOpenIntents(): Promise<void> {
    try {
      for (const row of await this.#ports.store.read.intents.find({ where: { status: 'open' } })) {
        this.#queue.wake(`intent:${row.id}`);
      }
    } catch (error) {
      this.#ports.log.warn('Open intents could not be read', { error: messageOf(error) });
    }
  }

  #handleFailed(key: Key, error: unknown): void {
    const now = this.#ports.clock.now();
    if (error instanceof StaleRow) {
      this.#queue.wake(key, now + 5);
      return;
    }
    const count = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, count);
    if (error instanceof StoreUnavailable) {
      if (error.reason === 'closed') return;
      if (this.#storeDownSince === null) {
        this.#storeDownSince = now;
        this.#ports.log.error('The database cannot be written; jobs go on, their agents keep what happens', {
          reason: error.reason,
          error: error.message,
        });
      }
    } else {
      this.#ports.log.error('A defect: something could not be decided', {
        key,
        error: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
    this.#queue.wake(key, now + timing.backoff(timing.STORE_BACKOFF, count));
  }

  async #storeIsBack(): Promise<void> {
    const since = this.#storeDownSince;
    if (since === null) return;
    this.#storeDownSince = null;
    const now = this.#ports.clock.now();
    this.#ports.log.info('The database can be written again', { seconds: Math.round((now - since) / 1000) });
    await this.#books.write(null, (tx) =>
      tx.event({
        projectId: null,
        kind: 'server.store-recovered',
        message: `The database could not be written for ${Math.round((now - since) / 1000)} s; nothing was lost`,
        targetKind: 'project',
        targetId: '',
        targetName: '',
        runId: null,
        details: { since, until: now },
      }),
    );
  }
}

/** An instance that changed concerns the jobs on it and the intents about it. */
async function holders(tx: Tx, instance: InstanceRow, openIntents: readonly { readonly id: IntentId }[]): Promise<Key[]> {
  const jobs = await tx.read.jobs.find({
    where: { instanceId: instance.id, status: { in: ['provisioning', 'pulling', 'running', 'terminating'] } },
  });
  return [...jobs.map((job): Key => `job:${job.id}`), ...openIntents.map((intent): Key => `intent:${intent.id}`)];
}
