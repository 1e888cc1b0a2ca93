/**
 * The catalog: how fast it is loaded, asked, renewed and imported, and what it takes in memory; beside
 * Python's gpuhunt where that is installed.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { type Catalog, SnapshotBuilder } from '@berth/catalog';
import { readFileBytes } from '@berth/catalog/formats/byte-source';
import { readGpuhuntCsv } from '@berth/catalog/formats/gpuhunt';
import { SYNTHETIC_CLOUDS } from '@berth/catalog/testing/synthetic';
import { COLLECTED_AT, providerOf } from './catalog-files.ts';
import { besideGpuhunt, pythonWithGpuhunt } from './catalog-gpuhunt.ts';
import { catalogOf, readSnapshots, readSnapshotsAtOnce, replaceAll } from './catalog-load.ts';
import { QUERIES } from './catalog-queries.ts';
import { atLeast, atMost, type Bench, type BenchContext, median, type Result, spread } from './harness.ts';

/** In ms; sizes in between keep the limits of the next larger one, larger ones those of the largest in proportion. */
interface Limits {
  readonly rows: number;
  readonly load: number;
  readonly p50: number;
  readonly p99: number;
}
const LARGEST: Limits = { rows: 500_000, load: 120, p50: 1, p99: 5 };
const LIMITS: readonly Limits[] = [{ rows: 50_000, load: 30, p50: 0.2, p99: 5 }, LARGEST];
const BYTES_PER_ROW = 120;
const SLOWEST_WHILE_SWAPPING_MS = 10;
const IMPORTED_ROWS_PER_S = 400_000;

const LEAST_QUERIES = 400; // a p99 of fewer is the worst of a few
const WARM_UP_QUERIES = 50;
const SWAPS = 10;
/** The slowest of all is one bad moment of the machine; the median of several slowest is ours. */
const SWAP_ROUNDS = 5;
/** Two medians are compared, each off by some tenth; and caches hold the smaller catalog whole. */
const GROWTH_NOISE = 1.25;
/** gpuhunt takes seconds for what is asked here. */
const RUNS_OF_GPUHUNT = 5;
/** Larger files of CSV say nothing more, and take a disk. */
const MOST_CSV_ROWS = 500_000;

/** What is compared between sizes, all medians. */
interface Cost {
  readonly rows: number;
  readonly loadMs: number;
  readonly queriesMs: number;
  readonly bytes: number;
}

