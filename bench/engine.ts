/** The engine on the simulated cloud, with SQLite and with PostgreSQL: how many jobs, how many machines, how late. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noPostgres, startPostgres } from '@berth/store/testing/postgres-server';
import type { Bench, Result } from './harness.ts';

const PARTS = ['throughput', 'overhead', 'size'] as const;
/** As `berth` starts a server (`spawn-server.ts`, `server/src/main.ts`): memory is part of what is measured. */
const FLAGS = ['--max-semi-space-size=8', '--semi-space-growth-factor=1', '--heap-growing-percent=50'];
const PART = fileURLToPath(new URL('engine-part.ts', import.meta.url));

export const bench: Bench = async ({ runs, progress, skip }) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const results: Result[] = [];
  try {
    for (const part of PARTS) results.push(...(await measure('SQLite', part, join(dir, `${part}.db`), runs, progress)));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  if (noPostgres !== false) {
    skip(`PostgreSQL: ${noPostgres}`);
    return results;
  }
  const postgres = await startPostgres({ durable: true });
  try {
    for (const part of PARTS) {
      const url = postgres.url(await postgres.newSchema());
      results.push(...(await measure('PostgreSQL', part, url, runs, progress)));
    }
  } finally {
    await postgres.remove();
  }
  return results;
};

async function measure(
  store: string,
  part: (typeof PARTS)[number],
  where: string,
  runs: number,
  progress: (message: string) => void,
): Promise<readonly Result[]> {
  progress(`${part} on ${store}`);
  const child = spawn(process.execPath, [...FLAGS, PART, part, where, String(runs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The part ${part} of the benchmark ended with ${code}.`);
  // Written by `engine-part.ts`.
  const results = JSON.parse(said) as readonly Result[];
  return results.map((result) => ({ ...result, metric: `${store}: ${result.metric}` }));
}
