/** A whole world in one process: store, clock, clouds and agents, with the real engine in the middle. */
import type { Compute, Logger } from '@berth/backend';
import { type JobId, newId, type ProjectId, Secret, type UserId } from '@berth/core';
import {
  type EventRow,
  type FleetRow,
  type InstanceRow,
  type JobRow,
  type RunRow,
  type Store,
  StoreUnavailable,
} from '@berth/store';
import { openSqliteStore } from '@berth/store/sqlite';
import { KeyedEngine } from '../create-engine.ts';
import type { Actor, Engine } from '../engine.ts';
import { Leases } from '../leases.ts';
import type { EnginePorts, UsableBackend } from '../ports.ts';
import { Life } from './life.ts';
import { Seeded } from './seeded.ts';
import { SimAgents } from './sim-agents.ts';
import { SimClock, settle } from './sim-clock.ts';
import { SimCloud } from './sim-cloud.ts';
import { taskSpec } from './specs.ts';
import { WatchedStore } from './watched-store.ts';

export interface WorldOptions {
  readonly clouds?: (clock: SimClock) => SimCloud[];
  readonly seed?: number;
  /** What it stands on; SQLite in memory unless given. */
  readonly store?: Store;
  /** The lanes are leased, so that other servers can join (`SimServer`). */
  readonly leased?: boolean;
  /** Only defects are logged: what is said besides costs time. */
  readonly quiet?: boolean;
}

export class World {
  readonly clock = new SimClock();
  readonly store: WatchedStore;
  readonly clouds: readonly SimCloud[];
  readonly agents: SimAgents;
  readonly secrets = new Map<string, Secret<string>>();
  readonly actor: Actor;
  readonly logged: string[] = [];
  /** Why no agent can be started anywhere; null: it can. */
  cannotStart: string | null = null;
  readonly random: Seeded;
  readonly backendListeners = new Set<(project: ProjectId) => void>();
  readonly #leased: boolean;
  readonly #quiet: boolean;
  /** Timers that have run: each with all that it caused, up to the next rest. */
  timersRun = 0;
  /** The world's own server dies after so many more of them. */
  crashAfterEvents: number | null = null;
  /** Of the world's own server, where there are several. */
  leases: Leases | null;
  engine: KeyedEngine;
  life: Life;

  private constructor(options: WorldOptions) {
    this.store = new WatchedStore(options.store ?? openSqliteStore({ path: ':memory:' }), () => this.clock.elapsed);
    this.clouds = options.clouds?.(this.clock) ?? [new SimCloud(this.clock)];
    this.agents = new SimAgents(this.clock, this.clouds);
    this.random = new Seeded(options.seed ?? 1);
    this.actor = {
      project: newId<'ProjectId'>(this.clock.now(), this.random.bytes),
      user: newId<'UserId'>(this.clock.now(), this.random.bytes),
    };
    this.#leased = options.leased ?? false;
    this.#quiet = options.quiet ?? false;
    this.life = new Life();
    const ports = this.portsOf(this.life);
    this.leases = ports.lanes ?? null;
    this.engine = new KeyedEngine(ports);
  }

  static async make(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    const { project, user } = world.actor;
    const createdAt = world.clock.now();
    await world.store.transaction(async (tx) => {
      await tx.users.insert({ id: user, name: 'ada', email: null, globalRole: 'admin', active: true, createdAt });
      await tx.projects.insert({ id: project, name: 'main', ownerId: user, createdAt, deletedAt: null });
    });
    await world.engine.start();
    return world;
  }

  /** The first cloud, for worlds that have one. */
  get cloud(): SimCloud {
    const [cloud] = this.clouds;
    if (cloud === undefined) throw new Error('This world has no cloud.');
    return cloud;
  }

  get project(): ProjectId {
    return this.actor.project;
  }

  get user(): UserId {
    return this.actor.user;
  }

