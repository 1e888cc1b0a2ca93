import type { InstanceView } from '@berth/core/api-schemas';
import type { ProjectId } from '@berth/core/ids';
import { INSTANCE_STATUSES, isInstanceAlive } from '@berth/core/states';
import type { InstanceRow } from '@berth/store';
import type { HandlersOf } from '../http/call.ts';
import { instanceViews } from '../views/instance.ts';
import { findInstance } from './find.ts';
import { orBadAfter } from './page.ts';
import type { ServerParts } from './parts.ts';

const ALIVE = INSTANCE_STATUSES.filter(isInstanceAlive);
/** The answer has no place for a `next`, so a page is as large as a page may be. */
const LIMIT = 1000;

export function instanceHandlers(parts: ServerParts): HandlersOf<'instance.list' | 'instance.get' | 'instance.delete'> {
  const { store, engine, names, clock } = parts;
  const { outOfReach } = parts.backends;
  const viewOf = async (instance: InstanceRow): Promise<InstanceView> => {
    const [view] = await instanceViews(store.read, names, [instance], clock.now(), outOfReach);
    if (view === undefined) throw new Error('an instance has a view');
    return view;
  };

  const listStuck = async (project: ProjectId): Promise<InstanceView[]> => {
    const rows = await store.read.instances.find({ where: { projectId: project, status: { in: ALIVE } } });
    const views = await instanceViews(store.read, names, rows, clock.now(), outOfReach);
    return views.filter((view) => view.stuck !== null || view.out_of_reach !== null);
  };

  return {
    'instance.list': async ({ access: { project }, query }) => {
      // Few are, and which ones is not known before they are looked at.
      if (query.stuck === 'true') return listStuck(project.id);
      const rows = await orBadAfter(
        query.after,
        store.read.instances.find({
          where: { projectId: project.id, ...(query.all === 'true' ? {} : { status: { in: ALIVE } }) },
          orderBy: ['createdAt', 'desc'],
          limit: query.limit ?? LIMIT,
          ...(query.after === undefined ? {} : { after: query.after }),
        }),
      );
      return instanceViews(store.read, names, rows, clock.now(), outOfReach);
    },

    'instance.get': async ({ access: { project }, params }) =>
      viewOf(await findInstance(store.read, project, params.instance)),

    'instance.delete': async ({ caller, access: { project }, params }) => {
      const instance = await findInstance(store.read, project, params.instance);
      return viewOf(await engine.deleteInstance({ project: project.id, user: caller.user.id }, instance.id));
    },
  };
}
