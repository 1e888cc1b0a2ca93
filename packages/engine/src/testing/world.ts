/** A whole world in one process: store, clock, clouds and agents, with the real engine in the middle. */
import type { Logger } from '@berth/backend';
import {
  type FleetSpec,
  newId,
  type ProjectId,
  type Requirements,
  type RunSpec,
  Secret,
  type UserId,
  type WorkSpec,
} from '@berth/core';
import type { RunRow, Store } from '@berth/store';
import { openSqliteStore } from '@berth/store/sqlite';
import { createEngine } from '../create-engine.ts';
import type { Engine } from '../engine.ts';
import type { EnginePorts } from '../ports.ts';
import { SimAgents } from './sim-agent.ts';
import { SimClock, settle } from './sim-clock.ts';
import { SimCloud } from './sim-cloud.ts';

export interface World {
  readonly clock: SimClock;
  readonly store: Store;
  readonly clouds: SimCloud[];
  readonly cloud: SimCloud;
  readonly agents: SimAgents;
  readonly secrets: Map<string, Secret<string>>;
  readonly project: ProjectId;
  readonly user: UserId;
  readonly actor: { project: ProjectId; user: UserId };
  readonly logged: string[];
  engine: Engine;
  run(id: string): Promise<RunRow>;
  /** The engine dies without any farewell and another takes over. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

export async function makeWorld(
  options: { clouds?: (clock: SimClock) => SimCloud[]; store?: Store; seed?: number } = {},
): Promise<World> {
  const clock = new SimClock();
  const store = options.store ?? openSqliteStore({ path: ':memory:' });
  const clouds = options.clouds?.(clock) ?? [new SimCloud(clock)];
  const agents = new SimAgents(clock, clouds);
  const secrets = new Map<string, Secret<string>>();
  const logged: string[] = [];
  const note = (level: string) => (message: string, fields?: object) =>
    void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const log: Logger = { debug: () => {}, info: note('info'), warn: note('warn'), error: note('error') };
  const random = seeded(options.seed ?? 1);
  const project = newId<'ProjectId'>(clock.now(), random);
  const user = newId<'UserId'>(clock.now(), random);
  await store.transaction(async (tx) => {
    await tx.users.insert({
      id: user,
      name: 'ada',
      email: null,
      globalRole: 'admin',
      active: true,
      createdAt: clock.now(),
    });
    await tx.projects.insert({ id: project, name: 'main', ownerId: user, createdAt: clock.now(), deletedAt: null });
  });
  let epoch = 0;
  const ports = (): EnginePorts => {
    const mine = ++epoch;
    // Timers and reports of an engine that has crashed never fire.
    const alive = (): boolean => mine === epoch;
    return {
      store,
      clock: { now: () => clock.now(), after: (ms, run) => clock.after(ms, () => alive() && run()) },
      random,
      log,
      backends: {
        usable: () => clouds.map((cloud) => cloud.backend()),
        get: (_project, name) => clouds.find((cloud) => cloud.name === name)?.backend() ?? null,
        onChange: () => () => {},
      },
      agents,
      sealer: { seal: (plain) => `sealed:${plain.reveal()}`, open: (sealed) => new Secret(sealed.slice(7)) },
      installation: 'test',
      bootstrap: (instance) => ({ kind: 'process', argv: [], env: {}, socketPath: instance, dir: instance }),
      secrets: async () => secrets,
    };
  };
  const world: World = {
    clock,
    store,
    clouds,
    cloud: clouds[0] ?? new SimCloud(clock),
    agents,
    secrets,
    project,
    user,
    actor: { project, user },
    logged,
    engine: createEngine(ports()),
    run: async (id) => {
      const row = await store.read.runs.get(id);
      if (row === null) throw new Error(`no run ${id}`);
      return row;
    },
    crash: async () => {
      world.engine = createEngine(ports());
      for (const agent of agents.agents.values()) agent.cut('the server died');
      await settle();
      await world.engine.start();
    },
    close: async () => {
      await world.engine.stop();
      await store.close();
    },
  };
  await world.engine.start();
  return world;
}

export const ANY: Requirements = {
  cpu: { min: 1, max: null },
  cpuArch: null,
  memoryMiB: { min: 0, max: null },
  diskMiB: null,
  shmMiB: null,
  gpu: null,
  capacityTypes: ['on-demand', 'spot', 'reserved'],
  maxPricePerHour: null,
  backends: null,
  regions: null,
  zones: null,
  instanceTypes: null,
};

export function taskSpec(spec: Partial<Omit<RunSpec, 'work'>> & { work?: Partial<WorkSpec> } = {}): RunSpec {
  return {
    name: 'task',
    type: 'task',
    configuration: { type: 'task', name: spec.name ?? 'task' },
    nodes: 1,
    startupOrder: 'any',
    stopCriteria: 'all-done',
    retry: null,
    requirements: ANY,
    creationPolicy: 'reuse-or-create',
    idleDurationMs: 300_000,
    fleets: null,
    priority: 0,
    tags: {},
    ...spec,
    work: {
      image: null,
      registryAuth: null,
      entrypoint: null,
      commands: ['true'],
      shell: 'sh',
      env: {},
      user: null,
      workingDir: null,
      privileged: false,
      shmMiB: null,
      ports: [],
      mounts: [],
      maxDurationMs: null,
      stopDurationMs: 10_000,
      code: null,
      files: [],
      artifacts: [],
      ...spec.work,
    },
  };
}

export function fleetSpec(spec: Partial<FleetSpec> = {}): FleetSpec {
  return {
    name: 'pool',
    configuration: { type: 'fleet', name: spec.name ?? 'pool' },
    nodes: { min: 0, target: 0, max: null },
    placement: 'any',
    requirements: ANY,
    idleDurationMs: 300_000,
    tags: {},
    ...spec,
  };
}

/** Mulberry32: small, and the same everywhere. */
export function seeded(seed: number): (length: number) => Uint8Array {
  let state = seed >>> 0;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) & 255;
    });
}
