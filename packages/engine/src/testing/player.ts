/** Does to a world what the moves of a history say. What is refused, or has nobody to be done to, passes. */

import { machineName, ownerTags } from '@berth/backend';
import { Seeded } from '@berth/backend/sim/seeded';
import { isInstanceAlive, isRunFinished } from '@berth/core';
import { harm } from './harm-agent.ts';
import { hold } from './hold.ts';
import type { Move, Stranger } from './moves.ts';
import { setCloud } from './set-cloud.ts';
import type { Behaviour } from './sim-agent.ts';
import { type SimCloud, TEST_INSTALLATION } from './sim-cloud.ts';
import { SimServer } from './sim-server.ts';
import { fleetSpec, taskSpec } from './specs.ts';
import type { World } from './world.ts';

type Of<D extends Move['do']> = Extract<Move, { readonly do: D }>;

/** A machine that nobody here has made. */
export interface Planted {
  readonly whose: Stranger;
  readonly cloud: SimCloud;
  readonly cloudId: string;
}

export class Player {
  /** What runs are to do, by the run's name. */
  readonly behaviours = new Map<string, Behaviour>();
  /** Names of runs of which a server said that they are applied. */
  readonly accepted = new Set<string>();
  readonly planted: Planted[] = [];
  /** Besides the world's own. */
  readonly servers: SimServer[] = [];
  readonly #world: World;
  /** For what is only decided when it is played; drawn anew for each move, so that none depends on another. */
  #chance = new Seeded(0);

  constructor(world: World) {
    this.#world = world;
    world.agents.behave = ({ env }) => {
      const behaviour = this.behaviours.get(String(env.BERTH_RUN_NAME)) ?? { afterMs: 1_000 };
      // A job that fails for ever after a long time is retried for ever, and rightly so.
      return Number(env.BERTH_SUBMISSION_NUM) > 1 ? { afterMs: behaviour.afterMs } : behaviour;
    };
  }

  async play(move: Move): Promise<void> {
    this.#chance = new Seeded(move.thenMs);
    await this.#do(move);
    await this.#world.advance(move.thenMs);
  }

  async #do(move: Move): Promise<void> {
    const world = this.#world;
    switch (move.do) {
      case 'apply':
        return this.#apply(move);
      case 'stop':
        return this.#stop(move);
      case 'apply-fleet': {
        const { name, min, more } = move;
        const spec = fleetSpec({
          name,
          nodes: { min, target: min + more, max: min + more + 1 },
          idleDurationMs: 300_000,
        });
        await this.#ask((engine) => engine.applyFleet(world.actor, spec, undefined));
        return;
      }
      case 'delete-fleet': {
        const fleet = among(await world.store.read.fleets.find({ where: { live: true } }), move.which);
        if (fleet !== null) await this.#ask((engine) => engine.deleteFleet(world.actor, fleet.id));
        return;
      }
      case 'delete-instance': {
        const rows = (await world.instances()).filter((row) => isInstanceAlive(row.status));
        const row = among(rows, move.which);
        if (row !== null) await this.#ask((engine) => engine.deleteInstance(world.actor, row.id));
        return;
      }
      case 'crash':
        return this.#crash(move);
      case 'fault':
        this.#cloud(move.cloud).truth.faults.push(move.call, ...Array.from({ length: move.times }, () => move.fault));
        return;
      case 'mishaps':
        this.#cloud(move.cloud).truth.faults.chance(move.call, move.fault, move.probability);
        return;
      case 'set-cloud':
        setCloud(this.#cloud(move.cloud), move.what, move.to);
        return;
      case 'offers':
        this.#cloud(move.cloud).offersFault = move.fault;
        return;
      case 'lose-rights':
        this.#cloud(move.cloud).truth.accounts.loseRights(move.forMs);
        return;
      case 'unconfigure': {
        const cloud = this.#cloud(move.cloud);
        cloud.usable = !cloud.usable;
        for (const listener of world.backendListeners) listener(world.project);
        return;
      }
      case 'kill-machine': {
        const machines = world.clouds.flatMap(({ truth }) => truth.alive.map((machine) => ({ truth, machine })));
        const victim = among(
          machines.filter(({ machine }) => !this.#isPlanted(machine.cloudId)),
          move.which,
        );
        victim?.truth.kill(victim.machine);
        return;
      }
      case 'plant':
        this.planted.push(plant(this.#cloud(move.cloud), move.whose, this.planted.length));
        return;
      case 'harm-agent': {
        const alive = [...world.agents.all].filter(([token]) => world.clouds.some((cloud) => cloud.isAlive(token)));
        const found = among(alive, move.which);
        if (found !== null) harm(world.agents, ...found, move.harm);
        return;
      }
      case 'partition':
        for (const [token, agent] of world.agents.all) {
          world.agents.unreachable.delete(token);
          if (!this.#chance.chance(move.share)) continue;
          world.agents.unreachable.add(token);
          agent.cut();
        }
        return;
      case 'store-fails':
        world.store.failing = (write) => move.every > 0 && write % move.every === 0;
        return;
      case 'set-clock':
        return this.#setClock(move);
      case 'server':
        return this.#turnServer(move);
    }
  }

  async #apply({ name, knobs, behaviour }: Of<'apply'>): Promise<void> {
    const { inFleets, stopDurationMs, ...rest } = knobs;
    const live = inFleets ? await this.#world.store.read.fleets.find({ where: { live: true } }) : [];
    const fleets = live.length === 0 ? null : live.map((fleet) => fleet.name);
    const spec = taskSpec({ ...rest, name, fleets, work: { stopDurationMs } });
    this.behaviours.set(name, behaviour);
    const run = await this.#ask((engine) => engine.applyRun(this.#world.actor, spec, undefined));
    if (run !== null) this.accepted.add(run.name);
  }

  async #stop({ which, abort }: Of<'stop'>): Promise<void> {
    const live = (await this.#world.store.read.runs.find({ where: { live: true } })).filter(
      (run) => !isRunFinished(run.status),
    );
    const run = among(live, which);
    if (run !== null) await this.#ask((engine) => engine.stopRun(this.#world.actor, run.id, abort));
  }

  async #crash({ at, count }: Of<'crash'>): Promise<void> {
    const world = this.#world;
    if (at === 'now') await world.crash();
    else if (at === 'event') world.crashAfterEvents = count;
    else world.life.doom(at === 'before' ? { before: count } : { after: count });
  }

  async #setClock({ byMs }: Of<'set-clock'>): Promise<void> {
    this.#world.clock.step(byMs);
    // A list that hides a new machine while the clock makes it look old: more than anybody can see through.
    for (const { truth } of this.#world.clouds) {
      truth.times.visible = 0;
      for (const machine of truth.machines()) machine.visibleAt = machine.madeAt;
      truth.faults.drop('list', ['late', 'stale']);
    }
  }

