import { BackendError } from '@berth/backend/backend-error';
import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { collectClusters } from './clusters.ts';
import { collectCpus } from './cpus.ts';
import { collectGpus } from './gpus.ts';
import { readOverview } from './overview.ts';

/** Everything that RunPod rents as pods: with GPUs, as clusters, and without. */
export async function* collectRunPod(context: CollectContext<unknown>): AsyncGenerator<CollectedOffer> {
  const overview = await readOverview(context);
  let found = 0;
  for await (const offer of collectGpus(context, overview)) {
    found += 1;
    yield offer;
  }
  // Clusters alone are not what RunPod is: with no single pod anywhere, something is wrong.
  if (found === 0) throw new BackendError('unknown', 'RunPod listed no offers with GPUs', { scope: 'cloud' });
  yield* collectClusters(context);
  yield* collectCpus(context, overview);
}
