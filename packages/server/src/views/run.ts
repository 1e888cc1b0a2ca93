import type { RunView } from '@berth/core/api-schemas';
import { holdCost, sumDollars } from '@berth/core/cost';
import type { InstanceId, Millis, RunId } from '@berth/core/ids';
import { isRunFinished } from '@berth/core/states';
import type { InstanceRow, JobRow, ReadTables, RunRow } from '@berth/store';
import { maskedConfiguration } from '../crypto/sealed-spec.ts';
import { exitStatusOf, holdsInstance, jobCost, jobView } from './job.ts';
import type { Names } from './names.ts';

/** Runs with their jobs, instances and names in a fixed number of queries, however many runs there are. */
export async function runViews(
  read: ReadTables,
  names: Names,
  runs: readonly RunRow[],
  options: { readonly now: Millis; readonly allJobs?: boolean },
): Promise<RunView[]> {
  if (runs.length === 0) return [];
  const jobs = await read.jobs.find({ where: { runId: { in: runs.map(({ id }) => id) } } });
  const jobsByRun = Map.groupBy(jobs, ({ runId }) => runId);
  const shown = new Map<RunId, readonly JobRow[]>();
  const wanted = new Set<InstanceId>();
  for (const run of runs) {
    const own = (jobsByRun.get(run.id) ?? []).toSorted(byPlace);
    const latest = own.reduce((most, { submission }) => Math.max(most, submission), 0);
    const visible = options.allJobs === true ? own : own.filter(({ submission }) => submission === latest);
    shown.set(run.id, visible);
    for (const { instanceId } of visible) if (instanceId !== null) wanted.add(instanceId);
  }
  const found = wanted.size === 0 ? [] : await read.instances.find({ where: { id: { in: [...wanted] } } });
  const instances = new Map(found.map((instance) => [instance.id, instance]));
  const rivals = await rivalsOf(read, jobs);
  const user = await names.users(runs.map(({ userId }) => userId));
  const project = await names.projects(runs.map(({ projectId }) => projectId));
  return runs.map((run) => {
    const all = jobsByRun.get(run.id) ?? [];
    const parts = { all, shown: shown.get(run.id) ?? [], instances, rivals, now: options.now };
    return runView(run, parts, { user: user(run.userId), project: project(run.projectId) });
  });
}

/** Machines that are made beside others that take too long, by the instance beside which they are. */
async function rivalsOf(read: ReadTables, jobs: readonly JobRow[]): Promise<ReadonlyMap<InstanceId, InstanceRow>> {
  const waiting = jobs.flatMap(({ status, instanceId }) =>
    status === 'provisioning' && instanceId !== null ? [instanceId] : [],
  );
  if (waiting.length === 0) return new Map();
  const rows = await read.instances.find({ where: { hedgeOf: { in: waiting }, status: { not: 'terminated' } } });
  return new Map(rows.flatMap((row) => (row.hedgeOf === null ? [] : [[row.hedgeOf, row]])));
}

function runView(
  run: RunRow,
  jobs: {
    readonly all: readonly JobRow[];
    readonly shown: readonly JobRow[];
    readonly instances: ReadonlyMap<InstanceId, InstanceRow>;
    readonly rivals: ReadonlyMap<InstanceId, InstanceRow>;
    readonly now: Millis;
  },
  names: { readonly user: string; readonly project: string },
): RunView {
  const { now } = jobs;
  // Two machines are paid while both are being made for one job.
  const rivals = jobs.all.flatMap(({ status, instanceId }) => {
    const rival = status === 'provisioning' && instanceId !== null ? jobs.rivals.get(instanceId) : undefined;
    return rival === undefined ? [] : [rival];
  });
  return {
    id: run.id,
    name: run.name,
    project: names.project,
    user: names.user,
    type: run.spec.type,
    status: run.status,
    end_reason: run.endReason,
    message: run.message,
    nodes: run.spec.nodes,
    price_per_hour: sumDollars([...jobs.all.filter(holdsInstance), ...rivals].map((row) => row.pricePerHour ?? 0)),
    cost: sumDollars([
      ...jobs.all.map((job) => jobCost(job, now)),
      ...rivals.map((rival) => holdCost(rival.pricePerHour, rival.createdAt, now)),
    ]),
    submitted_at: run.submittedAt,
    started_at: run.startedAt,
    finished_at: run.finishedAt,
    next_attempt_at: run.nextAttemptAt,
    exit_status: runExitStatus(run, jobs.all),
    configuration: maskedConfiguration(run.spec.configuration),
    version: run.version,
    jobs: jobs.shown.map((job) =>
      jobView(job, job.instanceId === null ? null : (jobs.instances.get(job.instanceId) ?? null), now),
    ),
  };
}

/** Null while it is not finished, and when nothing ran that could have had one. */
function runExitStatus(run: RunRow, jobs: readonly JobRow[]): number | null {
  if (!isRunFinished(run.status)) return null;
  if (run.status === 'done') return 0;
  const latest = jobs.reduce((most, { submission }) => Math.max(most, submission), 0);
  const failed = jobs
    .filter(({ status, submission }) => status === 'failed' && submission === latest)
    // Its end brought others down, so the first to fail is the one to tell of.
    .toSorted((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0) || byPlace(a, b));
  return failed.map(exitStatusOf).find((status) => status !== null) ?? null;
}

function byPlace(a: JobRow, b: JobRow): number {
  return a.submission - b.submission || a.replica - b.replica || a.node - b.node;
}
