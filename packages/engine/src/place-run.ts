/** Finds a place for every job of a run that has none, and takes it: all of them in one transaction, or none. */
import type { FleetId, Millis, Offer, Requirements, RunId } from '@berth/core';
import { matcher } from '@berth/core/match';
import { type Assignment, type Placement, place } from '@berth/core/place';
import type { FleetRow, InstanceRow, JobRow, ReadTables, RunRow } from '@berth/store';
import { StaleRow } from '@berth/store';
import type { Books, Tx } from './books.ts';
import type { Breakers } from './breaker.ts';
import { type Candidate, candidates, fleetsOf, onTheirWay } from './candidates.ts';
import { isOnItsWay, isUsable } from './decide-instance.ts';
import type { Write } from './decision.ts';
import { gatherOffers } from './gather-offers.ts';
import { heldOffers } from './held-offers.ts';
import { addInstance } from './new-instance.ts';
import { noPlace } from './no-place.ts';
import type { EnginePorts } from './ports.ts';
import { avoidedOffers } from './retry.ts';
import { describeShortage } from './shortage.ts';
import { applyWrites } from './write.ts';

type Ports = Pick<EnginePorts, 'clock' | 'random' | 'backends' | 'sealer'>;

export async function placeRun(
  books: Books,
  ports: Ports,
  breakers: Breakers,
  runId: RunId,
  signal: AbortSignal,
): Promise<void> {
  // Without offers first: an idle instance costs no question to any cloud.
  const reused = await books.write(null, (tx) => attempt(tx, ports, breakers, runId, null));
  if (reused === 'done') return;
  const run = await books.store.read.runs.get(runId);
  if (run === null) return;
  const { offers } = await gatherOffers(ports, run.projectId, run.spec.requirements);
  // Who has stopped has not asked everybody: that nobody answered says nothing.
  signal.throwIfAborted();
  await books.write(null, (tx) => attempt(tx, ports, breakers, runId, offers));
}

async function attempt(
  tx: Tx,
  ports: Ports,
  breakers: Breakers,
  runId: RunId,
  offers: readonly Offer[] | null,
): Promise<'done' | 'needs-offers'> {
  const run = await tx.read.runs.get(runId);
  if (run === null || !run.live || run.stopRequested !== null) return 'done';
  if (run.status === 'terminating' || run.status === 'pending') return 'done';
  const jobs = await jobsOf(tx.read, run);
  const waiting = jobs.filter((job) => job.status === 'submitted' && job.stopRequested === null);
  if (waiting.length === 0) return 'done';
  const market = await marketOf(tx, ports, breakers, run, jobs, offers);
  const here = market.place(waiting, await beside(tx.read, run, jobs));
  if (here.kind === 'placed') {
    await assign(tx, ports, run, waiting, here.assignments, market.fleet);
    return 'done';
  }
  if (offers === null) return 'needs-offers';
  const now = ports.clock.now();
  const writes =
    waiting.length < jobs.length && market.place(jobs, run.spec.requirements).kind === 'placed'
      ? startOver(run, now)
      : noPlace(run, jobs, explain(await market.shortage(), here.because, waiting), here.retryAt ?? null, now);
  await applyWrites(tx, writes, { now: () => now, random: ports.random });
  return 'done';
}

/** The nodes that have a place let it go, and all are submitted again, where there is room for all of them. */
function startOver(run: RunRow, now: Millis): readonly Write[] {
  const message = 'Its nodes found no place together; they are tried elsewhere.';
  return [{ change: 'runs', row: run, patch: { status: 'terminating', nextAttemptAt: now, message } }];
}

/** What there is to choose from, as the books say now. */
interface Market {
  readonly fleet: FleetId | null;
  /** Who has the machines that it may have; null when it may have any. */
  shortage(): Promise<string | null>;
  place(jobs: readonly JobRow[], requirements: Requirements): Placement<Candidate>;
}

async function marketOf(
  tx: Tx,
  ports: Ports,
  breakers: Breakers,
  run: RunRow,
  jobs: readonly JobRow[],
  offers: readonly Offer[] | null,
): Promise<Market> {
  const now = ports.clock.now();
  const fleets = await fleetsOf(tx.read, run.projectId);
  const room = await roomForNew(tx.read, run.spec.fleets, fleets);
  const ready = await candidates(tx.read, ports.backends, run.projectId, fleets);
  // Most runs find an idle machine: what else there is is looked at only when they do not.
  const coming = offers === null ? [] : await onTheirWay(tx.read, ports.backends, run.projectId, fleets);
  const held = offers === null ? () => null : await heldOffers(tx.read, breakers, run.projectId, now);
  const fittingOffers = (offers ?? []).filter(room.fits);
  const placeOn: Market['place'] = (nodes, requirements) =>
    firstPlaced([ready, [...ready, ...coming]], (instances) =>
      place({
        nodes: nodes.length,
        requirements,
        instances,
        fleets: run.spec.fleets,
        offers: instances === ready ? [] : fittingOffers,
        creationPolicy: run.spec.creationPolicy,
        ...(room.max === null ? {} : { maxNewInstances: room.max }),
        held,
        avoidOffers: avoidedOffers(jobs, now),
        now,
      }),
    );
  return {
    fleet: room.fleet,
    shortage: () => describeShortage(tx.read, run.projectId, run.spec, fleets),
    place: placeOn,
  };
}

