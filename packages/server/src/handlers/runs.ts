import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunView } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import { isInstanceAlive, isRunFinished } from '@berth/core/states';
import type { RunPlan } from '@berth/engine';
import type { JobRow, RunRow } from '@berth/store';
import { blobsOf } from '../blobs/collect.ts';
import { maskedChange, maskedConfiguration } from '../crypto/sealed-spec.ts';
import type { HandlersOf } from '../http/call.ts';
import { instanceViews } from '../views/instance.ts';
import { offersView } from '../views/resources.ts';
import { runViews } from '../views/run.ts';
import { runSpecOf } from './configuration.ts';
import { findRun } from './find.ts';
import { listRuns } from './list-runs.ts';
import { DEFAULT_PAGE, pageOf } from './page.ts';
import type { ServerParts } from './parts.ts';
import { requireBackend } from './require-backend.ts';

/** More offers than a person reads; `offer.list` gives all. */
const PLANNED_OFFERS = 50;

export function runHandlers(
  parts: ServerParts,
): HandlersOf<'run.plan' | 'run.apply' | 'run.list' | 'run.get' | 'run.stop' | 'run.delete' | 'run.metrics'> {
  const { store, engine, clock, names, recordEvent } = parts;
  const viewOf = (run: RunRow, allJobs = false): Promise<RunView> => oneRunView(parts, run, allJobs);

  return {
    'run.plan': async ({ access: { project }, body }) => {
      const spec = await runSpecOf(parts, project.id, body);
      requireBackend(parts, project);
      const plan = await engine.planRun(project.id, spec);
      return {
        name: spec.name,
        action: plan.action,
        current: plan.current === null ? null : await viewOf(plan.current),
        changes: changeViews(plan.changes),
        nodes: spec.nodes,
        offers: offersView(plan.offers, PLANNED_OFFERS),
        idle_instances: await instanceViews(
          store.read,
          names,
          plan.idleInstances,
          clock.now(),
          parts.backends.outOfReach,
        ),
        price_per_hour: plan.pricePerHour,
        configuration: maskedConfiguration(spec.configuration),
      };
    },

    'run.apply': async ({ caller, access: { project }, body: { base, ...submission } }) => {
      const spec = await runSpecOf(parts, project.id, submission);
      requireBackend(parts, project);
      await parts.blobs.use(project.id, blobsOf(spec));
      return viewOf(await engine.applyRun({ project: project.id, user: caller.user.id }, spec, base));
    },

    'run.list': async ({ access: { project }, query }) => {
      const limit = query.limit ?? DEFAULT_PAGE;
      const rows = await listRuns(store.read, {
        project: project.id,
        live: query.live === undefined ? null : query.live === 'true',
        after: query.after,
        limit: limit + 1,
      });
      const page = pageOf(rows, limit);
      return { runs: await runViews(store.read, names, page.rows, { now: clock.now() }), next: page.next };
    },

    'run.get': async ({ access: { project }, params, query }) =>
      viewOf(await findRun(store.read, project, params.run), query.all_jobs === 'true'),

    'run.stop': async ({ caller, access: { project }, params, body }) => {
      const run = await findRun(store.read, project, params.run);
      const actor = { project: project.id, user: caller.user.id };
      return viewOf(await engine.stopRun(actor, run.id, body.abort === true));
    },

    'run.delete': async ({ caller, access: { project }, params }) => {
      const run = await findRun(store.read, project, params.run);
      if (!isRunFinished(run.status)) {
        throw new BerthError('conflict', `\`${run.name}\` is not finished.`, {
          hint: `Stop it first: \`berth stop ${run.name}\`.`,
        });
      }
      const jobs = await store.read.jobs.find({ where: { runId: run.id } });
      await refuseWhileHeld(parts, run, jobs);
      // Files first: what is left over after a crash must still be found by its rows.
      const ids = jobs.map(({ id }) => id);
      await parts.logs.remove(ids);
      parts.metrics.remove(ids);
      await rm(join(parts.home.artifacts, run.id), { recursive: true, force: true });
      await store.transaction(async (tables) => {
        await tables.jobs.delete({ runId: run.id });
        if ((await tables.runs.delete({ id: run.id })) === 0) return;
        await recordEvent(tables, {
          projectId: project.id,
          actor: caller.user.id,
          kind: 'run.deleted',
          message: `Run ${run.name} was deleted with its logs and artifacts.`,
          targetKind: 'run',
          targetId: run.id,
          targetName: run.name,
          runId: run.id,
        });
      });
      return {};
    },

    'run.metrics': async ({ access: { project }, params }) => {
      const run = await findRun(store.read, project, params.run);
      const jobs = await latestJobs(parts, run);
      return { points: jobs.flatMap(({ id, node }) => parts.metrics.points(id, node)) };
    },
  };
}

export async function oneRunView(parts: ServerParts, run: RunRow, allJobs: boolean): Promise<RunView> {
  const options = { now: parts.clock.now(), allJobs };
  const [view] = await runViews(parts.store.read, parts.names, [run], options);
  if (view === undefined) throw new Error('a run has a view');
  return view;
}

/** The jobs of the latest submission, by their place. */
async function latestJobs({ store }: Pick<ServerParts, 'store'>, run: RunRow): Promise<readonly JobRow[]> {
  const jobs = await store.read.jobs.find({ where: { runId: run.id } });
  const latest = jobs.reduce((most, { submission }) => Math.max(most, submission), 0);
  return jobs
    .filter(({ submission }) => submission === latest)
    .toSorted((a, b) => a.replica - b.replica || a.node - b.node);
}

export function changeViews(changes: RunPlan['changes']) {
  return changes.map(({ path, before, after }) => ({
    path,
    // JSON has no undefined, which here means "not there".
    before: maskedChange(path, before) ?? null,
    after: maskedChange(path, after) ?? null,
  }));
}

/** An agent that still has a job would go on telling of it, and its log would come back. */
async function refuseWhileHeld({ store }: ServerParts, run: RunRow, jobs: readonly JobRow[]): Promise<void> {
  const held = jobs.flatMap(({ cleanedAt, instanceId }) =>
    cleanedAt === null && instanceId !== null ? [instanceId] : [],
  );
  if (held.length === 0) return;
  const instances = await store.read.instances.find({ where: { id: { in: held } } });
  const alive = instances.find(({ status }) => isInstanceAlive(status));
  if (alive === undefined) return;
  throw new BerthError('conflict', `The instance \`${alive.name}\` has not yet cleaned up after \`${run.name}\`.`, {
    hint: 'Try again in a moment; or delete the instance when it does not answer any more.',
  });
}
