import type { InstanceView } from '@berth/core/api-schemas';
import { holdCost } from '@berth/core/cost';
import type { Millis, ProjectId } from '@berth/core/ids';
import { type InstanceStatus, isInstanceAlive, isJobFinished, JOB_STATUSES } from '@berth/core/states';
import { type Stuck, stuckness } from '@berth/engine';
import type { InstanceRow, ReadTables } from '@berth/store';
import type { Names } from './names.ts';
import { resourcesView } from './resources.ts';

/** Those of which something is being asked of a cloud. */
const UNSETTLED: readonly InstanceStatus[] = ['pending', 'provisioning', 'terminating'];
const UNFINISHED = JOB_STATUSES.filter((status) => !isJobFinished(status));

/** Why the cloud cannot be asked about machines of a backend; null: it can. */
export type OutOfReach = (project: ProjectId, backend: string) => string | null;

/** Instances with the runs that hold them, in a fixed number of queries. */
export async function instanceViews(
  read: ReadTables,
  names: Names,
  instances: readonly InstanceRow[],
  now: Millis,
  outOfReach: OutOfReach,
): Promise<InstanceView[]> {
  if (instances.length === 0) return [];
  const jobs = await read.jobs.find({
    where: { instanceId: { in: instances.map(({ id }) => id) }, status: { in: UNFINISHED } },
  });
  const run = await names.runs(jobs.map(({ runId }) => runId));
  const fleet = await names.fleets(instances.map(({ fleetId }) => fleetId));
  const holders = Map.groupBy(jobs, ({ instanceId }) => instanceId);
  const unsettled = instances.filter(({ status }) => UNSETTLED.includes(status)).map(({ id }) => id);
  const open =
    unsettled.length === 0 ? [] : await read.intents.find({ where: { instanceId: { in: unsettled }, status: 'open' } });
  const intents = Map.groupBy(open, ({ instanceId }) => instanceId);
  return instances.map((instance) => ({
    id: instance.id,
    name: instance.name,
    fleet: instance.fleetId === null ? null : fleet(instance.fleetId),
    status: instance.status,
    unreachable: instance.unreachableSince !== null,
    end_reason: instance.endReason,
    message: instance.message,
    stuck: stuckView(stuckness(instance, intents.get(instance.id) ?? [], now)),
    out_of_reach: isInstanceAlive(instance.status) ? outOfReach(instance.projectId, instance.backend) : null,
    backend: instance.backend,
    region: instance.region,
    zone: instance.zone,
    instance_type: instance.instanceType,
    capacity_type: instance.capacityType,
    price_per_hour: instance.pricePerHour,
    cost: instanceCost(instance, now),
    resources: resourcesView(instance.resources),
    runs: [...new Set((holders.get(instance.id) ?? []).map(({ runId }) => run(runId)))].sort(),
    created_at: instance.createdAt,
    idle_since: instance.idleSince,
    terminated_at: instance.terminatedAt,
  }));
}

function stuckView(stuck: Stuck | null): InstanceView['stuck'] {
  if (stuck === null) return null;
  const { what, why, since, attempts, nextAttemptAt } = stuck;
  return { what, why, since, attempts, next_attempt_at: nextAttemptAt };
}

/** From when it was put on the books, since that is when it was asked for, until it is known to be gone. */
function instanceCost(instance: InstanceRow, now: Millis): number {
  if (instance.cloudId === null) return 0; // the cloud never had it
  return holdCost(instance.pricePerHour, instance.createdAt, instance.terminatedAt ?? now);
}
