/** What happened in the clouds and at the agents, compared with what the books say of it. */
import { isBilled } from '@berth/backend/sim/sim-machine';
import type { Planted, Player } from './player.ts';
import type { World } from './world.ts';

const MINUTE = 60_000;

/**
 * Nothing is billed for longer after it was let go (or made: a request to make it can be on its way for minutes)
 * and its cloud was well again: the longest wait between two attempts (15 min), one attempt that began before and
 * hangs (1 min), looks for a machine of which nobody is sure (2 min), and what the simulated clouds take themselves
 * (30 s); or, of a machine that nobody expected any more, the longest pause between two sweeps (10 min), the least
 * age of an orphan (5 min) and another sweep (2 min).
 */
export const LONGEST_BILLED_AFTER_MS = 20 * MINUTE;

/** @param healedAt since when nothing goes wrong, by the steady clock */
export async function wrongWithTruth(world: World, player: Player, healedAt: number): Promise<string[]> {
  const wrong: string[] = [];
  for (const { truth } of world.clouds) {
    for (const { clientToken, fromMs, toMs } of truth.bill()) {
      const letGoAt = clientToken === null ? undefined : world.store.letGoAt.get(clientToken);
      if (letGoAt === undefined) continue;
      const billedMs = (toMs ?? world.clock.elapsed) - Math.max(letGoAt, healedAt, fromMs);
      if (billedMs > LONGEST_BILLED_AFTER_MS) {
        wrong.push(`machine ${clientToken} was billed for ${Math.round(billedMs / MINUTE)} min after it was let go`);
      }
    }
  }
  const { read } = world.store;
  const names = new Set((await read.runs.find()).map((run) => run.name));
  for (const name of player.accepted) if (!names.has(name)) wrong.push(`run ${name} was accepted and is lost`);
  for (const job of await read.jobs.find({ where: { status: 'done' } })) {
    if (world.starts(job.id) !== 1) wrong.push(`job ${job.id} is done and was started ${world.starts(job.id)} times`);
  }
  return [...wrong, ...wrongWithNetworks(world), ...(await lostMachines(world, player))];
}

/** What machines of a region share is there once, and as long as they are. */
function wrongWithNetworks({ clouds }: World): string[] {
  return clouds.flatMap(({ truth }) => {
    const networks = [...truth.parts.networks.values()];
    const unused = networks.filter(({ region }) => !truth.alive.some((machine) => machine.region === region));
    return unused.map(({ cloudId, region }) => `network ${cloudId} of ${region} is left behind`);
  });
}

/** Sweeps find what intents have lost; but here nothing may be lost, because nothing takes longer than is waited for. */
async function lostMachines({ store }: World, { planted }: Player): Promise<string[]> {
  const strangers = new Set(planted.map(({ cloudId }) => cloudId));
  const lost = (await store.read.orphans.find()).filter(({ cloudId }) => !strangers.has(cloudId));
  return lost.map(({ cloudId, token }) => `machine ${cloudId} (${token}) was lost, and found by a sweep`);
}

/** What is nobody's business but its owner's is as it was; what carries our tag and a token, and is on no book, is gone. */
export function wrongWithStrangers(planted: readonly Planted[]): string[] {
  return planted.flatMap(({ whose, cloud, cloudId }) => {
    const machine = cloud.truth.machine(cloudId);
    const isThere = machine !== null && isBilled(machine) && !machine.going;
    if (whose === 'orphan') return isThere ? [`the orphan ${cloudId} is billed for ever`] : [];
    return isThere ? [] : [`the ${whose} machine ${cloudId} was touched`];
  });
}
