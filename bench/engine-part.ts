/**
 * One part of the benchmark of the engine, in a process of its own, so that no part pays for the memory of
 * another: `node bench/engine-part.ts PART STORE RUNS`. STORE is the path of an SQLite file or a PostgreSQL URL.
 */
import { openPostgresStore } from '@berth/store/postgres';
import { openSqliteStore } from '@berth/store/sqlite';
import { overhead } from './engine-overhead.ts';
import { size } from './engine-size.ts';
import { throughput } from './engine-throughput.ts';
import type { Part } from './engine-world.ts';

const PARTS: Readonly<Record<string, Part>> = { throughput, size, overhead };

const [name = '', where = '', runs = ''] = process.argv.slice(2);
const part = PARTS[name];
if (part === undefined) throw new Error(`There is no part ${name}.`);
const store = where.startsWith('postgresql:')
  ? await openPostgresStore({ url: where })
  : openSqliteStore({ path: where });
const results = await part({
  store,
  runs: Number(runs),
  progress: (message) => void process.stderr.write(`engine: ${message}\n`),
});
process.stdout.write(JSON.stringify(results), () => process.exit(0));