  /** Lets time pass. A server that dies meanwhile is started again at once. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms, () => {
      this.timersRun += 1;
      if (this.crashAfterEvents !== null && --this.crashAfterEvents <= 0) {
        this.crashAfterEvents = null;
        this.life.end();
      }
      return this.life.alive && this.store.isQuiet ? undefined : this.#rest();
    });
  }

  /** A store on disk has its own turns, and a dead server is started again. */
  async #rest(): Promise<void> {
    await this.store.quiet();
    if (!this.life.alive) await this.boot();
    await this.store.quiet();
  }

  /** The server dies without any farewell and another takes over. */
  async crash(): Promise<void> {
    this.life.end();
    await this.boot();
  }

  /** A new server over the store of the old one. */
  async boot(): Promise<void> {
    this.life.end();
    const { life } = this;
    for (const agent of this.agents.all.values()) agent.hangUp((handlers) => life.listens(handlers));
    await settle();
    this.life = new Life();
    const ports = this.portsOf(this.life);
    this.leases = ports.lanes ?? null;
    this.engine = new KeyedEngine(ports);
    try {
      await this.engine.start();
    } catch (error) {
      // As a process that ends because it cannot sign in: whoever watches over it starts it again.
      if (!(error instanceof StoreUnavailable)) throw error;
      this.life.end();
    }
    await settle();
  }

  /** Asks until a server lives long enough to answer. */
  async insist<T>(ask: (engine: Engine) => Promise<T>): Promise<T> {
    for (;;) {
      const life = this.life;
      let answer: (() => T) | null = null;
      ask(this.engine).then(
        (value) => {
          answer = () => value;
        },
        (error: unknown) => {
          answer = () => {
            throw error;
          };
        },
      );
      while (answer === null && life === this.life) await this.advance(1);
      // TypeScript believes that nobody has assigned it.
      const heard = answer as (() => T) | null;
      if (heard !== null) return heard();
    }
  }

  async close(): Promise<void> {
    const stopped = this.engine.stop();
    await this.clock.advance(60_000);
    await stopped;
    await this.store.close();
  }

  async run(id: string): Promise<RunRow> {
    return present(await this.store.read.runs.get(id), id);
  }

  async fleet(id: string): Promise<FleetRow> {
    return present(await this.store.read.fleets.get(id), id);
  }

  /** By submission and node. */
  async jobs(run: { readonly id: RunRow['id'] }): Promise<JobRow[]> {
    const jobs = await this.store.read.jobs.find({ where: { runId: run.id } });
    return jobs.sort((a, b) => a.submission - b.submission || a.node - b.node);
  }

  /** Applies a task and returns its run. */
  async apply(spec: Parameters<typeof taskSpec>[0] = {}): Promise<RunRow> {
    return this.engine.applyRun(this.actor, taskSpec(spec), null);
  }

  /** The only job of a run of one node, of the latest submission. */
  async job(run: { readonly id: RunRow['id'] }): Promise<JobRow> {
    const jobs = await this.jobs(run);
    return present(jobs.at(-1), run.id);
  }

  /** The oldest first. */
  instances(): Promise<InstanceRow[]> {
    return this.store.read.instances.find();
  }

  async events(kind: string): Promise<EventRow[]> {
    return this.store.read.events.find({ where: { kind } });
  }

  /** How often the job was started at an agent. */
  starts(job: JobId): number {
    return this.agents.started.get(job)?.length ?? 0;
  }

  /** What a server has around it, as long as it lives. */
  portsOf(life: Life): EnginePorts & { readonly lanes?: Leases } {
    const { clock, agents, secrets, random, backendListeners } = this;
    const computes = new Map(this.clouds.map((cloud) => [cloud, during(life, cloud)]));
    const backendOf = (cloud: SimCloud): UsableBackend => {
      const backend = cloud.backend();
      return { ...backend, compute: computes.get(cloud) ?? backend.compute };
    };
    const own = {
      store: life.over(this.store),
      clock: { now: () => clock.now(), after: (ms: number, run: () => void) => clock.after(ms, () => life.hear(run)) },
      random: random.bytes,
      log: this.#log(),
    };
    return {
      ...own,
      ...(this.#leased
        ? { lanes: new Leases({ ...own, elapsed: () => clock.elapsed, host: 'simulated', pid: 1 }) }
        : {}),
      backends: {
        usable: () => this.clouds.filter((cloud) => cloud.usable).map(backendOf),
        get: (_project, name) => {
          const cloud = this.clouds.find((candidate) => candidate.name === name && candidate.usable);
          return cloud === undefined ? null : backendOf(cloud);
        },
        onChange: (listener) => {
          backendListeners.add(listener);
          return () => backendListeners.delete(listener);
        },
      },
      agents: {
        maxAssignmentBytes: agents.maxAssignmentBytes,
        connect: (target, handlers, signal) => life.pass(agents.connect(target, life.ears(handlers), signal)),
      },
      sealer: { seal: (plain) => `sealed:${plain.reveal()}`, open: (sealed) => new Secret(sealed.slice(7)) },
      installation: 'test',
      agentStart: (instance) => {
        if (this.cannotStart !== null) throw new Error(this.cannotStart);
        return { kind: 'process', argv: [], env: {}, socketPath: instance, dir: instance };
      },
      secrets: async () => secrets,
    };
  }

  #log(): Logger {
    const note =
      (level: string): Logger['info'] =>
      (message, fields) => {
        if (this.#quiet && level !== 'error' && !message.includes('unexpected')) return;
        this.logged.push(`${level}: ${message} ${JSON.stringify(fields ?? {})}`);
      };
    return { debug: () => {}, info: note('info'), warn: note('warn'), error: note('error') };
  }
}

/** The cloud's calls, heard as long as the server lives. What was asked for happens all the same. */
function during(life: Life, cloud: SimCloud): Compute {
  const { create, list, terminate, bootstrap, ...others } = cloud.backend().compute;
  return {
    ...others,
    create: (request, call) => life.pass(create(request, call)),
    list: (call) => life.pass(list(call)),
    terminate: (ref, call) => life.pass(terminate(ref, call)),
    ...(bootstrap === undefined
      ? {}
      : {
          bootstrap: {
            whenUnused: bootstrap.whenUnused,
            ensure: (region, call) => life.pass(bootstrap.ensure(region, call)),
            remove: (region, shared, call) => life.pass(bootstrap.remove(region, shared, call)),
          },
        }),
  };
}

function present<T>(row: T | null | undefined, id: string): T {
  if (row === null || row === undefined) throw new Error(`There is no ${id}.`);
  return row;
}
