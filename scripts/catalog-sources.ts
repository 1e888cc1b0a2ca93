/**
 * Prints, as a JSON list, the types of all clouds in `backends/` that have prices: what the hourly workflow has a job
 * for. Those whose config must be filled in are one's own, and have no price list for everybody.
 */
import { join } from 'node:path';
import { discoverBackends, loadBackends } from '@berth/backend';

export async function pricedTypes(root: string): Promise<readonly string[]> {
  const { available, unavailable } = await loadBackends(await discoverBackends({ roots: [join(root, 'backends')] }));
  for (const { dir, reason } of unavailable) console.error(`${dir}: ${reason}`);
  return available
    .filter(({ definition: { catalog, config } }) => catalog.kind !== 'owned' && config.safeParse({}).success)
    .map(({ definition }) => definition.type)
    .sort();
}

if (import.meta.main) console.log(JSON.stringify(await pricedTypes(join(import.meta.dirname, '..'))));
