/** The real engine on a real store and the machine's own clock, with a simulated cloud and simulated agents around it. */
import { randomFillSync } from 'node:crypto';
import type { BackendContext } from '@berth/backend';
import type { Latency } from '@berth/backend/sim/latency';
import { Seeded } from '@berth/backend/sim/seeded';
import { simBackend } from '@berth/backend/sim/sim-backend';
import { REAL_TIME } from '@berth/backend/sim/sim-clock';
import { SIM_KEY, SimCloud } from '@berth/backend/sim/sim-cloud';
import { isBilled, stateAt } from '@berth/backend/sim/sim-machine';
import { newId, type RunId, Secret } from '@berth/core';
import type { Actor, AgentReport, EnginePorts, UsableBackend } from '@berth/engine';
import { KeyedEngine } from '@berth/engine/create-engine';
import { SimAgent } from '@berth/engine/testing/sim-agent';
import { taskSpec } from '@berth/engine/testing/specs';
import type { Store } from '@berth/store';
import type { Result } from './harness.ts';
import { type Mark, RunWatch } from './run-watch.ts';

const INSTALLATION = 'b0b0b0b0b0b0';

export interface EngineWorldOptions {
  readonly store: Store;
  /** From the start of a job to its end; null: it runs until it is ended. */
  readonly jobMs: number | null;
  /** What the cloud takes for a machine; left out: nothing. */
  readonly machineTakes?: { readonly create: Latency; readonly boot: Latency };
}

/** What was asked of the cloud, and when it had done it; times of `performance.now()`. */
interface Creation {
  readonly askedAt: number;
  answeredAt: number;
}

export class EngineWorld {
  readonly engine: KeyedEngine;
  readonly cloud: SimCloud;
  readonly agents = new Map<string, SimAgent>();
  readonly actor: Actor;
  /** Called when the engine has stored a report. */
  onStored: (report: AgentReport) => void = () => {};
  readonly #watch: RunWatch;
  /** By token. */
  readonly #creations = new Map<string, Creation>();
  readonly #store: Store;
  readonly #options: EngineWorldOptions;
  #names = 0;

  private constructor(options: EngineWorldOptions) {
    this.#store = options.store;
    this.#options = options;
    this.cloud = new SimCloud({
      time: REAL_TIME,
      random: new Seeded(1),
      agentStart: 'process',
    });
    if (options.machineTakes !== undefined) {
      this.cloud.latency.create = options.machineTakes.create;
      this.cloud.times.boot = options.machineTakes.boot;
    }
    this.#watch = new RunWatch(options.store);
    this.actor = { project: newId<'ProjectId'>(Date.now(), bytes), user: newId<'UserId'>(Date.now(), bytes) };
    this.engine = new KeyedEngine(this.#ports());
  }

  static async make(options: EngineWorldOptions): Promise<EngineWorld> {
    const world = new EngineWorld(options);
    const { project, user } = world.actor;
    const createdAt = Date.now();
    await options.store.transaction(async (tx) => {
      await tx.users.insert({ id: user, name: 'bench', email: null, globalRole: 'admin', active: true, createdAt });
      await tx.projects.insert({ id: project, name: 'bench', ownerId: user, createdAt, deletedAt: null });
    });
    await world.engine.start();
    return world;
  }

  /** Applies a run that differs from all others in its name only, and that takes machines which are idle. */
  async apply(): Promise<RunId> {
    this.#names += 1;
    const spec = taskSpec({ name: `run-${this.#names}`, idleDurationMs: 60 * 60_000 });
    return (await this.engine.applyRun(this.actor, spec, null)).id;
  }

  /** When it was on the books that the run has come so far, by `performance.now()`. */
  reached(run: RunId, mark: Mark): Promise<number> {
    return this.#watch.reached(run, mark);
  }

  /** How long the cloud itself took for a machine: from the request to the answer, and to a machine that runs. */
  cloudMs(token: string): number {
    const creation = this.#creations.get(token);
    const machine = this.cloud.ofToken(token);
    const running = machine?.history.find(({ state }) => state === 'running');
    if (creation === undefined || running === undefined) throw new Error(`The cloud has made no machine for ${token}.`);
    // The clock that people set, and the one that measures.
    const runningAt = running.at - performance.timeOrigin;
    return Math.max(creation.answeredAt, runningAt) - creation.askedAt;
  }

  async close(): Promise<void> {
    this.#watch.stop();
    await this.engine.stop();
    await this.#store.close();
  }

  agentOf(token: string): SimAgent {
    let agent = this.agents.get(token);
    if (agent === undefined) {
      agent = new SimAgent(REAL_TIME, {
        preparingMs: () => 0,
        behave: () => ({ afterMs: this.#options.jobMs }),
        onStart: () => {},
        onCall: () => {},
      });
      this.agents.set(token, agent);
    }
    return agent;
  }

  #ports(): EnginePorts {
    const silent = { debug() {}, info() {}, warn() {}, error: console.error };
    const context = {
      name: 'sim',
      installation: INSTALLATION,
      credentials: { api_key: new Secret(SIM_KEY) },
      config: {},
    } as unknown as BackendContext<unknown, unknown>; // all that the simulated backend looks at
    const compute = simBackend(this.cloud, { facets: [] }).compute(context);
    const backend: UsableBackend = {
      name: 'sim',
      type: 'sim',
      facets: [],
      provisioningTimeoutMs: 600_000,
      kind: 'vm',
      agentStart: 'process',
      compute: {
        ...compute,
        create: async (request, call) => {
          const creation: Creation = { askedAt: performance.now(), answeredAt: Number.POSITIVE_INFINITY };
          this.#creations.set(request.token, creation);
          const made = await compute.create(request, call);
          creation.answeredAt = performance.now();
          return made;
        },
      },
      offers: async () => this.cloud.offers,
      forgetOffers: () => {},
    };
    return {
      store: this.#store,
      clock: REAL_TIME,
      random: bytes,
      log: silent,
      backends: { usable: () => [backend], get: () => backend, onChange: () => () => {} },
      agents: {
        maxAssignmentBytes: 1024 * 1024,
        connect: async (target, handlers) => {
          if (target.address.kind !== 'unix') throw new Error('Simulated agents have paths.');
          const { path: token } = target.address;
          const machine = this.cloud.ofToken(token);
          if (machine === null || !isBilled(machine) || stateAt(machine, Date.now()) !== 'running') {
            throw new Error('Nobody answers.');
          }
          const report: typeof handlers.report = async (seq, at, what) => {
            await handlers.report(seq, at, what);
            this.onStored(what);
          };
          return this.agentOf(token).connect({ ...handlers, report }, target.resumeAfter);
        },
      },
      sealer: { seal: (plain) => plain.reveal(), open: (sealed) => new Secret(sealed) },
      installation: INSTALLATION,
      agentStart: (instance) => ({ kind: 'process', argv: [], env: {}, socketPath: instance, dir: instance }),
      secrets: async () => new Map(),
    };
  }
}

/** From a pool, as `node:crypto` takes its own. */
const pool = new Uint8Array(16 * 1024);
let used = pool.length;

function bytes(length: number): Uint8Array {
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += length;
  return pool.slice(used - length, used);
}

/** What a part of the benchmark gets. */
export interface PartContext {
  readonly store: Store;
  readonly runs: number;
  progress(message: string): void;
}

export type Part = (context: PartContext) => Promise<readonly Result[]>;
