/**
 * A random history from a seed: people apply and stop, servers crash, clouds and agents misbehave, time
 * jumps. Afterwards everything is healed and time passes; then what must always be true is checked.
 */
import { isInstanceAlive, isRunFinished, RETRY_EVENTS } from '@berth/core';
import type { FleetRow, InstanceRow, RunRow, Store } from '@berth/store';
import { wrongAtLast, wrongNow } from './invariants.ts';
import { MemoryStore } from './memory-store.ts';
import { Seeded } from './seeded.ts';
import type { Behaviour, SimAgent } from './sim-agent.ts';
import { SimCloud } from './sim-cloud.ts';
import { fleetSpec, taskSpec } from './specs.ts';
import { World } from './world.ts';

export interface History {
  readonly seed: number;
  /** What was done, in words. */
  readonly steps: readonly string[];
  /** Empty: all is well. */
  readonly wrong: readonly string[];
  /** What everything came to, in words. */
  readonly outcome: readonly string[];
}

const MINUTE = 60_000;

/** @param store what the server stands on; the same history on any */
export async function playHistory(
  seed: number,
  length: number,
  store: () => Store = () => new MemoryStore(),
): Promise<History> {
  const world = await World.make({
    seed,
    store: store(),
    clouds: (clock) => [
      new SimCloud(clock, 'east', [
        { instanceType: 'small', pricePerHour: 1 },
        { instanceType: 'spot', pricePerHour: 0.5, capacityType: 'spot' },
      ]),
      new SimCloud(clock, 'west', [{ instanceType: 'large', region: 'r2', pricePerHour: 3 }]),
    ],
  });
  const player = new Player(world, new Seeded(seed ^ 0x5bd1e995));
  const wrong: string[] = [];
  for (let step = 0; step < length && wrong.length === 0; step++) {
    await player.step();
    wrong.push(...(await wrongNow(world)));
  }
  if (wrong.length === 0) {
    await player.heal();
    wrong.push(...(await wrongAtLast(world)));
  }
  const outcome = await outcomeOf(world);
  if (wrong.length === 0) await world.close();
  return { seed, steps: player.steps, wrong, outcome };
}

/** The shortest beginning of a history that goes wrong in some way. */
export async function shortest(history: History): Promise<History> {
  for (let length = 1; length < history.steps.length; length++) {
    const shorter = await playHistory(history.seed, length);
    if (shorter.wrong.length > 0) return shorter;
  }
  return history;
}

async function outcomeOf(world: World): Promise<string[]> {
  const { runs, jobs, instances, events } = world.store.read;
  return [
    ...(await runs.find()).map((row) => `${row.name} ${row.status} ${row.endReason} ${row.finishedAt} ${row.message}`),
    ...(await jobs.find()).map((row) => `${row.id} ${row.status} ${row.endReason} ${row.finishedAt} ${row.message}`),
    ...(await instances.find()).map((row) => `${row.name} ${row.status} ${row.endReason} ${row.terminatedAt}`),
    `${await events.count()} events`,
  ];
}

class Player {
  readonly steps: string[] = [];
  readonly #world: World;
  readonly #chance: Seeded;
  #names = 0;
  /** What the job of which run does. */
  readonly #behaviours = new Map<string, Behaviour>();

  constructor(world: World, chance: Seeded) {
    this.#world = world;
    this.#chance = chance;
    world.agents.behave = ({ run, env }) => {
      const behaviour = this.#behaviours.get(run) ?? { afterMs: 1_000 };
      // A job that fails for ever after a long time is retried for ever, and rightly so.
      return Number(env.BERTH_SUBMISSION_NUM) > 1 ? { afterMs: behaviour.afterMs } : behaviour;
    };
  }

