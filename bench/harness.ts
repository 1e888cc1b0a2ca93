/**
 * What every benchmark shares: samples taken in turn with their baseline, medians, verdicts against
 * limits, and how a report is shown. No clock and no process in here, so that all of it is tested.
 */

/** Fewer runs than this and a median says little about a machine that other work shares. */
export const LEAST_RUNS = 20;

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** One line of a report. */
export interface Result {
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number;
  /** Which side of the limit is right; the limit itself is. */
  readonly bound: 'at most' | 'at least';
  /** What was measured in the same run to compare with, in `baselineUnit`. */
  readonly baseline?: number;
  readonly baselineUnit?: string;
  /** The samples behind the value, in `samplesUnit`, so that a reader sees the noise. */
  readonly samples?: Spread;
  readonly samplesUnit?: string;
  readonly ok: boolean;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly os: string;
  readonly node: string;
  /** Processes that were ready to run in the last minute, on average: other work makes numbers worse. */
  readonly load: number;
}

export interface Report {
  readonly bench: string;
  readonly machine: Machine;
  readonly results: readonly Result[];
  /** Parts of the benchmark that could not be run here, and why. */
  readonly skipped: readonly string[];
  readonly ok: boolean;
}

/** What a benchmark gets. */
export interface BenchContext {
  readonly runs: number;
  /** Sizes of the catalog to measure, in offers; ascending. */
  readonly rows: readonly number[];
  /** Tells a person who waits; never part of the report. */
  progress(message: string): void;
  /** A part that is absent here: the report says so. */
  skip(reason: string): void;
}

export type Bench = (context: BenchContext) => Promise<readonly Result[]>;

/** @throws RangeError without a single sample */
export function spread(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const [min, max] = [sorted.at(0), sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError('a median needs at least one sample');
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? max;
  const lower = sorted[Math.ceil(middle) - 1] ?? min;
  return { median: (lower + upper) / 2, min, max, runs: sorted.length };
}

export const median = (samples: readonly number[]): number => spread(samples).median;

/**
 * Takes `runs` samples of each subject, all of them in every round, so that what slows the machine down
 * for a while slows all of them. Every other round goes the other way round: nobody is always first.
 * The samples of `warmUp` rounds are thrown away.
 */
export async function inTurn<Name extends string>(
  subjects: Readonly<Record<Name, () => Promise<number>>>,
  options: { readonly runs: number; readonly warmUp: number },
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const names = Object.keys(subjects) as Name[]; // keys of a record of Name
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>; // one each
  for (let round = -options.warmUp; round < options.runs; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const sample = await subjects[name]();
      if (round >= 0) samples[name].push(sample);
    }
  }
  return samples;
}

/** A value that must not be over its limit. */
export function atMost(limit: number, result: Omit<Result, 'ok' | 'limit' | 'bound'>): Result {
  return { ...result, limit, bound: 'at most', ok: result.value <= limit };
}

/** A value that must not be under its limit. */
export function atLeast(limit: number, result: Omit<Result, 'ok' | 'limit' | 'bound'>): Result {
  return { ...result, limit, bound: 'at least', ok: result.value >= limit };
}

/** How many times as long as the baseline, medians of both; samples in ms. */
export function ratio(
  metric: string,
  of: string,
  samples: readonly number[],
  baseline: readonly number[],
  limit: number,
): Result {
  const subject = spread(samples);
  const base = median(baseline);
  return atMost(limit, {
    metric,
    value: subject.median / base,
    unit: `× ${of}`,
    baseline: base,
    baselineUnit: 'ms',
    samples: subject,
    samplesUnit: 'ms',
  });
}

/** How much longer than the baseline, medians of both; samples in ms. */
export function excess(
  metric: string,
  than: string,
  samples: readonly number[],
  baseline: readonly number[],
  limit: number,
): Result {
  const subject = spread(samples);
  const base = median(baseline);
  return atMost(limit, {
    metric,
    value: subject.median - base,
    unit: `ms more than ${than}`,
    baseline: base,
    baselineUnit: 'ms',
    samples: subject,
    samplesUnit: 'ms',
  });
}

/** A report without a single result proved nothing, so it is not ok unless everything was skipped on purpose. */
export function report(
  bench: string,
  machine: Machine,
  results: readonly Result[],
  skipped: readonly string[],
): Report {
  const ok = results.every((result) => result.ok) && (results.length > 0 || skipped.length > 0);
  return { bench, machine, results, skipped, ok };
}

/** 0: every limit is kept; 1: one is missed. */
export function exitCode(reports: readonly Report[]): 0 | 1 {
  return reports.every((one) => one.ok) ? 0 : 1;
}

export function number(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

/** The report as a table for a person. */
export function table(one: Report): string {
  const { machine } = one;
  const header = ['', 'metric', 'value', 'limit', 'baseline', 'min / median / max (runs)'];
  const rows = one.results.map((result) => [
    result.ok ? 'ok' : 'MISSED',
    result.metric,
    `${number(result.value)} ${result.unit}`,
    `${result.bound === 'at most' ? '≤' : '≥'} ${number(result.limit)}`,
    result.baseline === undefined ? '' : `${number(result.baseline)} ${result.baselineUnit ?? ''}`,
    result.samples === undefined ? '' : samplesText(result.samples, result.samplesUnit ?? ''),
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    `${one.bench}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryMiB} MiB, ${machine.os}, Node ${machine.node}, load ${number(machine.load)}`,
    ...[header, ...rows].map(line),
    ...one.skipped.map((reason) => `skipped: ${reason}`),
    one.ok ? 'every limit is kept' : 'a limit is missed',
  ].join('\n');
}

function samplesText({ min, median: middle, max, runs }: Spread, unit: string): string {
  return `${number(min)} / ${number(middle)} / ${number(max)} ${unit} (${runs})`;
}
