/** Books and clouds: sweeps that somebody asks for, and what machines have cost. */
import type { SweepView } from '@berth/core/api-schemas';
import type { CostGroup } from '@berth/core/cost';
import { BerthError } from '@berth/core/errors';
import type { InstanceId, Millis, ProjectId } from '@berth/core/ids';
import { INSTANCE_STATUSES, isInstanceAlive } from '@berth/core/states';
import type { SweptBackend } from '@berth/engine';
import type { InstanceRow, JobRow } from '@berth/store';
import type { HandlersOf } from '../http/call.ts';
import { type CostRows, costView } from '../views/cost.ts';
import type { ServerParts } from './parts.ts';

const DEFAULT_COST_MS = 30 * 24 * 60 * 60_000;
const ALIVE = INSTANCE_STATUSES.filter(isInstanceAlive);
/** SQLite takes some 32,000 values in a statement. */
const CHUNK = 5_000;

export function upkeepHandlers(parts: ServerParts): HandlersOf<'instance.sweep' | 'cost.get'> {
  const { store, engine, names, clock } = parts;
  return {
    'instance.sweep': async ({ access: { project }, body }) => {
      const dryRun = body.dry_run === true;
      const swept = await engine.sweep(project.id, { dryRun });
      return { dry_run: dryRun, backends: swept.map(sweptView) };
    },

    'cost.get': async ({ access: { project }, query }) => {
      const now = clock.now();
      const until = query.until ?? now;
      const since = query.since ?? Math.max(0, until - DEFAULT_COST_MS);
      if (since >= until) throw new BerthError('invalid-request', '`since` must come before `until`.');
      const by = query.by ?? 'instance';
      const rows = await costRows(parts, project.id, { since, until, by });
      const fleet = await names.fleets(rows.instances.map(({ fleetId }) => fleetId));
      const ids = [...new Set(rows.jobs.map(({ runId }) => runId))];
      const run = await names.runs(ids);
      const runs = await inChunks(ids, (chunk) => store.read.runs.find({ where: { id: { in: chunk } } }));
      const userOf = new Map(runs.map((row) => [row.id, row.userId]));
      const user = await names.users(userOf.values());
      const nameOfUser = (id: JobRow['runId']): string => {
        const owner = userOf.get(id);
        // A run that was deleted has left no word of whose it was.
        return owner === undefined ? run(id) : user(owner);
      };
      const named = {
        fleet: ({ fleetId }: InstanceRow) => (fleetId === null ? null : fleet(fleetId)),
        run,
        user: nameOfUser,
      };
      return costView({ since, until, by }, rows, named, now);
    },
  };
}

function sweptView(swept: SweptBackend): SweepView['backends'][number] {
  const short = ({ id, name }: InstanceRow): { id: string; name: string } => ({ id, name });
  return {
    backend: swept.backend,
    status: swept.status,
    message: swept.message,
    machines: swept.machines,
    orphans: swept.orphans.map((orphan) => ({
      cloud_id: orphan.cloudId,
      name: orphan.name,
      region: orphan.region,
      status: orphan.status,
      instance: orphan.instanceId,
      first_seen_at: orphan.firstSeenAt,
      terminates_at: orphan.terminatesAt,
      attempts: orphan.attempts,
      error: orphan.error,
    })),
    gone: swept.gone.map(short),
    adopted: swept.adopted.map(short),
  };
}

async function costRows(
  { store: { read } }: ServerParts,
  project: ProjectId,
  { since, until, by }: { readonly since: Millis; readonly until: Millis; readonly by: CostGroup },
): Promise<CostRows> {
  const made = { projectId: project, createdAt: { lt: until } };
  const [alive, ended, orphans] = await Promise.all([
    read.instances.find({ where: { ...made, status: { in: ALIVE } } }),
    read.instances.find({ where: { ...made, status: 'terminated', terminatedAt: { gt: since } } }),
    read.orphans.find({ where: { projectId: project, firstSeenAt: { lt: until } } }),
  ]);
  // The others were never made.
  const instances = [...alive, ...ended].filter(({ cloudId }) => cloudId !== null);
  const ids = by === 'run' || by === 'user' ? instances.map(({ id }) => id) : [];
  const former = orphans.flatMap(({ instanceId }) => (instanceId === null ? [] : [instanceId]));
  return {
    instances,
    orphans,
    jobs: await inChunks(ids, (chunk: readonly InstanceId[]) =>
      read.jobs.find({ where: { instanceId: { in: chunk } } }),
    ),
    formerly: await inChunks(former, (chunk) => read.instances.find({ where: { id: { in: chunk } } })),
  };
}

async function inChunks<K, R>(
  keys: readonly K[],
  find: (chunk: readonly K[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const found: R[] = [];
  for (let i = 0; i < keys.length; i += CHUNK) found.push(...(await find(keys.slice(i, i + CHUNK))));
  return found;
}
