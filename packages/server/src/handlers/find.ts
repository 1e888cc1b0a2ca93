import { BerthError } from '@berth/core/errors';
import type { FleetId, InstanceId, RunId } from '@berth/core/ids';
import { INSTANCE_STATUSES, isInstanceAlive } from '@berth/core/states';
import type { FleetRow, InstanceRow, ProjectRow, ReadTables, RunRow } from '@berth/store';

/**
 * A path names a thing by its id or by its name. A name means the one that lives, whatever the clock said
 * when it was made; of those that are over, the latest.
 */

const ALIVE = INSTANCE_STATUSES.filter(isInstanceAlive);
const ID = /^[0-9a-hjkmnp-tv-z]{26}$/;

/** @throws BerthError `not-found` */
export async function findRun(read: ReadTables, project: ProjectRow, ref: string): Promise<RunRow> {
  const byId = ID.test(ref) ? await read.runs.get(ref as RunId) : null;
  if (byId?.projectId === project.id) return byId;
  const named = { projectId: project.id, name: ref };
  const byName =
    (await read.runs.first({ where: { ...named, live: true } })) ??
    (await read.runs.first({ where: named, orderBy: ['submittedAt', 'desc'] }));
  if (byName !== null) return byName;
  throw new BerthError('not-found', `There is no run \`${ref}\` in \`${project.name}\`.`, {
    hint: '`berth ps -a` shows all, finished ones too.',
  });
}

/** @throws BerthError `not-found` */
export async function findFleet(read: ReadTables, project: ProjectRow, ref: string): Promise<FleetRow> {
  const byId = ID.test(ref) ? await read.fleets.get(ref as FleetId) : null;
  if (byId?.projectId === project.id) return byId;
  const named = { projectId: project.id, name: ref };
  const byName =
    (await read.fleets.first({ where: { ...named, live: true } })) ??
    (await read.fleets.first({ where: named, orderBy: ['createdAt', 'desc'] }));
  if (byName !== null) return byName;
  throw new BerthError('not-found', `There is no fleet \`${ref}\` in \`${project.name}\`.`, {
    hint: '`berth fleet list` shows all.',
  });
}

/** @throws BerthError `not-found` */
export async function findInstance(read: ReadTables, project: ProjectRow, ref: string): Promise<InstanceRow> {
  const byId = ID.test(ref) ? await read.instances.get(ref as InstanceId) : null;
  if (byId?.projectId === project.id) return byId;
  const named = { projectId: project.id, name: ref };
  const byName =
    (await read.instances.first({ where: { ...named, status: { in: ALIVE } } })) ??
    (await read.instances.first({ where: named, orderBy: ['createdAt', 'desc'] }));
  if (byName !== null) return byName;
  throw new BerthError('not-found', `There is no instance \`${ref}\` in \`${project.name}\`.`, {
    hint: '`berth instance list` shows all.',
  });
}
