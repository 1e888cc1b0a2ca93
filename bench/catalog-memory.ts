/** `node --expose-gc catalog-memory.ts DIR`: bytes that the catalog of DIR takes in memory, after it was asked everything. */

import { catalogOf, readSnapshots } from './catalog-load.ts';
import { QUERIES } from './catalog-queries.ts';

function resident(): number {
  // External memory is freed a turn after what held it.
  for (let turn = 0; turn < 4; turn += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const [dir] = process.argv.slice(2);
if (dir === undefined || globalThis.gc === undefined) throw new Error('usage: node --expose-gc catalog-memory.ts DIR');
// Code and registry are loaded once, however many offers there are.
for (const { query } of QUERIES) catalogOf([]).query(query);
const before = resident();
const snapshots = await readSnapshots(dir);
const catalog = catalogOf(snapshots);
for (const { query } of QUERIES) catalog.query({ ...query, limit: 100 });
const rows = snapshots.reduce((sum, snapshot) => sum + snapshot.size, 0);
const bytes = resident() - before;
process.stdout.write(JSON.stringify({ rows, bytes, held: catalog.count({}) }));