  async #turnServer({ what, which, forMs }: Of<'server'>): Promise<void> {
    const world = this.#world;
    if (what === 'join') {
      // One that cannot sign in does not start.
      const joined = this.servers.length < 2 ? await SimServer.join(world).catch(() => null) : null;
      if (joined !== null) this.servers.push(joined);
      return;
    }
    if (what === 'pause' || what === 'cut-off') {
      const life = among([world.life, ...this.servers.map((server) => server.life)], which);
      if (life !== null) hold(world, life, what, forMs);
      return;
    }
    const server = among(this.servers, which);
    if (server === null) return;
    this.servers.splice(this.servers.indexOf(server), 1);
    if (what === 'kill') server.kill();
    else await server.leave();
  }

  #cloud(which: number): SimCloud {
    return among(this.#world.clouds, which) ?? this.#world.cloud;
  }

  #isPlanted(cloudId: string): boolean {
    return this.planted.some((one) => one.cloudId === cloudId);
  }

  /** Of any of the servers. Null: refused, or nobody was there to answer. */
  async #ask<T>(ask: (engine: World['engine']) => Promise<T>): Promise<T | null> {
    const engine = this.#chance.pick([this.#world.engine, ...this.servers.map((server) => server.engine)]);
    let answer: T | null = null;
    ask(engine).then(
      (value) => {
        answer = value;
      },
      () => {},
    );
    await this.#world.advance(1);
    return answer;
  }
}

function among<T>(items: readonly T[], which: number): T | null {
  return items[Math.floor(which * items.length)] ?? null;
}

/** A machine that comes from elsewhere, or from a life that nobody remembers. */
function plant(cloud: SimCloud, whose: Stranger, count: number): Planted {
  const [offer] = cloud.truth.offers;
  if (offer === undefined) throw new Error('The cloud sells nothing.');
  const token = `stranger${count}`;
  const installation =
    whose === 'neighbour' ? 'another' : whose === 'prefix' ? `${TEST_INSTALLATION}2` : TEST_INSTALLATION;
  const name = whose === 'untagged' ? 'web-1' : machineName(installation, token);
  const { 'berth-token': berthToken, ...others } = ownerTags({ installation, token, instance: 'nobody' });
  const tags =
    whose === 'untagged' ? {} : whose === 'no-token' ? others : { ...others, 'berth-token': berthToken ?? '' };
  return { whose, cloud, cloudId: cloud.truth.make({ clientToken: null, name, tags, offer }).cloudId };
}
