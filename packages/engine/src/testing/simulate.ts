/**
 * Plays a random history from a seed: the real engine between a simulated store, clouds, agents, clock and
 * network. Afterwards everything is mended and time passes until nothing is left to be done, or for as long as
 * the slowest thing can take; then what must always be true is checked.
 */
import { createHash } from 'node:crypto';
import type { Store } from '@berth/store';
import { mendAgents } from './harm-agent.ts';
import { release } from './hold.ts';
import { wrongAtLast, wrongNow } from './invariants.ts';
import { MemoryStore } from './memory-store.ts';
import { drawMoves, drawScenario, type Move } from './moves.ts';
import { Player } from './player.ts';
import { mendCloud } from './set-cloud.ts';
import { SimCloud } from './sim-cloud.ts';
import { wrongWithStrangers, wrongWithTruth } from './truth.ts';
import { World } from './world.ts';

export interface History {
  readonly seed: number;
  readonly moves: readonly Move[];
  /** Empty: all is well. */
  readonly wrong: readonly string[];
  /** Of all rows and of what the clouds have billed: the same for the same seed and moves. */
  readonly hash: string;
  /** The player's moves, timers that ran and transactions that wrote. */
  readonly steps: number;
  /** Simulated time, in ms. */
  readonly tookMs: number;
}

export interface SimulateOptions {
  /** Those that are played; absent: all that the seed has. */
  readonly moves?: readonly Move[];
  /** No more moves are made once so many steps were; absent: all moves are. Mending comes on top. */
  readonly steps?: number;
  readonly store?: () => Store;
  /** Breaks something on purpose, to see that the checks notice. */
  readonly sabotage?: (world: World) => void;
}

/** How many moves a seed has at most; most have fewer. */
export const MOVES = 24;

const MINUTE = 60_000;
/** Retries of an hour, waits of as long again, machines that cannot be reached, clouds that take their time. */
const LONGEST_HEALING_MS = 5 * 60 * MINUTE;
/** Where leases beat, nothing that is drawn waits longer. */
const LONGEST_LEASED_HEALING_MS = 75 * MINUTE;

export async function simulate(seed: number, options: SimulateOptions = {}): Promise<History> {
  const scenario = drawScenario(seed);
  const { moves: given = drawMoves(seed, MOVES), steps: mostSteps = Number.POSITIVE_INFINITY } = options;
  const world = await World.make({
    seed,
    quiet: true,
    store: options.store?.() ?? new MemoryStore(),
    leased: scenario.servers > 1,
    clouds: (clock) => [
      new SimCloud(
        clock,
        'east',
        [
          { instanceType: 'small', pricePerHour: 1 },
          { instanceType: 'spot', pricePerHour: 0.5, capacityType: 'spot' },
        ],
        { seed },
      ),
      // Machines of a region share a network there.
      new SimCloud(clock, 'west', [{ instanceType: 'large', region: 'r2', pricePerHour: 3 }], {
        seed: seed + 1,
        facets: ['bootstrap'],
      }),
    ],
  });
  options.sabotage?.(world);
  const begunAt = world.clock.now();
  const player = new Player(world);
  let wrong: readonly string[] = [];
  let played = 0;
  const stepsSoFar = (): number => played + world.timersRun + world.store.writes;
  for (const move of given) {
    if (stepsSoFar() >= mostSteps) break;
    await player.play(move);
    played += 1;
    wrong = await wrongNow(world);
    if (wrong.length > 0) break;
  }
  if (wrong.length === 0) wrong = await heal(world, player, begunAt, scenario.servers > 1);
  const hash = await hashOf(world);
  const tookMs = world.clock.elapsed;
  if (wrong.length === 0) {
    for (const server of player.servers.splice(0)) server.kill();
    await world.close();
  }
  // What was not played is not part of it: so it replays, and shrinks, as it is.
  return { seed, moves: given.slice(0, played), wrong, hash, steps: stepsSoFar(), tookMs };
}

/**
 * Nothing goes wrong any more, what never ends by itself is stopped, and time passes. Returns what is wrong at last.
 * @param begunAt what the clock said at the beginning
 */
async function heal(world: World, player: Player, begunAt: number, isLeased: boolean): Promise<readonly string[]> {
  const { store, agents, clouds, actor } = world;
  store.failing = () => false;
  world.crashAfterEvents = null;
  for (const life of [world.life, ...player.servers.map((server) => server.life)]) release(life);
  mendAgents(agents);
  for (const cloud of clouds) mendCloud(cloud);
  for (const listener of world.backendListeners) listener(world.project);
  const healedAt = world.clock.elapsed;
  await world.advance(MINUTE);
  for (const run of await store.read.runs.find({ where: { live: true } })) {
    if (player.behaviours.get(run.name)?.afterMs === null) {
      await world.insist((engine) => engine.stopRun(actor, run.id, false));
    }
  }
  // Leases beat every two seconds, so waiting costs more there.
  const [firstMs, stableMs] = isLeased ? [MINUTE, 2 * MINUTE] : [2 * MINUTE, 10 * MINUTE];
  // A clock that was set back puts off what waits for a time of day by as much at most.
  const setBackMs = Math.max(0, world.clock.elapsed - (world.clock.now() - begunAt));
  const longestMs = (isLeased ? LONGEST_LEASED_HEALING_MS : LONGEST_HEALING_MS) + setBackMs;
  const look = async (): Promise<readonly string[]> => [
    ...(await wrongAtLast(world, player.planted)),
    ...(await wrongWithTruth(world, player, healedAt)),
    ...wrongWithStrangers(player.planted),
  ];
  let pauseMs = firstMs;
  let wasWell = false;
  for (;;) {
    await world.advance(pauseMs);
    const wrong = await look();
    const left = healedAt + longestMs - world.clock.elapsed;
    // That it is well for a moment is not enough: a fleet may be about to try once more.
    if (left <= 0 || (wasWell && wrong.length === 0)) return wrong;
    wasWell = wrong.length === 0;
    pauseMs = Math.min(wasWell ? stableMs : pauseMs * 2, left);
  }
}

async function hashOf({ store, clouds, clock }: World): Promise<string> {
  const { runs, jobs, instances, intents, orphans, events } = store.read;
  const hash = createHash('sha256');
  for (const table of [runs, jobs, instances, intents, orphans])
    hash.update(JSON.stringify(await table.find(), inOrder));
  for (const { truth } of clouds) hash.update(JSON.stringify(truth.bill()));
  hash.update(`${await events.count()} ${clock.elapsed}`);
  return hash.digest('hex').slice(0, 16);
}

/** Two stores may give a row's fields in two orders. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
