/** Makes a second machine for a job whose first takes too long, on the best other offer. */

import type { Offer } from '@berth/core';
import { place } from '@berth/core/place';
import type { InstanceRow, JobRow } from '@berth/store';
import type { Books, Tx } from './books.ts';
import type { Breakers } from './breaker.ts';
import { fleetsOf } from './candidates.ts';
import { gatherOffers } from './gather-offers.ts';
import { heldOffers } from './held-offers.ts';
import { addInstance } from './new-instance.ts';
import { roomForNew } from './place-run.ts';
import type { EnginePorts } from './ports.ts';
import { avoidedOffers } from './retry.ts';

type Ports = Pick<EnginePorts, 'clock' | 'random' | 'backends' | 'sealer'>;

/** False: there is no other offer now, or no room for another machine. */
export async function makeHedge(
  books: Books,
  ports: Ports,
  breakers: Breakers,
  job: JobRow,
  signal: AbortSignal,
): Promise<boolean> {
  const run = await books.store.read.runs.get(job.runId);
  if (run === null) return false;
  const { offers } = await gatherOffers(ports, run.projectId, run.spec.requirements);
  signal.throwIfAborted();
  return books.write(null, (tx) => make(tx, ports, breakers, job, offers));
}

async function make(
  tx: Tx,
  ports: Ports,
  breakers: Breakers,
  { id }: JobRow,
  offers: readonly Offer[],
): Promise<boolean> {
  const job = await tx.read.jobs.get(id);
  if (job?.status !== 'provisioning' || job.instanceId === null || job.stopRequested !== null) return false;
  const run = await tx.read.runs.get(job.runId);
  const instance = await tx.read.instances.get(job.instanceId);
  if (run === null || instance === null || !isBeingMade(instance)) return false;
  if ((await tx.read.instances.count({ hedgeOf: instance.id })) > 0) return false;
  const now = ports.clock.now();
  const fleets = await fleetsOf(tx.read, run.projectId);
  const room = await roomForNew(tx.read, run.spec.fleets, fleets);
  // Machines of a cluster are where its others are: where the first one takes too long.
  if (room.fleet !== null && fleets.get(room.fleet)?.spec.placement === 'cluster') return false;
  const placement = place({
    nodes: 1,
    requirements: run.spec.requirements,
    instances: [],
    fleets: run.spec.fleets,
    offers: offers.filter((offer) => room.fits(offer) && isElsewhere(offer, instance)),
    creationPolicy: run.spec.creationPolicy,
    ...(room.max === null ? {} : { maxNewInstances: room.max }),
    held: await heldOffers(tx.read, breakers, run.projectId, now),
    avoidOffers: avoidedOffers([job], now),
    now,
  });
  const [assignment] = placement.kind === 'placed' ? placement.assignments : [];
  if (assignment?.kind !== 'offer') return false;
  const hedge = await addInstance(tx, ports, {
    project: run.projectId,
    fleet: room.fleet,
    offer: assignment.offer,
    idleDurationMs: room.fleet === null ? run.spec.idleDurationMs : null,
    label: run.name,
    busyBlocks: 0,
    hedgeOf: instance.id,
  });
  await tx.event({
    projectId: run.projectId,
    kind: 'instance.hedged',
    message: `Instance ${instance.name} takes long; ${hedge.name} (${hedge.backend} ${hedge.instanceType} in ${hedge.region}) is made beside it, and the one that is ready first gets the job`,
    targetKind: 'instance',
    targetId: instance.id,
    targetName: instance.name,
    runId: run.id,
    details: { hedge: hedge.id, price_per_hour: hedge.pricePerHour },
  });
  return true;
}

function isBeingMade({ status }: InstanceRow): boolean {
  return status === 'pending' || status === 'provisioning';
}

/** Another place or another type: the same machine there would most likely take as long. */
function isElsewhere(offer: Offer, { backend, region, zone, instanceType }: InstanceRow): boolean {
  return (
    offer.backend !== backend || offer.region !== region || offer.zone !== zone || offer.instanceType !== instanceType
  );
}
