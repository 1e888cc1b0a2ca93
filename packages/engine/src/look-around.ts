/** Looks at what is a backend's and no single machine's: its list against the books, and its orphans. */
import type { Millis } from '@berth/core';
import { INSTANCE_STATUSES, isInstanceAlive } from '@berth/core';
import { decideOrphan, type OrphanEffect } from './act-orphan.ts';
import type { Tx } from './books.ts';
import { type Decision, NOTHING } from './decision.ts';
import type { Backends } from './ports.ts';
import { placeOf, type Sweeps } from './sweeps.ts';
import { SWEEP_GAP_MS } from './timing.ts';

export type AroundEffect = OrphanEffect | { readonly kind: 'sweep'; readonly id: string };

interface Around {
  readonly now: Millis;
  readonly backends: Pick<Backends, 'get'>;
  readonly sweeps: Sweeps;
}

const ALIVE = INSTANCE_STATUSES.filter(isInstanceAlive);

/** @param id `<project>/<backend>` */
export async function lookAtSweep(
  tx: Tx,
  id: string,
  { now, backends, sweeps }: Around,
): Promise<Decision<AroundEffect>> {
  const { project, backend } = placeOf(id);
  // Whoever configures it wakes this.
  if (backends.get(project, backend) === null) {
    await tellUnavailable(tx, id);
    return NOTHING;
  }
  // One that fell silent just before the list was asked for was not known to be when that was compared.
  const silent = await tx.read.instances.first({
    where: {
      projectId: project,
      backend,
      status: { in: ['idle', 'busy'] },
      unreachableSince: { gt: sweeps.askedAt(id) - SWEEP_GAP_MS },
    },
  });
  const dueAt = silent === null ? sweeps.dueAt(id) : sweeps.hasten(id);
  if (now < dueAt) return { ...NOTHING, wakeAt: dueAt };
  await tellAvailable(tx, id);
  return { writes: [], effects: [{ kind: 'sweep', id }], wakeAt: null };
}

export async function lookAtOrphan(tx: Tx, id: string, now: Millis): Promise<Decision<AroundEffect>> {
  const orphan = await tx.read.orphans.get(id);
  return orphan === null ? NOTHING : decideOrphan(orphan, now);
}

const UNAVAILABLE = 'backend.holds-machines';

/** Once for each time that it is lost with machines on it: they are billed, and cannot be given back until it is back. */
async function tellUnavailable(tx: Tx, id: string): Promise<void> {
  const { project, backend } = placeOf(id);
  const held = await tx.read.instances.find({ where: { projectId: project, backend, status: { in: ALIVE } } });
  if (held.length === 0) return;
  const ids = held.map((row) => row.id);
  const [last] = await tx.read.events.find({ where: { targetId: id }, orderBy: ['id', 'desc'], limit: 1 });
  const told: unknown = last?.details['instances'];
  if (last?.kind === UNAVAILABLE && Array.isArray(told) && ids.every((one) => told.includes(one))) return;
  const names = held.slice(0, 3).map((row) => row.name);
  const rest = held.length > names.length ? ` and ${held.length - names.length} more` : '';
  await tx.event({
    projectId: project,
    kind: UNAVAILABLE,
    message: `Backend ${backend} cannot be used and holds ${names.join(', ')}${rest}. They may be billed, and are given back once it can be used again`,
    targetKind: 'backend',
    targetId: id,
    targetName: backend,
    runId: null,
    details: { instances: ids },
  });
}

/** The backend is back: the next time that it is lost is told again. */
export async function tellAvailable(tx: Tx, id: string): Promise<void> {
  const { project, backend } = placeOf(id);
  const [last] = await tx.read.events.find({ where: { targetId: id }, orderBy: ['id', 'desc'], limit: 1 });
  if (last?.kind !== UNAVAILABLE) return;
  await tx.event({
    projectId: project,
    kind: 'backend.recovered',
    message: `Backend ${backend} can be used again`,
    targetKind: 'backend',
    targetId: id,
    targetName: backend,
    runId: null,
    details: {},
  });
}
