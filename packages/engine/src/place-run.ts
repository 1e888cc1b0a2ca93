/** Finds a place for every job of a run that has none, and takes it: all of them in one transaction, or none. */
import type { FleetId, InstanceId, Millis, Offer, ProjectId, RandomBytes, Requirements, RunId } from '@berth/core';
import { newId, Secret } from '@berth/core';
import { matcher } from '@berth/core/match';
import { type PlaceableInstance, place } from '@berth/core/place';
import type { FleetRow, Insert, InstanceRow, JobRow, ReadTables, RunRow } from '@berth/store';
import { StaleRow } from '@berth/store';
import type { Books, Tx } from './books.ts';
import { createIntent, isUsable } from './decide-instance.ts';
import { noPlace } from './decide-run.ts';
import { gatherOffers } from './gather-offers.ts';
import type { EnginePorts } from './ports.ts';
import { applyWrites } from './write.ts';

type Ports = Pick<EnginePorts, 'clock' | 'random' | 'backends' | 'sealer'>;

/** An instance as the planner sees it, with the row behind it. */
export interface Candidate extends PlaceableInstance {
  readonly row: InstanceRow;
}

export async function placeRun(books: Books, ports: Ports, runId: RunId): Promise<void> {
  // Without offers first: an idle instance costs no question to any cloud.
  const reused = await attempt(books, ports, runId, null);
  if (reused !== 'needs-offers') return;
  const run = await books.store.read.runs.get(runId);
  if (run === null) return;
  const requirements = await narrowed(books.store.read, run);
  const gathered = await gatherOffers(ports, run.projectId, requirements);
  await attempt(books, ports, runId, gathered.offers);
}

async function attempt(
  books: Books,
  ports: Ports,
  runId: RunId,
  offers: readonly Offer[] | null,
): Promise<'done' | 'needs-offers'> {
  return books.write(null, async (tx) => {
    const run = await tx.read.runs.get(runId);
    if (run === null || run.stopRequested !== null || run.status === 'terminating' || !run.live) return 'done';
    const jobs = await jobsOf(tx.read, run);
    const waiting = jobs.filter((job) => job.status === 'submitted' && job.stopRequested === null);
    if (waiting.length === 0) return 'done';
    const now = ports.clock.now();
    const fleets = await fleetsOf(tx.read, run.projectId);
    const headroom = await fleetForNew(tx.read, run, fleets);
    const placement = place({
      nodes: waiting.length,
      requirements: await narrowed(tx.read, run),
      instances: await candidates(tx.read, run.projectId, fleets),
      fleets: run.spec.fleets,
      offers: (offers ?? []).filter(headroom.fits),
      creationPolicy: run.spec.creationPolicy,
      ...(headroom.max === null ? {} : { maxNewInstances: headroom.max }),
      avoidOffers: Object.assign({}, ...waiting.map((job) => job.avoidOffers)) as Record<string, Millis>,
      now,
    });
    if (placement.kind === 'none') {
      if (offers === null) return 'needs-offers';
      const message = explain(placement.because, waiting);
      await applyWrites(tx, noPlace(run, waiting, message, placement.retryAt ?? null, now), {
        now: () => now,
        random: ports.random,
      });
      return 'done';
    }
    for (const assignment of placement.assignments) {
      const job = waiting[assignment.node];
      if (job === undefined) throw new Error('Defect: a place for a node that does not wait.');
      const instance =
        assignment.kind === 'instance'
          ? await take(tx, assignment.instance.row, assignment.blocks)
          : await addInstance(tx, ports, {
              project: run.projectId,
              fleet: headroom.fleet,
              offer: assignment.offer,
              idleDurationMs: headroom.fleet === null ? run.spec.idleDurationMs : null,
              label: run.name,
              busyBlocks: 1,
            });
      await tx.change('jobs', job, {
        status: 'provisioning',
        instanceId: instance.id,
        pricePerHour:
          (instance.pricePerHour * (assignment.kind === 'instance' ? assignment.blocks : 1)) / instance.totalBlocks,
        heldFrom: now,
        message: null,
      });
    }
    return 'done';
  });
}

async function take(tx: Tx, row: InstanceRow, blocks: number): Promise<InstanceRow> {
  const fresh = await tx.read.instances.get(row.id);
  if (fresh === null || !isUsable(fresh)) throw new StaleRow('instances', row.id);
  return tx.change('instances', fresh, { status: 'busy', busyBlocks: fresh.busyBlocks + blocks, idleSince: null });
}

