/** How many jobs that do nothing go through in a second, from the apply to the end on the books. */
import { newId, type RandomBytes } from '@berth/core';
import type { Store } from '@berth/store';
import { EngineWorld, type Part } from './engine-world.ts';
import { atLeast, atMost, inTurn, spread } from './harness.ts';

const JOBS = 500;
/** Runs that are under way at the same time. */
const AT_ONCE = 128;
/** Each job takes some ten of them, so that this many are what is done in a comparable time. */
const TRANSACTIONS = 5_000;

const LEAST_PER_SECOND = 500;
/** Of one core; a second one is left for the garbage, the agents' links and everybody else. */
const MOST_CPU_MS = 2;

export const throughput: Part = async ({ store, runs, progress }) => {
  const world = await EngineWorld.make({ store, jobMs: 0 });
  const cpu: number[] = [];
  progress(`${JOBS} jobs, ${runs} times`);
  const seconds = await inTurn(
    {
      jobs: async () => {
        const before = process.cpuUsage();
        const took = await jobsThrough(world, JOBS);
        const { user, system } = process.cpuUsage(before);
        cpu.push((user + system) / 1000 / JOBS);
        return took;
      },
      transactions: () => bareTransactions(store, TRANSACTIONS),
    },
    { runs, warmUp: 2 },
  );
  await world.close();
  const perSecond = spread(seconds.jobs.map((s) => JOBS / s));
  const cpuMs = spread(cpu.slice(-runs));
  return [
    atLeast(LEAST_PER_SECOND, {
      metric: `no-op jobs, ${AT_ONCE} at a time`,
      value: perSecond.median,
      unit: 'jobs/s',
      baseline: spread(seconds.transactions.map((s) => TRANSACTIONS / s)).median,
      baselineUnit: 'bare transactions/s',
      samples: perSecond,
      samplesUnit: 'jobs/s',
    }),
    atMost(MOST_CPU_MS, {
      metric: 'CPU for a no-op job, agents and cloud included',
      value: cpuMs.median,
      unit: 'ms',
      samples: cpuMs,
      samplesUnit: 'ms',
    }),
  ];
};

/** In seconds. */
async function jobsThrough(world: EngineWorld, count: number): Promise<number> {
  const from = performance.now();
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun++ < count) await world.reached(await world.apply(), 'finished');
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (performance.now() - from) / 1000;
}

/** What the store does when each transaction writes one event and nothing is decided; in seconds. */
async function bareTransactions(store: Store, count: number): Promise<number> {
  const from = performance.now();
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun++ < count) await store.transaction((tables) => tables.events.insert(event()));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (performance.now() - from) / 1000;
}

const random: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

function event() {
  const at = Date.now();
  return {
    id: newId<'EventId'>(at, random),
    projectId: null,
    at,
    actor: null,
    kind: 'bench',
    message: 'A transaction of one row',
    targetKind: 'project',
    targetId: 'bench',
    targetName: 'bench',
    runId: null,
    details: {},
  } as const;
}
