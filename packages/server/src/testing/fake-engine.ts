import { BerthError } from '@berth/core/errors';
import { type Clock, newId, type RandomBytes } from '@berth/core/ids';
import { isRunFinished } from '@berth/core/states';
import type { Engine, OfferList } from '@berth/engine';
import type { Store } from '@berth/store';
import { jobRow, runRow } from './rows.ts';

const NO_OFFERS: OfferList = { offers: [], sources: [], misfits: [{ reason: 'this engine is a fake', count: 1 }] };

/** Writes down what it is asked for, and does nothing about it. */
export function fakeEngine(store: Store, clock: Clock, random: RandomBytes): Engine {
  const live = (project: string, name: string) =>
    store.read.runs.first({ where: { projectId: project as never, name, live: true } });
  const refuse = async (): Promise<never> => {
    throw new BerthError('conflict', 'The fake engine does not do this.');
  };
  return {
    start: async () => {},
    stop: async () => {},
    settled: async () => {},
    offers: async () => NO_OFFERS,
    planRun: async (project, spec) => {
      const current = await live(project, spec.name);
      const before = current?.spec.configuration;
      const changes =
        before === undefined || JSON.stringify(before) === JSON.stringify(spec.configuration)
          ? []
          : Object.keys(spec.configuration).flatMap((path) =>
              JSON.stringify(before[path]) === JSON.stringify(spec.configuration[path])
                ? []
                : [{ path, before: before[path], after: spec.configuration[path] }],
            );
      return { action: 'create', current, changes, offers: NO_OFFERS, idleInstances: [], pricePerHour: null };
    },
    applyRun: async ({ project, user }, spec, base) => {
      const current = await live(project, spec.name);
      if (base !== undefined && (current?.version ?? null) !== (base?.version ?? null)) {
        throw new BerthError('conflict', 'It has changed since the plan was made.');
      }
      if (current !== null) throw new BerthError('conflict', `\`${spec.name}\` is running.`);
      const now = clock.now();
      return store.transaction(async (tables) => {
        const run = await tables.runs.insert({
          ...runRow({ projectId: project, userId: user, name: spec.name, spec, submittedAt: now }),
          id: newId<'RunId'>(now, random),
        });
        await tables.jobs.insert({
          ...jobRow({ runId: run.id, projectId: project, submittedAt: now }),
          id: newId<'JobId'>(now, random),
        });
        return run;
      });
    },
    stopRun: async (_actor, id, abort) =>
      store.transaction(async (tables) => {
        const run = await tables.runs.get(id);
        if (run === null || isRunFinished(run.status)) throw new BerthError('conflict', 'It is finished.');
        return tables.runs.update(id, run.version, { stopRequested: abort ? 'abort' : 'stop' });
      }),
    planFleet: async () => ({ action: 'create', current: null, changes: [], offers: NO_OFFERS, pricePerHour: null }),
    applyFleet: refuse,
    deleteFleet: refuse,
    deleteInstance: refuse,
    sweep: async () => [],
  };
}
