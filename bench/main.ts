/** `npm run bench -- [NAME…] [--json] [--runs N] [--rows N]`: the door to the benchmarks. */
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { inspect, parseArgs } from 'node:util';
import { nearestWord } from '@berth/core/nearest';
import { type Bench, exitCode, LEAST_RUNS, type Machine, type Report, report, table } from './harness.ts';

const BENCHES: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<{ bench: Bench }> }>> =
  {
    cli: { summary: 'how long a command takes to start and to answer', load: () => import('./cli.ts') },
    apply: {
      summary: 'from an apply to the first line of the log, on an idle instance',
      load: () => import('./apply.ts'),
    },
    catalog: {
      summary: 'offers: loaded, asked, renewed, imported; beside gpuhunt where that is installed',
      load: () => import('./catalog.ts'),
    },
    logs: { summary: '200 MB of log: complete, in order, fast, in bounded memory', load: () => import('./logs.ts') },
    engine: {
      summary: 'the engine on the simulated cloud: jobs per second, 10,000 machines, what it adds to a cloud',
      load: () => import('./engine.ts'),
    },
    idle: {
      summary: 'what a server with 1,000 finished runs takes while nobody asks',
      load: () => import('./idle.ts'),
    },
  };

/** Sizes of the catalog: what a few clouds list today, and ten times that. */
const DEFAULT_ROWS: readonly number[] = [50_000, 500_000];
const ALL_ROWS: readonly number[] = [...DEFAULT_ROWS, 5_000_000];

const HELP = `usage: npm run bench -- [NAME…] [--json] [--runs N] [--rows N]

Without a name, all of them. Exit code 1 when a limit is missed, 2 for a wrong command line.

${Object.entries(BENCHES)
  .map(([name, { summary }]) => `  ${name.padEnd(8)}${summary}`)
  .join('\n')}

  --json    one object per benchmark and line on stdout, nothing else
  --runs N  samples per median, ${LEAST_RUNS} unless given; fewer are for a quick look
  --rows N  offers in the catalog, ${DEFAULT_ROWS.join(' and ')} unless given; several with commas,
            all: ${ALL_ROWS.join(', ')}
`;

function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    os: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    load: loadavg()[0] ?? 0,
  };
}

class WrongCommandLine extends Error {}

function commandLine(): {
  readonly names: readonly string[];
  readonly json: boolean;
  readonly runs: number;
  readonly rows: readonly number[];
  readonly help: boolean;
} {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (cause) {
    throw new WrongCommandLine(cause instanceof Error ? cause.message : String(cause));
  }
  const { positionals, values } = parsed;
  for (const name of positionals) {
    if (Object.hasOwn(BENCHES, name)) continue;
    const near = nearestWord(name, Object.keys(BENCHES));
    const known = Object.keys(BENCHES).join(', ');
    throw new WrongCommandLine(
      `There is no benchmark "${name}"${near === null ? '' : `; did you mean ${near}?`} Known: ${known}.`,
    );
  }
  const runs = Number(values.runs ?? LEAST_RUNS);
  if (!Number.isInteger(runs) || runs < 1) throw new WrongCommandLine('--runs takes a number of runs, 1 or more.');
  const rows =
    values.rows === undefined ? DEFAULT_ROWS : values.rows === 'all' ? ALL_ROWS : values.rows.split(',').map(Number);
  if (!rows.every((one) => Number.isInteger(one) && one >= 1000)) {
    throw new WrongCommandLine('--rows takes numbers of offers, 1000 or more, or all.');
  }
  const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
  return { names, json: values.json === true, runs, rows, help: values.help === true };
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      runs: { type: 'string' },
      rows: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

async function measure(name: string, runs: number, rows: readonly number[]): Promise<Report> {
  const entry = BENCHES[name];
  if (entry === undefined) throw new WrongCommandLine(`There is no benchmark "${name}".`);
  const skipped: string[] = [];
  // The load of before: the benchmark's own is no excuse for its numbers.
  const where = machine();
  const { bench } = await entry.load();
  const results = await bench({
    runs,
    rows,
    progress: (message) => void process.stderr.write(`${name}: ${message}\n`),
    skip: (reason) => void skipped.push(reason),
  });
  return report(name, where, results, skipped);
}

// An end like any other: what was started is ended by whoever started it.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

try {
  const { names, json, runs, rows, help } = commandLine();
  if (help) {
    process.stdout.write(HELP);
  } else {
    const reports: Report[] = [];
    for (const name of names) {
      const one = await measure(name, runs, rows);
      reports.push(one);
      process.stdout.write(json ? `${JSON.stringify(one)}\n` : `${table(one)}\n\n`);
    }
    process.exitCode = exitCode(reports);
  }
} catch (error) {
  const isMistake = error instanceof WrongCommandLine;
  process.stderr.write(`error: ${isMistake ? error.message : inspect(error)}\n`);
  process.exitCode = isMistake ? 2 : 1;
}
