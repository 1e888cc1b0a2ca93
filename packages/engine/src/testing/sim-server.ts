/** One of several servers over the store of a world with leased lanes. */
import { KeyedEngine } from '../create-engine.ts';
import type { Leases } from '../leases.ts';
import { Life } from './life.ts';
import type { World } from './world.ts';

export class SimServer {
  readonly life = new Life();
  readonly engine: KeyedEngine;
  readonly leases: Leases;
  readonly #world: World;

  private constructor(world: World) {
    this.#world = world;
    const ports = world.portsOf(this.life);
    if (ports.lanes === undefined) throw new Error('The lanes of this world are not leased.');
    this.leases = ports.lanes;
    this.engine = new KeyedEngine(ports);
  }

  static async join(world: World): Promise<SimServer> {
    const server = new SimServer(world);
    let isDone = false;
    const starting = server.engine.start().finally(() => {
      isDone = true;
    });
    starting.catch(() => {}); // thrown below, when the world has come to rest
    while (!isDone) await world.advance(1);
    try {
      await starting;
    } catch (error) {
      server.kill(); // the process ends with that
      throw error;
    }
    return server;
  }

  /** As `kill -9`. */
  kill(): void {
    this.life.end();
    for (const agent of this.#world.agents.all.values()) agent.hangUp((heard) => this.life.listens(heard));
  }

  async leave(): Promise<void> {
    let left = false;
    const leaving = this.engine.stop().then(() => {
      left = true;
    });
    while (!left) await this.#world.advance(10);
    await leaving;
  }
}
