/** What we add to what a cloud takes: from the apply until the job runs, less the cloud's own time for its machine. */
import { EngineWorld, type Part, type PartContext } from './engine-world.ts';
import { atMost, type Result, spread } from './harness.ts';
import { percentile } from './percentile.ts';

/** As clouds are, at a tenth of the time for the boot: 5 s to 30 s. */
const MACHINE = {
  create: { kind: 'uniform', fromMs: 200, toMs: 2_000 },
  boot: { kind: 'uniform', fromMs: 500, toMs: 3_000 },
} as const;

const MOST_P50_S = 0.3;
const MOST_P99_S = 1;

export const overhead: Part = async (context) => {
  const world = await EngineWorld.make({ store: context.store, jobMs: null, machineTakes: MACHINE });
  const results: Result[] = [];
  for (const machines of [1, 50, 200]) results.push(...(await atATime(world, machines, context)));
  await world.close();
  return results;
};

async function atATime(
  world: EngineWorld,
  machines: number,
  { store, runs, progress }: PartContext,
): Promise<Result[]> {
  // A single one says little, and a batch says as much as it has machines.
  const batches = machines === 1 ? runs : Math.max(1, Math.round(runs / 10));
  progress(`${machines} machines at a time, ${batches} times`);
  const added: number[] = [];
  for (let batch = 0; batch < batches; batch += 1) {
    await Promise.all(
      Array.from({ length: machines }, async () => {
        const from = performance.now();
        const run = await world.apply();
        const running = await world.reached(run, 'running');
        const job = await store.read.jobs.first({ where: { runId: run } });
        const instance = await store.read.instances.get(job?.instanceId ?? '');
        added.push((running - from - world.cloudMs(instance?.token ?? '')) / 1000);
      }),
    );
  }
  const samples = spread(added);
  const of = machines === 1 ? '1 machine' : `${machines} machines at once`;
  const shared = { unit: "s more than the cloud's own", samples, samplesUnit: 's' };
  return [
    atMost(MOST_P50_S, { metric: `from apply to running, ${of}, p50`, value: percentile(added, 50), ...shared }),
    atMost(MOST_P99_S, { metric: `from apply to running, ${of}, p99`, value: percentile(added, 99), ...shared }),
  ];
}
