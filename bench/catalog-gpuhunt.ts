/** Python's gpuhunt on the same rows, where it is installed: its hit counts must be ours. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Catalog } from '@berth/catalog';
import { QUERIES } from './catalog-queries.ts';
import { atLeast, atMost, median, type Result, spread } from './harness.ts';

interface Theirs {
  readonly rows: number;
  readonly load_ms: number;
  readonly queries: readonly { readonly name: string; readonly hits: number; readonly ms: readonly number[] }[];
}

export interface Ours {
  readonly rows: number;
  readonly loadMs: readonly number[];
  /** Samples in ms, by the query's name. */
  readonly queryMs: ReadonlyMap<string, readonly number[]>;
}

/** The Python that has gpuhunt; null: none has. `BERTH_BENCH_PYTHON` names another one than `python3`. */
export function pythonWithGpuhunt(): string | null {
  const python = process.env['BERTH_BENCH_PYTHON'] ?? 'python3';
  const { status } = spawnSync(python, ['-c', 'import gpuhunt'], { stdio: 'ignore' });
  return status === 0 ? python : null;
}

/** `dir` holds its CSV files. @throws Error when it fails on them */
export function besideGpuhunt(
  python: string,
  dir: string,
  runs: number,
  catalog: Catalog,
  ours: Ours,
): readonly Result[] {
  const asked = QUERIES.flatMap(({ name, gpuhunt }) => (gpuhunt === null ? [] : [{ name, arguments: gpuhunt }]));
  const { status, stdout, stderr } = spawnSync(
    python,
    [join(import.meta.dirname, 'catalog-gpuhunt.py'), dir, String(runs)],
    { input: JSON.stringify(asked), encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`gpuhunt failed: ${stderr.slice(-1000)}`);
  const theirs = JSON.parse(stdout) as Theirs; // our own script wrote it
  const differing = theirs.queries.filter(({ name, hits }) => hits !== countOf(catalog, name));
  const at = `${ours.rows} rows`;
  return [
    atMost(0, {
      metric: `${at}: queries with another number of hits than gpuhunt${differing.map(({ name }) => ` (${name})`).join('')}`,
      value: differing.length + Math.abs(theirs.rows - ours.rows),
      unit: `of ${theirs.queries.length}`,
    }),
    atLeast(1, {
      metric: `${at}: load`,
      value: theirs.load_ms / median(ours.loadMs),
      unit: '× as fast as gpuhunt',
      baseline: theirs.load_ms,
      baselineUnit: 'ms',
      samples: spread(ours.loadMs),
      samplesUnit: 'ms',
    }),
    ...theirs.queries.map(({ name, ms }) => {
      const samples = ours.queryMs.get(name) ?? [];
      return atLeast(1, {
        metric: `${at}: ${name}`,
        value: median(ms) / median(samples),
        unit: '× as fast as gpuhunt',
        baseline: median(ms),
        baselineUnit: 'ms',
        samples: spread(samples),
        samplesUnit: 'ms',
      });
    }),
  ];
}

function countOf(catalog: Catalog, name: string): number {
  const query = QUERIES.find((one) => one.name === name)?.query;
  return query === undefined ? -1 : catalog.query(query).total;
}
