/** What users ask of fleets and their instances: plan, apply, delete. */
import { BerthError, type FleetId, type FleetSpec, type InstanceId, newId, type ProjectId } from '@berth/core';
import { diffConfigurations } from '@berth/core/diff';
import type { FleetRow, InstanceRow } from '@berth/store';
import type { Books, Tx } from './books.ts';
import type { Breakers } from './breaker.ts';
import { letGo } from './decide-instance.ts';
import type { Actor, Base, FleetPlan } from './engine.ts';
import { fitting, gatherOffers } from './gather-offers.ts';
import { heldOffers, showHeld } from './held-offers.ts';
import type { EnginePorts } from './ports.ts';
import { applyWrites } from './write.ts';

export async function planFleet(
  books: Books,
  ports: EnginePorts,
  breakers: Breakers,
  project: ProjectId,
  spec: FleetSpec,
): Promise<FleetPlan> {
  const [current, all, held] = await Promise.all([
    books.store.read.fleets.first({ where: { projectId: project, name: spec.name, live: true } }),
    gatherOffers(ports, project, spec.requirements),
    heldOffers(books.store.read, breakers, project, ports.clock.now()),
  ]);
  const gathered = showHeld(all, held);
  refuseDeleted(current, spec.name);
  const offers = fitting(gathered, spec.requirements);
  const changes = current === null ? [] : diffConfigurations(current.spec.configuration, spec.configuration);
  const cheapest = offers.offers.find(
    (offer) => offer.availability !== 'not-available' && offer.availability !== 'no-quota',
  );
  const nodes = Math.max(spec.nodes.min, spec.nodes.target);
  return {
    action: current === null ? 'create' : changes.length === 0 ? 'none' : 'update',
    current,
    changes,
    offers,
    pricePerHour: cheapest === undefined ? null : cheapest.pricePerHour * nodes,
  };
}

export async function applyFleet(
  books: Books,
  ports: EnginePorts,
  actor: Actor,
  spec: FleetSpec,
  base: Base,
): Promise<FleetRow> {
  return books.write(actor.user, async (tx) => {
    const current = await tx.read.fleets.first({ where: { projectId: actor.project, name: spec.name, live: true } });
    if (base !== undefined && (current?.id !== base?.id || current?.version !== base?.version)) {
      throw new BerthError('conflict', `Fleet ${spec.name} has changed since the plan was made.`, {
        hint: 'Plan it again.',
      });
    }
    refuseDeleted(current, spec.name);
    if (current !== null)
      return tx.change('fleets', current, { spec, attempts: 0, nextAttemptAt: null, filledAt: null, message: null });
    const now = ports.clock.now();
    return tx.add('fleets', {
      id: newId<'FleetId'>(now, ports.random),
      projectId: actor.project,
      userId: actor.user,
      name: spec.name,
      live: true,
      status: 'active',
      message: null,
      spec,
      attempts: 0,
      nextAttemptAt: null,
      filledAt: null,
      createdAt: now,
      finishedAt: null,
    });
  });
}

export async function deleteFleet(books: Books, actor: Actor, id: FleetId): Promise<FleetRow> {
  return books.write(actor.user, async (tx) => {
    const fleet = await tx.read.fleets.get(id);
    if (fleet === null || fleet.projectId !== actor.project)
      throw new BerthError('not-found', `There is no fleet ${id}.`);
    if (fleet.status !== 'active') return fleet;
    const busy = await tx.read.instances.find({ where: { fleetId: id, status: { not: 'terminated' } } });
    for (const instance of busy) await refuseHeld(tx, instance, `Fleet ${fleet.name}`);
    return tx.change('fleets', fleet, { status: 'terminating' });
  });
}

export async function deleteInstance(
  books: Books,
  ports: EnginePorts,
  actor: Actor,
  id: InstanceId,
): Promise<InstanceRow> {
  return books.write(actor.user, async (tx) => {
    const instance = await tx.read.instances.get(id);
    if (instance === null || instance.projectId !== actor.project) {
      throw new BerthError('not-found', `There is no instance ${id}.`);
    }
    if (instance.status === 'terminating' || instance.status === 'terminated') return instance;
    await refuseHeld(tx, instance, `Instance ${instance.name}`);
    const now = ports.clock.now();
    await applyWrites(tx, letGo(instance, 'deleted-by-user', null, now), { now: () => now, random: ports.random });
    return (await tx.read.instances.get(id)) ?? instance;
  });
}

async function refuseHeld(tx: Tx, instance: InstanceRow, what: string): Promise<void> {
  if (instance.busyBlocks === 0) return;
  const jobs = await tx.read.jobs.find({
    where: { instanceId: instance.id, status: { in: ['provisioning', 'pulling', 'running', 'terminating'] } },
  });
  const names = new Set<string>();
  for (const job of jobs) names.add((await tx.read.runs.get(job.runId))?.name ?? job.runId);
  if (names.size === 0) return;
  throw new BerthError('conflict', `${what} is in use by ${[...names].join(', ')}.`, {
    hint: `Stop it first: \`berth stop ${[...names].join(' ')}\`.`,
  });
}

function refuseDeleted(fleet: FleetRow | null, name: string): void {
  if (fleet?.status !== 'terminating') return;
  throw new BerthError('conflict', `Fleet ${name} is being deleted.`, {
    hint: `Apply again when it is gone: \`berth fleet list\` shows it until then.`,
  });
}
