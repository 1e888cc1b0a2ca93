/** A thread that refreshes the catalog on the disk once, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RefreshJob, RefreshOutcome } from './catalog/refresh.ts';
import { openCatalogTool } from './catalog-tool.ts';

const job = workerData as RefreshJob; // from `refresh.ts`
const problems: string[] = [];
const tool = await openCatalogTool({
  home: job.home,
  env: process.env,
  cwd: job.home,
  signal: new AbortController().signal, // whoever stops the thread stops all of it
  progress: () => {},
  warn: (message) => void problems.push(message),
});
if (job.pull) {
  try {
    for (const { from, problems: found } of await tool.pull(null, { publicKey: null })) {
      for (const { source, reason } of found)
        problems.push(`${from}: ${source === null ? '' : `${source}: `}${reason}`);
    }
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
}
if (job.collect.length > 0) {
  try {
    const known = new Set((await tool.sources()).map(({ name }) => name));
    const chosen = job.collect.filter((name) => known.has(name));
    // A name that is mistyped costs the others nothing.
    for (const name of job.collect) if (!known.has(name)) problems.push(`There is no source \`${name}\`.`);
    for (const { source, ok, complaints } of chosen.length === 0 ? [] : await tool.collect(chosen)) {
      if (!ok) problems.push(`${source}: ${complaints[0]?.message ?? 'it was not collected'}`);
    }
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
}
parentPort?.postMessage({ problems } satisfies RefreshOutcome);