  async step(): Promise<void> {
    const moves: readonly (readonly [number, () => Promise<string | null>])[] = [
      [10, () => this.#apply()],
      [4, () => this.#stop()],
      [2, () => this.#applyFleet()],
      [1, () => this.#deleteFleet()],
      [1, () => this.#deleteInstance()],
      [4, () => this.#crash()],
      [4, () => this.#doom()],
      [5, () => this.#breakCloud()],
      [3, () => this.#changeCloud()],
      [2, () => this.#killMachine()],
      [6, () => this.#breakAgent()],
      [2, () => this.#breakStore()],
      [1, () => this.#setClock()],
    ];
    let ticket = this.#chance.next() * moves.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, move] of moves) {
      ticket -= weight;
      if (ticket >= 0) continue;
      const said = await move();
      if (said !== null) this.steps.push(said);
      break;
    }
    // From a millisecond to half an hour, all sizes alike.
    const ms = Math.floor(Math.exp(this.#chance.next() * Math.log(30 * MINUTE)));
    this.steps.push(`${ms} ms pass`);
    await this.#world.advance(ms);
  }

  /** Nothing goes wrong any more, everything that never ends by itself is stopped, and time passes. */
  async heal(): Promise<void> {
    const { agents, clouds, store, actor } = this.#world;
    store.failing = () => false;
    agents.unreachable.clear();
    for (const agent of agents.all.values()) {
      agent.faults.submit.length = 0;
      agent.faults.logComplete.length = 0;
      agent.faults.fetchArtifacts.length = 0;
    }
    for (const cloud of clouds) {
      for (const faults of Object.values(cloud.faults)) faults.length = 0;
      cloud.offersFault = null;
      cloud.capacity = Number.POSITIVE_INFINITY;
      cloud.capacityOf.clear();
      cloud.addressAfterMs = 0;
      cloud.usable = true;
    }
    for (const listener of this.#world.backendListeners) listener(this.#world.project);
    await this.#world.advance(MINUTE);
    for (const run of await this.#liveRuns()) {
      if (this.#behaviours.get(run.id)?.afterMs === null)
        await this.#world.insist(() => this.#world.engine.stopRun(actor, run.id, false));
    }
    // Retries of an hour, machines that cannot be reached for ten minutes, clouds that take their time.
    for (let hour = 0; hour < 5; hour++) await this.#world.advance(60 * MINUTE);
  }

  async #apply(): Promise<string> {
    const chance = this.#chance;
    const nodes = chance.pick([1, 1, 1, 2, 3]);
    const name = `run-${this.#names++}`;
    const fleets = (await this.#liveFleets()).filter(() => chance.chance(0.5)).map((fleet) => fleet.name);
    const spec = taskSpec({
      name,
      nodes,
      startupOrder: chance.pick(['any', 'master-first', 'workers-first']),
      stopCriteria: chance.pick(['all-done', 'master-done']),
      retry: chance.chance(0.5)
        ? null
        : { onEvents: RETRY_EVENTS.filter(() => chance.chance(0.7)), durationMs: chance.pick([MINUTE, 60 * MINUTE]) },
      priority: chance.pick([0, 0, 50]),
      creationPolicy: chance.pick(['reuse-or-create', 'reuse-or-create', 'reuse-or-create', 'reuse']),
      idleDurationMs: chance.pick([0, MINUTE, 5 * MINUTE]),
      fleets: fleets.length === 0 ? null : fleets,
      work: { stopDurationMs: chance.pick([1_000, 30_000]) },
    });
    const { engine, actor } = this.#world;
    const run = await this.#try(() => engine.applyRun(actor, spec, undefined));
    if (run === null) return `apply ${name} is refused`;
    const behaviour: Behaviour = {
      afterMs: chance.pick([0, 1_000, MINUTE, 20 * MINUTE, null]),
      exitStatus: chance.pick([0, 0, 0, 1]),
      whenStopped: chance.pick(['ends', 'ends', 'lingers', 'ignores']),
      artifacts: chance.chance(0.3),
      ...(chance.chance(0.1) ? { cannotPrepare: chance.pick(['image-error', 'setup-error']) } : {}),
    };
    this.#behaviours.set(run.id, behaviour);
    return `apply ${name}: ${JSON.stringify({ nodes, ...pickSpec(spec), ...behaviour })}`;
  }

  async #stop(): Promise<string | null> {
    const runs = await this.#liveRuns();
    if (runs.length === 0) return null;
    const run = this.#chance.pick(runs);
    const abort = this.#chance.chance(0.3);
    const { engine, actor } = this.#world;
    await this.#try(() => engine.stopRun(actor, run.id, abort));
    return `${abort ? 'abort' : 'stop'} ${run.name}`;
  }

  async #applyFleet(): Promise<string> {
    const min = this.#chance.pick([0, 0, 1, 2]);
    const target = min + this.#chance.pick([0, 1]);
    const name = this.#chance.pick(['pool', 'reserve']);
    const spec = fleetSpec({ name, nodes: { min, target, max: target + 1 }, idleDurationMs: 5 * MINUTE });
    const { engine, actor } = this.#world;
    const fleet = await this.#try(() => engine.applyFleet(actor, spec, undefined));
    return `apply fleet ${name} ${min}..${target + 1}${fleet === null ? ' is refused' : ''}`;
  }

  async #deleteFleet(): Promise<string | null> {
    const fleets = await this.#liveFleets();
    if (fleets.length === 0) return null;
    const fleet = this.#chance.pick(fleets);
    const { engine, actor } = this.#world;
    const done = await this.#try(() => engine.deleteFleet(actor, fleet.id));
    return `delete fleet ${fleet.name}${done === null ? ' is refused' : ''}`;
  }

  async #deleteInstance(): Promise<string | null> {
    const rows = await this.#liveInstances();
    if (rows.length === 0) return null;
    const row = this.#chance.pick(rows);
    const { engine, actor } = this.#world;
    const done = await this.#try(() => engine.deleteInstance(actor, row.id));
    return `delete instance ${row.name}${done === null ? ' is refused' : ''}`;
  }

  async #crash(): Promise<string> {
    await this.#world.crash();
    return 'the server crashes';
  }

  async #doom(): Promise<string> {
    const commit = this.#chance.between(1, 12);
    const death = this.#chance.chance(0.5) ? { before: commit } : { after: commit };
    this.#world.life.doom(death);
    return `the server will crash ${JSON.stringify(death)}`;
  }

  async #breakCloud(): Promise<string> {
    const cloud = this.#chance.pick(this.#world.clouds);
    const call = this.#chance.pick(['create', 'create', 'list', 'terminate'] as const);
    const faults = {
      create: ['fails-before', 'succeeds-then-times-out', 'no-capacity', 'auth', 'hangs'],
      list: ['fails-before', 'hangs', 'late'],
      terminate: ['fails-before', 'succeeds-then-times-out', 'ignored', 'hangs', 'auth'],
    } as const;
    const fault = this.#chance.pick<(typeof faults)[typeof call][number]>(faults[call]);
    const times = this.#chance.between(1, 3);
    for (let i = 0; i < times; i++) cloud.faults[call].push(fault);
    return `${cloud.name}: ${call} ${fault}, ${times} times`;
  }

  async #changeCloud(): Promise<string> {
    const cloud = this.#chance.pick(this.#world.clouds);
    switch (this.#chance.between(0, 4)) {
      case 0:
        cloud.capacity = this.#chance.pick([0, 1, 2, Number.POSITIVE_INFINITY]);
        return `${cloud.name}: capacity ${cloud.capacity}`;
      case 1:
        cloud.offersFault = this.#chance.pick(['fails', 'hangs', 'slow', null]);
        return `${cloud.name}: offers ${cloud.offersFault}`;
      case 2:
        cloud.addressAfterMs = this.#chance.pick([0, 20_000, 15 * MINUTE]);
        return `${cloud.name}: addresses after ${cloud.addressAfterMs} ms`;
      case 3:
        cloud.terminateTakesMs = this.#chance.pick([0, 30_000]);
        return `${cloud.name}: terminations take ${cloud.terminateTakesMs} ms`;
      default:
        cloud.usable = !cloud.usable;
        for (const listener of this.#world.backendListeners) listener(this.#world.project);
        return `${cloud.name} is ${cloud.usable ? '' : 'not '}configured`;
    }
  }

  async #killMachine(): Promise<string | null> {
    const machines = this.#world.clouds.flatMap((cloud) => cloud.alive.map((machine) => ({ cloud, machine })));
    if (machines.length === 0) return null;
    const { cloud, machine } = this.#chance.pick(machines);
    cloud.kill(machine.token);
    return `machine ${machine.token} dies`;
  }

  async #breakAgent(): Promise<string | null> {
    const tokens = [...this.#world.agents.all.keys()];
    if (tokens.length === 0) return null;
    const token = this.#chance.pick(tokens);
    return `agent ${token}: ${this.#harm(token, this.#world.agents.of(token))}`;
  }

  #harm(token: string, agent: SimAgent): string {
    const { unreachable } = this.#world.agents;
    switch (this.#chance.between(0, 5)) {
      case 0:
        agent.cut();
        return 'link cut';
      case 1: {
        const jobs = this.#chance.pick(['live', 'die', 'forgotten', 'keeps-started'] as const);
        agent.restart(jobs);
        return `restarted, jobs ${jobs}`;
      }
      case 2:
        unreachable.add(token);
        agent.cut();
        return 'unreachable';
      case 3:
        unreachable.clear();
        return 'all reachable';
      case 4:
        agent.faults.submit.push(this.#chance.pick(['hangs', 'refuses']));
        return 'next submission fails';
      default:
        agent.faults.logComplete.push(this.#chance.pick(['hangs', 'fails']));
        agent.faults.fetchArtifacts.push(this.#chance.pick(['fails', 'not-found']));
        return 'next log and artifacts fail';
    }
  }

  async #breakStore(): Promise<string> {
    const every = this.#chance.pick([0, 2, 5, 10]);
    this.#world.store.failing = (write) => every > 0 && write % every === 0;
    return every === 0 ? 'the store is well' : `one of ${every} writes fails`;
  }

  async #setClock(): Promise<string> {
    const ms = this.#chance.pick([-60 * MINUTE, -MINUTE, 60 * MINUTE]);
    this.#world.clock.step(ms);
    // A list that hides a new machine while the clock makes it look old: more than anybody can see through.
    for (const { faults } of this.#world.clouds) {
      faults.list.splice(0, faults.list.length, ...faults.list.filter((fault) => fault !== 'late'));
    }
    return `the clock is set by ${ms} ms`;
  }

  /** Null: refused, or nobody was there to answer. */
  async #try<T>(ask: () => Promise<T>): Promise<T | null> {
    let answer: T | null = null;
    ask().then(
      (value) => {
        answer = value;
      },
      () => {},
    );
    await this.#world.advance(1);
    return answer;
  }

  async #liveRuns(): Promise<RunRow[]> {
    return (await this.#world.store.read.runs.find()).filter((run) => !isRunFinished(run.status));
  }

  async #liveFleets(): Promise<FleetRow[]> {
    return this.#world.store.read.fleets.find({ where: { live: true } });
  }

  async #liveInstances(): Promise<InstanceRow[]> {
    return (await this.#world.store.read.instances.find()).filter((row) => isInstanceAlive(row.status));
  }
}

function pickSpec(spec: ReturnType<typeof taskSpec>): object {
  const { startupOrder, stopCriteria, retry, creationPolicy, idleDurationMs, fleets } = spec;
  return { startupOrder, stopCriteria, retry, creationPolicy, idleDurationMs, fleets };
}
