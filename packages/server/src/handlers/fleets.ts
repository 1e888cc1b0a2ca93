import type { FleetView } from '@berth/core/api-schemas';
import type { FleetRow } from '@berth/store';
import type { HandlersOf } from '../http/call.ts';
import { fleetViews } from '../views/fleet.ts';
import { offersView } from '../views/resources.ts';
import { fleetSpecOf } from './configuration.ts';
import { findFleet } from './find.ts';
import type { ServerParts } from './parts.ts';
import { requireBackend } from './require-backend.ts';
import { changeViews } from './runs.ts';

const PLANNED_OFFERS = 50;

export function fleetHandlers(
  parts: ServerParts,
): HandlersOf<'fleet.plan' | 'fleet.apply' | 'fleet.list' | 'fleet.get' | 'fleet.delete'> {
  const { store, engine, names, clock } = parts;
  const viewsOf = (fleets: readonly FleetRow[]): Promise<FleetView[]> =>
    fleetViews(store.read, names, fleets, clock.now(), parts.backends.outOfReach);
  const viewOf = async (fleet: FleetRow): Promise<FleetView> => {
    const [view] = await viewsOf([fleet]);
    if (view === undefined) throw new Error('a fleet has a view');
    return view;
  };

  return {
    'fleet.plan': async ({ access: { project }, body }) => {
      const spec = fleetSpecOf(parts, body.configuration);
      requireBackend(parts, project);
      const plan = await engine.planFleet(project.id, spec);
      return {
        name: spec.name,
        action: plan.action,
        current: plan.current === null ? null : await viewOf(plan.current),
        changes: changeViews(plan.changes),
        offers: offersView(plan.offers, PLANNED_OFFERS),
        price_per_hour: plan.pricePerHour,
        configuration: { ...spec.configuration },
      };
    },

    'fleet.apply': async ({ caller, access: { project }, body }) => {
      const spec = fleetSpecOf(parts, body.configuration);
      requireBackend(parts, project);
      return viewOf(await engine.applyFleet({ project: project.id, user: caller.user.id }, spec, body.base));
    },

    'fleet.list': async ({ access: { project }, query }) =>
      viewsOf(
        await store.read.fleets.find({
          where: { projectId: project.id, ...(query.all === 'true' ? {} : { live: true }) },
          orderBy: ['name', 'asc'],
        }),
      ),

    'fleet.get': async ({ access: { project }, params }) => viewOf(await findFleet(store.read, project, params.fleet)),

    'fleet.delete': async ({ caller, access: { project }, params }) => {
      const fleet = await findFleet(store.read, project, params.fleet);
      return viewOf(await engine.deleteFleet({ project: project.id, user: caller.user.id }, fleet.id));
    },
  };
}
