/** Random misfortunes of up to three servers on one store: whatever happens, each job runs once and all is given back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRunFinished } from '@berth/core';
import type { RunRow } from '@berth/store';
import { ALL_LANES } from './lanes.ts';
import { wrongAtLast, wrongNow } from './testing/invariants.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { Seeded } from './testing/seeded.ts';
import { SimServer } from './testing/sim-server.ts';
import { taskSpec } from './testing/specs.ts';
import { World } from './testing/world.ts';

const MINUTE = 60_000;
/** More of them: BERTH_CHAOS_SEEDS=200 BERTH_CHAOS_FIRST=1000 node --test … */
const SEEDS = Number(process.env.BERTH_CHAOS_SEEDS ?? 6);
const FIRST = Number(process.env.BERTH_CHAOS_FIRST ?? 1);
const STEPS = 40;

async function play(seed: number): Promise<{ readonly steps: readonly string[]; readonly wrong: readonly string[] }> {
  const world = await World.make({ leased: true, store: new MemoryStore(), seed });
  const chance = new Seeded(seed ^ 0x2545f491);
  world.agents.behave = ({ run }) => ({ afterMs: run.charCodeAt(run.length - 1) * 400, artifacts: true });
  const servers: SimServer[] = [await SimServer.join(world)];
  const steps: string[] = [];
  const wrong: string[] = [];
  let names = 0;

  /** Lanes in which two servers would act now. */
  const heldTwice = (): string[] => {
    const all = [{ life: world.life, leases: world.leases }, ...servers];
    const acting = all.flatMap(({ life, leases }) => (life.acts && leases !== null ? [leases] : []));
    return ALL_LANES.filter((lane) => acting.filter((leases) => leases.holds(lane)).length > 1).map(
      (lane) => `two servers act in lane ${lane}`,
    );
  };
  const lives = () => [world.life, ...servers.map(({ life }) => life)];
  const moves: readonly (readonly [number, () => Promise<string | null>])[] = [
    [
      8,
      async () => {
        const spec = taskSpec({ name: `run-${names++}`, nodes: chance.pick([1, 1, 2, 3]), idleDurationMs: 20_000 });
        const engine = chance.pick([world.engine, ...servers.map((server) => server.engine)]);
        let answer: RunRow | null = null;
        engine.applyRun(world.actor, spec, undefined).then(
          (run) => {
            answer = run;
          },
          () => {},
        );
        await world.advance(1);
        return `apply ${spec.name}${answer === null ? ', without an answer' : ''}`;
      },
    ],
    [
      1,
      async () => {
        const [run] = (await world.store.read.runs.find()).filter(({ status }) => !isRunFinished(status));
        const [server] = servers;
        if (run === undefined || server === undefined) return null;
        server.engine.stopRun(world.actor, run.id, chance.chance(0.5)).catch(() => {});
        await world.advance(1);
        return `stop ${run.name}`;
      },
    ],
    [
      3,
      async () => {
        if (servers.length > 2) return null;
        servers.push(await SimServer.join(world));
        return 'a server joins';
      },
    ],
    [
      2,
      async () => {
        const server = servers.shift();
        server?.kill();
        return server === undefined ? null : 'a server is killed';
      },
    ],
    [
      1,
      async () => {
        await world.crash();
        return 'the first server crashes';
      },
    ],
    [
      1,
      async () => {
        world.life.doom({ [chance.pick(['before', 'after'] as const)]: chance.between(1, 9) } as { before: number });
        return 'the first server will crash at a write';
      },
    ],
    [
      3,
      async () => {
        chance.pick(lives()).pause();
        return 'a server stands still';
      },
    ],
    [
      4,
      async () => {
        for (const life of lives()) life.resume();
        return 'all go on';
      },
    ],
    [
      2,
      async () => {
        chance.pick(lives()).cutOff(true);
        return 'a server is cut off from the store';
      },
    ],
    [
      3,
      async () => {
        for (const life of lives()) life.cutOff(false);
        return 'all reach the store';
      },
    ],
    [
      1,
      async () => {
        world.cloud.faults.create.push(chance.pick(['succeeds-then-times-out', 'fails-before', 'hangs']));
        return 'the cloud misbehaves';
      },
    ],
  ];
  for (let step = 0; step < STEPS && wrong.length === 0; step++) {
    let ticket = chance.next() * moves.reduce((sum, [weight]) => sum + weight, 0);
    const move = moves.find(([weight]) => {
      ticket -= weight;
      return ticket < 0;
    });
    const said = await move?.[1]();
    const ms = Math.floor(Math.exp(chance.next() * Math.log(MINUTE)));
    steps.push(`${said ?? '–'}; ${ms} ms`);
    await world.advance(ms);
    wrong.push(...(await wrongNow(world)), ...heldTwice());
  }
  for (const life of lives()) {
    life.cutOff(false);
    life.resume();
  }
  if (wrong.length === 0) {
    await world.advance(45 * MINUTE);
    wrong.push(...(await wrongAtLast(world)));
    for (const run of await world.store.read.runs.find()) {
      if (run.status !== 'done' && run.stopRequested === null) wrong.push(`${run.name}: ${run.status}, ${run.message}`);
    }
  }
  if (wrong.length === 0) {
    for (const server of servers) await server.leave();
    await world.close();
  }
  return { steps, wrong };
}

test(`${SEEDS} histories of servers that join, die, stand still and are cut off`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { steps, wrong } = await play(seed);
    assert.deepEqual(wrong, [], `seed ${seed}:\n${steps.join('\n')}`);
  }
});