/** A new machine on the books, with the intent to create it. Nothing has been asked of the cloud yet. */
export async function addInstance(
  tx: Tx,
  ports: Ports,
  what: {
    readonly project: ProjectId;
    readonly fleet: FleetId | null;
    readonly offer: Offer;
    readonly idleDurationMs: number | null;
    readonly label: string;
    readonly busyBlocks: number;
  },
): Promise<InstanceRow> {
  const now = ports.clock.now();
  const id = newId<'InstanceId'>(now, ports.random);
  const { offer } = what;
  const row: Insert<InstanceRow> = {
    id,
    projectId: what.project,
    fleetId: what.fleet,
    name: `${what.label}-${id.slice(-6)}`,
    status: 'pending',
    endReason: null,
    message: null,
    backend: offer.backend,
    region: offer.region,
    zone: offer.zone,
    instanceType: offer.instanceType,
    capacityType: offer.capacityType,
    pricePerHour: offer.pricePerHour,
    resources: offer.resources,
    offer,
    token: id,
    cloudId: null,
    address: null,
    internalIp: null,
    gpuDevices: [],
    agentSecret: ports.sealer.seal(new Secret(Buffer.from(ports.random(32)).toString('base64url'))),
    totalBlocks: 1,
    busyBlocks: what.busyBlocks,
    idleDurationMs: what.idleDurationMs,
    createdAt: now,
    readyAt: null,
    idleSince: null,
    unreachableSince: null,
    terminationRequestedAt: null,
    terminatedAt: null,
    agentEventSeq: 0,
    agentBootId: null,
  };
  const added = await tx.add('instances', row);
  await tx.add('intents', { ...createIntent(added, now), id: newId<'IntentId'>(now, ports.random) });
  return added;
}

export async function jobsOf(read: Pick<ReadTables, 'jobs'>, run: RunRow): Promise<JobRow[]> {
  const jobs = await read.jobs.find({ where: { runId: run.id, submission: run.submission } });
  return jobs.sort((a, b) => a.replica - b.replica || a.node - b.node);
}

/** Nodes that wait follow the nodes that are placed: same backend, same region. */
async function narrowed(read: Pick<ReadTables, 'jobs' | 'instances'>, run: RunRow): Promise<Requirements> {
  const { requirements } = run.spec;
  for (const job of await jobsOf(read, run)) {
    if (job.instanceId === null) continue;
    const peer = await read.instances.get(job.instanceId);
    if (peer !== null) return { ...requirements, backends: [peer.backend], regions: [peer.region] };
  }
  return requirements;
}

export async function fleetsOf(
  read: Pick<ReadTables, 'fleets'>,
  project: ProjectId,
): Promise<ReadonlyMap<FleetId, FleetRow>> {
  const rows = await read.fleets.find({ where: { projectId: project, live: true } });
  return new Map(rows.map((row) => [row.id, row]));
}

export async function candidates(
  read: Pick<ReadTables, 'instances'>,
  project: ProjectId,
  fleets: ReadonlyMap<FleetId, FleetRow>,
): Promise<Candidate[]> {
  const rows = await read.instances.find({ where: { projectId: project, status: { in: ['idle', 'busy'] } } });
  return rows
    .filter((row) => isUsable(row) && (row.fleetId === null || fleets.get(row.fleetId)?.status === 'active'))
    .map((row) => candidate(row, row.fleetId === null ? null : (fleets.get(row.fleetId)?.name ?? null)));
}

function candidate(row: InstanceRow, fleet: string | null): Candidate {
  const {
    id,
    backend,
    region,
    zone,
    instanceType,
    capacityType,
    pricePerHour,
    resources,
    totalBlocks,
    busyBlocks,
    createdAt,
    idleSince,
  } = row;
  return {
    id,
    backend,
    region,
    zone,
    instanceType,
    capacityType,
    pricePerHour,
    resources,
    totalBlocks,
    busyBlocks,
    createdAt,
    idleSince,
    fleet,
    row,
  };
}

interface Headroom {
  readonly fleet: FleetId | null;
  /** How many machines may be made; null: any number. */
  readonly max: number | null;
  /** Whether the fleet takes such a machine. */
  readonly fits: (offer: Offer) => boolean;
}

/** Into which fleet a new machine goes, and how many may be made: a run that names fleets stays within them. */
async function fleetForNew(
  read: Pick<ReadTables, 'instances'>,
  run: RunRow,
  fleets: ReadonlyMap<FleetId, FleetRow>,
): Promise<Headroom> {
  const names = run.spec.fleets;
  if (names === null) return { fleet: null, max: null, fits: () => true };
  let most: Headroom = { fleet: null, max: 0, fits: () => false };
  for (const fleet of fleets.values()) {
    if (!names.includes(fleet.name) || fleet.status !== 'active') continue;
    const misfit = matcher(fleet.spec.requirements);
    const fits = (offer: Offer): boolean => misfit(offer) === null;
    if (fleet.spec.nodes.max === null) return { fleet: fleet.id, max: null, fits };
    const alive = await read.instances.count({ fleetId: fleet.id, status: { not: 'terminated' } });
    const room = Math.max(0, fleet.spec.nodes.max - alive);
    if (room > (most.max ?? 0)) most = { fleet: fleet.id, max: room, fits };
  }
  return most;
}

function explain(
  because: readonly { readonly reason: string; readonly count: number }[],
  waiting: readonly JobRow[],
): string {
  const refused = waiting.map((job) => job.message).find((message) => message !== null);
  const reasons = because.slice(0, 3).map(({ reason, count }) => (count > 1 ? `${count} × ${reason}` : reason));
  return [...(refused ? [refused] : []), ...reasons].join('; ');
}
