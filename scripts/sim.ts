/**
 * `npm run sim`: random histories of the real engine in a simulated world, see
 * `packages/engine/src/testing/simulate.ts`. Ends with 1 when one goes wrong, and says how to play it again.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { investigate, tell } from '@berth/engine/testing/investigate';
import type { Move } from '@berth/engine/testing/moves';
import { type History, MOVES, type SimulateOptions, simulate } from '@berth/engine/testing/simulate';
import { openSqliteStore } from '@berth/store/sqlite';

const USAGE = `usage: npm run sim -- [--seeds N] [--seed S] [--steps K] [--store memory|sqlite] [--jobs J] [--json]
       npm run sim -- --replay FILE
  --seeds N   histories, 1000 when absent; with --seed alone, that one
  --seed S    the first one, 1 when absent
  --steps K   no more moves once K steps were made (a step: a move, a timer that runs, a write); all ${MOVES} at most when absent
  --jobs J    processes that share the work
  --replay F  a history that was written down`;

interface Part {
  readonly from: number;
  readonly until: number;
  readonly stride: number;
}

/** What one process came to. */
interface Tally {
  histories: number;
  steps: number;
  cpuSeconds: number;
  /** By seed, so that the order in which they were played does not matter. */
  hashes: [number, string][];
  wrong: Pick<History, 'seed' | 'moves' | 'wrong'>[];
}

/** After so many that go wrong, others would tell nothing new. */
const ENOUGH = 5;

function refuse(message: string): never {
  console.error(`${message}\n${USAGE}`);
  process.exit(2);
}

function commandLine() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string' },
        steps: { type: 'string' },
        store: { type: 'string', default: 'memory' },
        jobs: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        replay: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

const { values } = commandLine();
if (values.store !== 'memory' && values.store !== 'sqlite') refuse('--store is memory or sqlite.');

function whole(name: 'seeds' | 'seed' | 'steps' | 'jobs', fallback: number): number {
  const text = values[name];
  const number = text === undefined ? fallback : Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  return refuse(`--${name} must be a whole number above zero.`);
}

const options: SimulateOptions = {
  ...(values.steps === undefined ? {} : { steps: whole('steps', 1) }),
  ...(values.store === 'sqlite' ? { store: () => openSqliteStore({ path: ':memory:' }) } : {}),
};

async function play({ from, until, stride }: Part): Promise<Tally> {
  const tally: Tally = { histories: 0, steps: 0, cpuSeconds: 0, hashes: [], wrong: [] };
  // Where a refusal was made is of no interest here, and costs more than the refusal.
  Error.stackTraceLimit = 0;
  const begun = process.cpuUsage();
  for (let seed = from; seed < until && tally.wrong.length < ENOUGH; seed += stride) {
    const { moves, wrong, hash, steps } = await simulate(seed, options);
    tally.histories += 1;
    tally.steps += steps;
    tally.hashes.push([seed, hash]);
    if (wrong.length > 0) tally.wrong.push({ seed, moves, wrong });
  }
  const { user, system } = process.cpuUsage(begun);
  tally.cpuSeconds = (user + system) / 1e6;
  Error.stackTraceLimit = 10;
  return tally;
}

/** This part in a process of its own. */
function playElsewhere(part: Part): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), {
      env: { ...process.env, BERTH_SIM_PART: JSON.stringify(part) },
      // A history leaves nothing behind, so its garbage is all young.
      execArgv: ['--single-threaded-gc', '--max-semi-space-size=64', '--disable-warning=ExperimentalWarning'],
    });
    // Sent by `play` of the same program.
    child.once('message', (message) => resolve(message as Tally));
    child.once('exit', (code) => reject(new Error(`A process of the simulation ended with ${code}.`)));
  });
}

async function report({ histories, steps, cpuSeconds, hashes, wrong }: Tally): Promise<void> {
  const hash = createHash('sha256')
    .update(JSON.stringify(hashes.sort(([a], [b]) => a - b)))
    .digest('hex')
    .slice(0, 16);
  const summary = {
    histories,
    steps,
    histories_per_second: Math.round(histories / cpuSeconds),
    steps_per_second: Math.round(steps / cpuSeconds),
    cpu_seconds: Math.round(cpuSeconds * 10) / 10,
    hash,
    wrong: wrong.map(({ seed }) => seed),
  };
  if (values.json) console.log(JSON.stringify(summary));
  else {
    console.log(
      `${histories} histories of ${Math.round(steps / histories)} steps each, ${summary.histories_per_second} a second and core ` +
        `(${summary.steps_per_second} steps), outcome ${hash}`,
    );
  }
  for (const { seed, moves, wrong: sentences } of wrong) {
    const finding = await investigate({ seed, moves, wrong: sentences, hash: '', steps: 0, tookMs: 0 }, options);
    const file = join(tmpdir(), `berth-sim-${seed}.json`);
    writeFileSync(file, JSON.stringify({ seed, moves: finding.moves }));
    console.error(`${tell(finding)}\nplay it again: npm run sim -- --replay ${file}`);
  }
  if (wrong.length > 0) process.exitCode = 1;
}

/** What `report` has written; a file that lacks something must not look like a history in which all is well. */
function written(file: string): { readonly seed: number; readonly moves: readonly Move[] } {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return refuse(`${file} cannot be replayed: ${error instanceof Error ? error.message : error}`);
  }
  const { seed, moves } = Object(content) as { readonly seed?: unknown; readonly moves?: unknown };
  if (typeof seed !== 'number' || !Array.isArray(moves) || !moves.every((move) => typeof move?.do === 'string')) {
    return refuse(`${file} cannot be replayed: it has no seed and moves.`);
  }
  return { seed, moves };
}

async function replay(file: string): Promise<void> {
  const { seed, moves } = written(file);
  const history = await simulate(seed, { ...options, moves });
  console.log(history.wrong.length === 0 ? 'all is well' : tell({ ...history, movesBefore: moves.length }));
  if (history.wrong.length > 0) process.exitCode = 1;
}

const part = process.env.BERTH_SIM_PART;
if (values.help) console.log(USAGE);
else if (values.replay !== undefined) await replay(values.replay);
else if (part !== undefined && process.send !== undefined) {
  // Written by `playElsewhere`.
  process.send(await play(JSON.parse(part) as Part), () => process.disconnect());
} else {
  const from = whole('seed', 1);
  const until = from + whole('seeds', values.seed === undefined ? 1_000 : 1);
  const jobs = whole('jobs', 1);
  const parts = Array.from({ length: jobs }, (_, i) => ({ from: from + i, until, stride: jobs }));
  const tallies = await Promise.all(parts.map(playElsewhere));
  await report({
    histories: tallies.reduce((sum, tally) => sum + tally.histories, 0),
    steps: tallies.reduce((sum, tally) => sum + tally.steps, 0),
    cpuSeconds: tallies.reduce((sum, tally) => sum + tally.cpuSeconds, 0),
    hashes: tallies.flatMap((tally) => tally.hashes),
    wrong: tallies.flatMap((tally) => tally.wrong),
  });
}