export const bench: Bench = async (context) => {
  const results: Result[] = [];
  const costs: Cost[] = [];
  for (const rows of context.rows) {
    const dir = mkdtempSync(join(tmpdir(), 'berth-bench-catalog-'));
    try {
      costs.push(await measure(dir, rows, context, results));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  return [...results, ...growth(costs)];
};

async function measure(dir: string, rows: number, context: BenchContext, results: Result[]): Promise<Cost> {
  const { runs, progress, skip } = context;
  const { limits, times } = limitsFor(rows);
  const at = `${rows} rows`;
  const withCsv = rows <= MOST_CSV_ROWS;
  progress(`${at}: writing`);
  child(['catalog-files.ts', dir, String(rows), ...(withCsv ? ['csv'] : [])]);

  progress(`${at}: loading`);
  const loadMs = samples(runs, 2, () => readSnapshotsAtOnce(dir));
  const load = { metric: `${at}: load`, value: median(loadMs), unit: 'ms', samples: spread(loadMs), samplesUnit: 'ms' };
  results.push(atMost(times * limits.load, load));

  progress(`${at}: asking`);
  const catalog = catalogOf(readSnapshotsAtOnce(dir));
  const queryMs = askedInTurn(catalog, Math.max(LEAST_QUERIES, runs));
  for (const [name, ms] of queryMs) {
    const shared = { samples: spread(ms), samplesUnit: 'ms', unit: 'ms' };
    results.push(atMost(times * limits.p50, { ...shared, metric: `${at}: ${name}, p50`, value: median(ms) }));
    results.push(atMost(times * limits.p99, { ...shared, metric: `${at}: ${name}, p99`, value: percentile(ms, 0.99) }));
  }

  progress(`${at}: memory`);
  const memory = JSON.parse(child(['--expose-gc', 'catalog-memory.ts', dir])) as { rows: number; bytes: number }; // ours
  results.push(
    atMost(BYTES_PER_ROW, { metric: `${at}: resident`, value: memory.bytes / memory.rows, unit: 'bytes/row' }),
  );

  progress(`${at}: renewing`);
  const rounds: (readonly number[])[] = [];
  for (let round = 0; round < SWAP_ROUNDS; round += 1) rounds.push(await askedWhileSwapping(catalog, dir));
  const slowest = rounds.map((latencies) => spread(latencies).max);
  results.push(
    atMost(times * SLOWEST_WHILE_SWAPPING_MS, {
      metric: `${at}: slowest of ~${Math.round(rounds.flat().length / SWAP_ROUNDS)} queries while ${SWAPS} versions come in`,
      value: median(slowest),
      unit: 'ms',
      samples: spread(slowest),
      samplesUnit: 'ms',
    }),
  );

  if (withCsv) {
    progress(`${at}: importing`);
    results.push(await imported(dir, rows, at));
    const python = pythonWithGpuhunt();
    if (python === null) {
      skip(`${at}: beside gpuhunt; Python does not have it here (BERTH_BENCH_PYTHON names another Python)`);
    } else {
      progress(`${at}: the same with gpuhunt`);
      results.push(
        ...besideGpuhunt(python, dir, RUNS_OF_GPUHUNT, catalog, { rows: catalog.count({}), loadMs, queryMs }),
      );
    }
  }
  const queriesMs = [...queryMs.values()].reduce((sum, ms) => sum + median(ms), 0);
  return { rows, loadMs: median(loadMs), queriesMs, bytes: memory.bytes };
}

function limitsFor(rows: number): { readonly limits: Limits; readonly times: number } {
  const limits = LIMITS.find((one) => rows <= one.rows) ?? LARGEST;
  return { limits, times: Math.max(1, rows / limits.rows) };
}

/** Every round asks everything once, so that a bad moment of the machine hits all alike. Every sample counts. */
function askedInTurn(catalog: Catalog, runs: number): ReadonlyMap<string, readonly number[]> {
  const taken = new Map<string, number[]>(QUERIES.map(({ name }) => [name, []]));
  for (let round = -WARM_UP_QUERIES; round < runs; round += 1) {
    for (const { name, query } of QUERIES) {
      const began = performance.now();
      catalog.query({ ...query, limit: 100 });
      if (round >= 0) taken.get(name)?.push(performance.now() - began);
    }
  }
  return taken;
}

/** Latencies as a caller sees them, in ms: from the wish to ask until the answer. Every one counts. */
async function askedWhileSwapping(catalog: Catalog, dir: string): Promise<readonly number[]> {
  const latencies: number[] = [];
  let isSwapping = true;
  const asking = (async () => {
    for (let number = 0; isSwapping; number += 1) {
      const query = QUERIES[number % QUERIES.length]?.query ?? {};
      const wished = performance.now();
      await turn();
      catalog.query({ ...query, limit: 100 });
      latencies.push(performance.now() - wished);
    }
  })();
  for (let swap = 0; swap < SWAPS; swap += 1) replaceAll(catalog, await readSnapshots(dir));
  isSwapping = false;
  await asking;
  return latencies;
}

/** From CSV files to snapshots that could be published; by the time of all processors, so that it is for one. */
async function imported(dir: string, rows: number, at: string): Promise<Result> {
  const rates: number[] = [];
  for (let run = -1; run < 5; run += 1) {
    const began = process.cpuUsage();
    let accepted = 0;
    for (const { backend } of SYNTHETIC_CLOUDS) {
      const builder = new SnapshotBuilder({ source: backend, collectedAt: COLLECTED_AT });
      const report = await readGpuhuntCsv(readFileBytes(join(dir, `${providerOf(backend)}.csv`)), {
        backend,
        collectedAt: COLLECTED_AT,
        onOffer: (offer) => builder.add(offer),
      });
      accepted += report.accepted;
      builder.finish();
    }
    if (accepted < rows * 0.999) throw new Error(`${accepted} of ${rows} rows were imported`);
    const { user, system } = process.cpuUsage(began);
    if (run >= 0) rates.push(accepted / ((user + system) / 1e6));
  }
  return atLeast(IMPORTED_ROWS_PER_S, {
    metric: `${at}: import of gpuhunt's CSV into snapshots`,
    value: median(rates),
    unit: 'rows/s per core',
    samples: spread(rates),
    samplesUnit: 'rows/s',
  });
}

/** From each size to the next: no cost grows faster than the rows do, but for noise. */
function growth(costs: readonly Cost[]): readonly Result[] {
  return costs.slice(1).flatMap((larger, index) => {
    const smaller = costs[index] ?? larger;
    const more = larger.rows / smaller.rows;
    const grown = (what: string, a: number, b: number) =>
      atMost(more * GROWTH_NOISE, {
        metric: `from ${smaller.rows} to ${larger.rows} rows: ${what}`,
        value: b / a,
        unit: '× as much',
      });
    return [
      grown('load', smaller.loadMs, larger.loadMs),
      grown('all queries', smaller.queriesMs, larger.queriesMs),
      grown('memory', smaller.bytes, larger.bytes),
    ];
  });
}

function samples(runs: number, warmUp: number, work: () => unknown): readonly number[] {
  const taken: number[] = [];
  for (let run = -warmUp; run < runs; run += 1) {
    const began = performance.now();
    work();
    if (run >= 0) taken.push(performance.now() - began);
  }
  return taken;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** Runs a script of this folder. @throws Error when it fails */
function child(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed: ${stderr.slice(-1000)}`);
  return stdout;
}
