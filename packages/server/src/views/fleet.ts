import type { FleetView } from '@berth/core/api-schemas';
import type { Millis } from '@berth/core/ids';
import { INSTANCE_STATUSES, isInstanceAlive } from '@berth/core/states';
import type { FleetRow, ReadTables } from '@berth/store';
import { instanceViews, type OutOfReach } from './instance.ts';
import type { Names } from './names.ts';

const ALIVE = INSTANCE_STATUSES.filter(isInstanceAlive);

/** Fleets with the machines they have now, in a fixed number of queries. */
export async function fleetViews(
  read: ReadTables,
  names: Names,
  fleets: readonly FleetRow[],
  now: Millis,
  outOfReach: OutOfReach,
): Promise<FleetView[]> {
  if (fleets.length === 0) return [];
  const rows = await read.instances.find({
    where: { fleetId: { in: fleets.map(({ id }) => id) }, status: { in: ALIVE } },
  });
  const views = await instanceViews(read, names, rows, now, outOfReach);
  const byFleet = Map.groupBy(
    rows.map((row, index) => ({ row, view: views[index] })),
    ({ row }) => row.fleetId,
  );
  return fleets.map((fleet) => ({
    id: fleet.id,
    name: fleet.name,
    status: fleet.status,
    message: fleet.message,
    nodes: { ...fleet.spec.nodes },
    instances: (byFleet.get(fleet.id) ?? []).flatMap(({ view }) => (view === undefined ? [] : [view])),
    configuration: { ...fleet.spec.configuration },
    created_at: fleet.createdAt,
    version: fleet.version,
  }));
}
