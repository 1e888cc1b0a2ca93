/** Machines that a run may use: those that are there, and those that are on their way. */
import type { FleetId, ProjectId } from '@berth/core';
import type { PlaceableInstance } from '@berth/core/place';
import type { FleetRow, InstanceRow, ReadTables } from '@berth/store';
import { isOnItsWay, isUsable } from './decide-instance.ts';
import type { Backends } from './ports.ts';

/** An instance as the planner sees it, with the row behind it. */
export interface Candidate extends PlaceableInstance {
  readonly row: InstanceRow;
}

export async function fleetsOf(
  read: Pick<ReadTables, 'fleets'>,
  project: ProjectId,
): Promise<ReadonlyMap<FleetId, FleetRow>> {
  const rows = await read.fleets.find({ where: { projectId: project, live: true } });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Machines of a backend that was taken out of the configuration are given back, not used again. */
export async function candidates(
  read: Pick<ReadTables, 'instances'>,
  backends: Pick<Backends, 'usable'>,
  project: ProjectId,
  fleets: ReadonlyMap<FleetId, FleetRow>,
): Promise<Candidate[]> {
  // Those that are busy altogether are many, and are not even read.
  const idle = await read.instances.find({ where: { projectId: project, status: 'idle' } });
  const shared = await read.instances.find({ where: { projectId: project, status: 'busy', totalBlocks: { gt: 1 } } });
  return inReach([...idle, ...shared].filter(isUsable), backends, project, fleets);
}

/** Those that are being made and that nobody has: of a fleet that fills, or of a run that was stopped. */
export async function onTheirWay(
  read: Pick<ReadTables, 'instances'>,
  backends: Pick<Backends, 'usable'>,
  project: ProjectId,
  fleets: ReadonlyMap<FleetId, FleetRow>,
): Promise<Candidate[]> {
  const rows = await read.instances.find({
    where: { projectId: project, status: { in: ['pending', 'provisioning'] }, busyBlocks: 0 },
  });
  return inReach(rows.filter(isOnItsWay), backends, project, fleets);
}

function inReach(
  rows: readonly InstanceRow[],
  backends: Pick<Backends, 'usable'>,
  project: ProjectId,
  fleets: ReadonlyMap<FleetId, FleetRow>,
): Candidate[] {
  const usable = new Set(backends.usable(project).map((backend) => backend.name));
  return rows
    .filter((row) => usable.has(row.backend) && (row.fleetId === null || fleets.get(row.fleetId)?.status === 'active'))
    .map((row) => ({
      ...row,
      ...reservationOf(row),
      row,
      fleet: row.fleetId === null ? null : (fleets.get(row.fleetId)?.name ?? null),
    }));
}

/** A machine is in the reservation that it was made in. */
function reservationOf({ offer: { reservation } }: InstanceRow): { readonly reservation?: string } {
  return reservation === undefined ? {} : { reservation };
}
