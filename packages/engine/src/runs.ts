/** What users ask of runs: plan, apply, stop. */
import { BerthError, isRunFinished, newId, type ProjectId, type RunId, type RunSpec, type Secret } from '@berth/core';
import { diffConfigurations } from '@berth/core/diff';
import { findReferences } from '@berth/core/interpolation';
import { place } from '@berth/core/place';
import type { FleetRow, Insert, RunRow } from '@berth/store';
import { missingSecret, resolveWork } from './assignment.ts';
import { refuseTooLargeWork } from './assignment-size.ts';
import type { Books, Tx } from './books.ts';
import type { Breakers } from './breaker.ts';
import { candidates, fleetsOf, onTheirWay } from './candidates.ts';
import type { Actor, Base, RunPlan } from './engine.ts';
import { fitting, gatherOffers } from './gather-offers.ts';
import { heldOffers, showHeld } from './held-offers.ts';
import { newJobs } from './new-jobs.ts';
import { firstPlaced, roomForNew } from './place-run.ts';
import type { EnginePorts } from './ports.ts';
import { describeShortage } from './shortage.ts';

export async function planRun(
  books: Books,
  ports: EnginePorts,
  breakers: Breakers,
  project: ProjectId,
  spec: RunSpec,
): Promise<RunPlan> {
  await checkWork(ports, project, spec);
  const { read } = books.store;
  const now = ports.clock.now();
  const [current, fleets, all, held] = await Promise.all([
    read.runs.first({ where: { projectId: project, name: spec.name, live: true } }),
    fleetsOf(read, project),
    gatherOffers(ports, project, spec.requirements),
    heldOffers(read, breakers, project, now),
  ]);
  const gathered = showHeld(all, held);
  refuseUnknownFleets(spec, fleets.values());
  const room = await roomForNew(read, spec.fleets, fleets);
  const ready = await candidates(read, ports.backends, project, fleets);
  const coming = await onTheirWay(read, ports.backends, project, fleets);
  const fittingOffers = all.offers.filter(room.fits);
  const placement = firstPlaced([ready, [...ready, ...coming]], (instances) =>
    place({
      nodes: spec.nodes,
      requirements: spec.requirements,
      instances,
      fleets: spec.fleets,
      offers: instances === ready ? [] : fittingOffers,
      held,
      creationPolicy: spec.creationPolicy,
      ...(room.max === null ? {} : { maxNewInstances: room.max }),
      avoidOffers: {},
      now,
    }),
  );
  const offers = fitting(gathered, spec.requirements);
  const shortage = placement.kind === 'placed' ? null : await describeShortage(read, project, spec, fleets);
  const changes = current === null ? [] : diffConfigurations(current.spec.configuration, spec.configuration);
  return {
    action: current === null ? 'create' : 'recreate',
    current,
    changes,
    // Offers that may not be taken are none: what is in the way is said instead, of no number of them.
    offers:
      shortage !== null
        ? { ...offers, offers: [], misfits: [{ reason: shortage, count: 0 }] }
        : placement.kind === 'placed' || offers.misfits.length > 0
          ? offers
          : { ...offers, misfits: placement.because.map(({ reason, count }) => ({ reason, count })) },
    idleInstances:
      placement.kind === 'placed'
        ? placement.assignments.flatMap((assignment) =>
            assignment.kind === 'instance' ? [assignment.instance.row] : [],
          )
        : [],
    pricePerHour: placement.kind === 'placed' ? placement.pricePerHour : null,
  };
}

export async function applyRun(
  books: Books,
  ports: EnginePorts,
  actor: Actor,
  spec: RunSpec,
  base: Base,
): Promise<RunRow> {
  await checkWork(ports, actor.project, spec);
  return books.write(actor.user, async (tx) => {
    const current = await tx.read.runs.first({ where: { projectId: actor.project, name: spec.name, live: true } });
    refuseLive(current, spec.name, base);
    await checkFleets(tx, actor.project, spec);
    const now = ports.clock.now();
    const row: Insert<RunRow> = {
      id: newId<'RunId'>(now, ports.random),
      projectId: actor.project,
      userId: actor.user,
      name: spec.name,
      live: true,
      status: 'submitted',
      endReason: null,
      message: null,
      spec,
      stopRequested: null,
      submission: 0,
      submittedAt: now,
      retryWindowAt: now,
      nextAttemptAt: null,
      startedAt: null,
      finishedAt: null,
    };
    const run = await tx.add('runs', row);
    for (const job of newJobs(run, 0, {}, now)) await tx.add('jobs', { ...job, id: newId<'JobId'>(now, ports.random) });
    return run;
  });
}

export async function stopRun(books: Books, actor: Actor, id: RunId, abort: boolean): Promise<RunRow> {
  return books.write(actor.user, async (tx) => {
    const run = await tx.read.runs.get(id);
    if (run === null || run.projectId !== actor.project) throw new BerthError('not-found', `There is no run ${id}.`);
    // Stopping what is finished, or being stopped already, is what was wanted.
    const wanted = abort ? 'abort' : 'stop';
    if (isRunFinished(run.status) || run.stopRequested === 'abort' || run.stopRequested === wanted) return run;
    return tx.change('runs', run, { stopRequested: wanted });
  });
}

function refuseLive(current: RunRow | null, name: string, base: Base): void {
  if (
    base !== undefined &&
    base !== null &&
    (current === null || current.id !== base.id || current.version !== base.version)
  ) {
    throw new BerthError('conflict', `Run ${name} has changed since the plan was made.`, { hint: 'Plan it again.' });
  }
  if (current !== null) {
    throw new BerthError('conflict', `A run named ${name} is ${current.status} already.`, {
      hint: `Stop it first with \`berth stop ${name}\`, or give this one another name with \`-n\`.`,
      details: { run: current.id, status: current.status },
    });
  }
}

/** Whether an agent can be told of the work: its secrets are there, and with them it is not too large. */
async function checkWork(ports: EnginePorts, project: ProjectId, { work }: RunSpec): Promise<void> {
  const { env, registryAuth } = work;
  const texts = [
    ...Object.values(env),
    ...(registryAuth === null ? [] : [registryAuth.username, registryAuth.password]),
  ];
  const names = texts.flatMap((text) => findReferences(text)).filter((reference) => reference.namespace === 'secrets');
  const secrets = names.length === 0 ? new Map() : await ports.secrets(project);
  for (const { name } of names) if (!secrets.has(name)) throw missingSecret(name);
  const maxBytes = ports.agents.maxAssignmentBytes;
  const openSealed = (sealed: string): Secret<string> => ports.sealer.open(sealed);
  refuseTooLargeWork(resolveWork(work, { secrets, openSealed, maxBytes }), maxBytes);
}

async function checkFleets(tx: Tx, project: ProjectId, spec: RunSpec): Promise<void> {
  if (spec.fleets !== null) refuseUnknownFleets(spec, (await fleetsOf(tx.read, project)).values());
}

function refuseUnknownFleets(spec: RunSpec, fleets: Iterable<FleetRow>): void {
  const known = new Set([...fleets].map((fleet) => fleet.name));
  for (const name of spec.fleets ?? []) {
    if (known.has(name)) continue;
    throw new BerthError('not-found', `There is no fleet ${name} in this project.`, {
      hint:
        known.size === 0
          ? 'Make one first with `berth apply`, or leave `fleets` out.'
          : `There are: ${[...known].join(', ')}.`,
    });
  }
}
