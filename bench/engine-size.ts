/** Ten thousand machines with a job each: memory, what they cost while nothing happens, how soon a change is stored. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobId } from '@berth/core';
import { EngineWorld, type Part } from './engine-world.ts';
import { atMost, spread } from './harness.ts';
import { percentile } from './percentile.ts';
import { residentMiB } from './process-usage.ts';

const MACHINES = 10_000;
const AT_ONCE = 256;
const SETTLE_MS = 15_000;
const SAMPLE_MS = 1000;
const CHANGES = 1000;
const CHANGE_EVERY_MS = 10;
/** The engine's own pace of sweeps, `SWEEP_MS`. */
const SWEEP_EVERY_MS = 120_000;

const MOST_MIB = 400;
const MOST_CPU_PERCENT = 5;
const MOST_STORED_MS = 50;

export const size: Part = async ({ store, runs, progress }) => {
  const world = await EngineWorld.make({ store, jobMs: null });
  progress(`${MACHINES} runs, each on a machine of its own`);
  const from = performance.now();
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun++ < MACHINES) await world.reached(await world.apply(), 'running');
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  progress(`they run after ${Math.round((performance.now() - from) / 1000)} s; watching for ${runs} s`);
  await sleep(SETTLE_MS);

  const memory: number[] = [];
  const cpu: number[] = [];
  for (let sample = 0; sample < runs; sample += 1) {
    const [at, before] = [performance.now(), process.cpuUsage()];
    await sleep(SAMPLE_MS);
    cpu.push((cpuMs(before) / (performance.now() - at)) * 100);
    memory.push(residentMiB(process.pid));
  }
  const resident = spread(memory);

  progress('one sweep');
  const before = process.cpuUsage();
  await world.engine.sweep(world.actor.project, { dryRun: false });
  const sweepPercent = (cpuMs(before) / SWEEP_EVERY_MS) * 100;
  const mean = cpu.reduce((sum, one) => sum + one, 0) / cpu.length;

  progress(`${CHANGES} changes at agents`);
  const stored = await changes(world);
  return [
    atMost(MOST_MIB, {
      metric: `resident memory, ${MACHINES} running jobs and instances, agents and cloud included`,
      value: resident.median,
      unit: 'MiB',
      samples: resident,
      samplesUnit: 'MiB',
    }),
    atMost(MOST_CPU_PERCENT, {
      metric: `CPU while nothing happens, and a sweep every ${SWEEP_EVERY_MS / 60_000} min (${sweepPercent.toFixed(2)} %)`,
      value: mean + sweepPercent,
      unit: '% of one core',
      samples: spread(cpu),
      samplesUnit: '%',
    }),
    atMost(MOST_STORED_MS, {
      metric: 'a change at an agent is in the database, p99',
      value: percentile(stored, 99),
      unit: 'ms',
      samples: spread(stored),
      samplesUnit: 'ms',
    }),
  ];
};

function cpuMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Jobs end, one after the other; from the end at the agent to the answer that it is stored. */
async function changes(world: EngineWorld): Promise<readonly number[]> {
  const endedAt = new Map<JobId, number>();
  const stored: number[] = [];
  world.onStored = (report) => {
    const at = report.kind === 'job-ended' ? endedAt.get(report.job) : undefined;
    if (at !== undefined) stored.push(performance.now() - at);
  };
  const every = Math.floor(MACHINES / CHANGES);
  let nth = 0;
  for (const agent of world.agents.values()) {
    if (nth++ % every !== 0) continue;
    for (const job of agent.jobs.keys()) {
      endedAt.set(job, performance.now());
      agent.end(job);
    }
    await sleep(CHANGE_EVERY_MS);
  }
  while (stored.length < endedAt.size) await sleep(CHANGE_EVERY_MS);
  return stored;
}