/** What is ready before what is on its way, and that, which is paid already, before what would have to be made. */
export function firstPlaced(
  choices: readonly [readonly Candidate[], readonly Candidate[]],
  placeWith: (instances: readonly Candidate[]) => Placement<Candidate>,
): Placement<Candidate> {
  const [ready, all] = choices;
  const now = all.length === ready.length ? null : placeWith(ready);
  return now?.kind === 'placed' ? now : placeWith(all);
}

async function assign(
  tx: Tx,
  ports: Ports,
  run: RunRow,
  jobs: readonly JobRow[],
  assignments: readonly Assignment<Candidate>[],
  fleet: FleetId | null,
): Promise<void> {
  const now = ports.clock.now();
  for (const assignment of assignments) {
    const job = jobs[assignment.node];
    if (job === undefined) throw new Error('Defect: a place for a node that does not wait.');
    const blocks = assignment.kind === 'instance' ? assignment.blocks : 1;
    const instance =
      assignment.kind === 'instance'
        ? await take(tx, assignment.instance.row, blocks)
        : await addInstance(tx, ports, {
            project: run.projectId,
            fleet,
            offer: assignment.offer,
            idleDurationMs: fleet === null ? run.spec.idleDurationMs : null,
            label: run.name,
            busyBlocks: blocks,
          });
    await tx.change('jobs', job, {
      status: 'provisioning',
      instanceId: instance.id,
      pricePerHour: (instance.pricePerHour * blocks) / instance.totalBlocks,
      heldFrom: now,
      message: null,
    });
  }
}

async function take(tx: Tx, row: InstanceRow, blocks: number): Promise<InstanceRow> {
  const fresh = await tx.read.instances.get(row.id);
  if (fresh === null || !(isUsable(fresh) || isOnItsWay(fresh))) throw new StaleRow('instances', row.id);
  if (isOnItsWay(fresh)) return tx.change('instances', fresh, { busyBlocks: blocks });
  return tx.change('instances', fresh, { status: 'busy', busyBlocks: fresh.busyBlocks + blocks, idleSince: null });
}

export async function jobsOf(read: Pick<ReadTables, 'jobs'>, run: RunRow): Promise<JobRow[]> {
  const jobs = await read.jobs.find({ where: { runId: run.id, submission: run.submission } });
  return jobs.sort((a, b) => a.replica - b.replica || a.node - b.node);
}

/** Nodes that wait follow the nodes that are placed: same backend, same region. */
async function beside(
  read: Pick<ReadTables, 'instances'>,
  run: RunRow,
  jobs: readonly JobRow[],
): Promise<Requirements> {
  const { requirements } = run.spec;
  for (const job of jobs) {
    if (job.instanceId === null) continue;
    const peer = await read.instances.get(job.instanceId);
    if (peer !== null) return { ...requirements, backends: [peer.backend], regions: [peer.region] };
  }
  return requirements;
}

interface Room {
  readonly fleet: FleetId | null;
  /** How many machines may be made; null: any number. */
  readonly max: number | null;
  /** Whether the fleet takes such a machine. */
  readonly fits: (offer: Offer) => boolean;
}

/** Into which fleet a new machine goes, and how many may be made: a run that names fleets stays within them. */
export async function roomForNew(
  read: Pick<ReadTables, 'instances'>,
  names: readonly string[] | null,
  fleets: ReadonlyMap<FleetId, FleetRow>,
): Promise<Room> {
  if (names === null) return { fleet: null, max: null, fits: () => true };
  let most: Room | null = null;
  for (const fleet of fleets.values()) {
    if (!names.includes(fleet.name) || fleet.status !== 'active') continue;
    const misfit = matcher(fleet.spec.requirements);
    const fits = (offer: Offer): boolean => misfit(offer) === null;
    if (fleet.spec.nodes.max === null) return { fleet: fleet.id, max: null, fits };
    const alive = await read.instances.count({ fleetId: fleet.id, status: { not: 'terminated' } });
    const max = Math.max(0, fleet.spec.nodes.max - alive);
    // One that is full counts too: its offers explain why no machine is made.
    if (most === null || max > (most.max ?? 0)) most = { fleet: fleet.id, max, fits };
  }
  return most ?? { fleet: null, max: 0, fits: () => false };
}

function explain(
  shortage: string | null,
  because: readonly { readonly reason: string; readonly count: number }[],
  waiting: readonly JobRow[],
): string {
  const refused = waiting.map((job) => job.message).find((message) => message !== null);
  // An idle machine and the offer that it was made from do not fit for the same reason: that is one.
  const counts = new Map<string, number>();
  for (const { reason, count } of because) counts.set(reason, Math.max(count, counts.get(reason) ?? 0));
  // A shortage says all that the refusals say, and of which machines.
  const reasons =
    shortage !== null
      ? [shortage]
      : [...counts].slice(0, 3).map(([reason, count]) => (count > 1 ? `${count} × ${reason}` : reason));
  return [...(refused ? [refused] : []), ...reasons].join('; ');
}
