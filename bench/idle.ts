/** What a server takes of the machine while nobody asks it for anything: memory, and CPU over a while. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '@berth/core/ids';
import { openSqliteStore } from '@berth/store/sqlite';
import { BerthHome, finished } from './berth-home.ts';
import { atMost, type Bench, spread } from './harness.ts';
import { cpuMs, residentMiB } from './process-usage.ts';

const FINISHED_RUNS = 1000;
/** After this long a start is over: catalogs are asked, code is compiled, the first garbage is collected. */
const SETTLE_MS = 10_000;
const SAMPLE_MS = 1000;

const MOST_MIB = 150;
/** Timers that look at nothing still wake a process; a poll over tables is well above this. */
const MOST_CPU_PERCENT = 0.5;

export const bench: Bench = async ({ runs, progress }) => {
  const home = new BerthHome();
  try {
    home.startServer();
    const client = home.client();
    const configuration = { type: 'task', name: 'bench', idle_duration: 0, commands: ['echo done'] };
    const run = await client.call('run.apply', { body: { configuration, code: null, files: [] } });
    await finished(client, run.id);
    await home.giveBack();
    progress('waiting until the machine is off the books');
    await home.settled();
    home.stopServer();
    progress(`writing ${FINISHED_RUNS} finished runs`);
    await multiply(join(home.dir, 'server', 'berth.db'), FINISHED_RUNS);
    home.startServer();
    // They are there, and the server has had them in its hands once.
    const { runs: listed } = await home.client().call('run.list', { query: { limit: 1000 } });
    if (listed.length !== FINISHED_RUNS) throw new Error(`the server knows ${listed.length} runs`);
    const pid = home.serverPid();
    await sleep(SETTLE_MS);
    progress(`watching for ${(runs * SAMPLE_MS) / 1000} s`);
    const memory: number[] = [];
    const cpu: number[] = [];
    const [begun, usedBefore] = [performance.now(), cpuMs(pid)];
    for (let sample = 0; sample < runs; sample += 1) {
      const [at, before] = [performance.now(), cpuMs(pid)];
      await sleep(SAMPLE_MS);
      memory.push(residentMiB(pid));
      cpu.push(((cpuMs(pid) - before) / (performance.now() - at)) * 100);
    }
    const cpuPercent = ((cpuMs(pid) - usedBefore) / (performance.now() - begun)) * 100;
    const resident = spread(memory);
    return [
      atMost(MOST_MIB, {
        metric: `resident memory, ${FINISHED_RUNS} finished runs`,
        value: resident.median,
        unit: 'MiB',
        samples: resident,
        samplesUnit: 'MiB',
      }),
      atMost(MOST_CPU_PERCENT, {
        metric: `CPU over ${Math.round((runs * SAMPLE_MS) / 1000)} s`,
        value: cpuPercent,
        unit: '% of one core',
        samples: spread(cpu),
        samplesUnit: '%',
      }),
    ];
  } finally {
    await home.end();
  }
};

/** Copies what the one real run left, with its jobs and events, until there are `count` of it. The server is down. */
async function multiply(path: string, count: number): Promise<void> {
  const store = openSqliteStore({ path });
  try {
    const original = await store.read.runs.first({});
    if (original === null) throw new Error('the run that was to be copied is not in the database');
    const jobs = await store.read.jobs.find({ where: { runId: original.id } });
    const events = await store.read.events.find({ where: { runId: original.id } });
    await store.transaction(async (tables) => {
      for (let copy = 1; copy < count; copy += 1) {
        const id = newId<'RunId'>(original.submittedAt, randomBytes);
        await tables.runs.insert({ ...original, id, name: `${original.name}-${copy}` });
        for (const job of jobs) {
          await tables.jobs.insert({ ...job, id: newId<'JobId'>(job.submittedAt, randomBytes), runId: id });
        }
        for (const event of events) {
          await tables.events.insert({ ...event, id: newId<'EventId'>(event.at, randomBytes), runId: id });
        }
      }
    });
  } finally {
    await store.close();
  }
}
