/** What machines have cost in a time, added up. Prices are those at which they were taken: they never change. */
import type { CostView } from '@berth/core/api-schemas';
import { type CostGroup, holdCost, sumDollars } from '@berth/core/cost';
import type { Millis, RunId } from '@berth/core/ids';
import { isInstanceAlive } from '@berth/core/states';
import type { InstanceRow, JobRow, OrphanRow } from '@berth/store';

export interface CostQuestion {
  readonly since: Millis;
  readonly until: Millis;
  readonly by: CostGroup;
}

export interface CostRows {
  readonly instances: readonly InstanceRow[];
  /** Those that held one of the instances. Only asked for by run and user. */
  readonly jobs: readonly JobRow[];
  readonly orphans: readonly OrphanRow[];
  /** Rows of which orphans were the machine. */
  readonly formerly: readonly InstanceRow[];
}

export interface CostNames {
  readonly fleet: (instance: InstanceRow) => string | null;
  readonly run: (run: RunId) => string;
  readonly user: (run: RunId) => string;
}

/** A part of a machine's cost, and whose it is. */
interface Share {
  readonly name: string | null;
  readonly cost: number;
  readonly pricePerHour: number;
  readonly instance: string;
}

export function costView(question: CostQuestion, rows: CostRows, names: CostNames, now: Millis): CostView {
  const jobs = Map.groupBy(rows.jobs, ({ instanceId }) => instanceId);
  const shares = rows.instances.flatMap((instance) =>
    sharesOf(question, instance, jobs.get(instance.id) ?? [], names, now),
  );
  const orphans = orphansIn(question, rows, now);
  const groups = [...Map.groupBy(shares, ({ name }) => name)].map(([name, own]) => ({
    name,
    cost: sumDollars(own.map(({ cost }) => cost)),
    price_per_hour: sumDollars(own.map(({ pricePerHour }) => pricePerHour)),
    instances: new Set(own.map(({ instance }) => instance)).size,
  }));
  groups.sort((a, b) => b.cost - a.cost || ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  return {
    ...question,
    groups,
    total: sumDollars([...shares, ...orphans].map(({ cost }) => cost ?? 0)),
    price_per_hour: sumDollars(shares.map(({ pricePerHour }) => pricePerHour)),
    orphans,
  };
}

function sharesOf(
  question: CostQuestion,
  instance: InstanceRow,
  jobs: readonly JobRow[],
  names: CostNames,
  now: Millis,
): readonly Share[] {
  const { id, pricePerHour, createdAt, terminatedAt } = instance;
  const cost = costWithin(question, pricePerHour, createdAt, terminatedAt ?? now);
  const present = isInstanceAlive(instance.status) ? pricePerHour : 0;
  const { by } = question;
  if (by !== 'run' && by !== 'user') {
    const name = by === 'instance' ? instance.name : by === 'backend' ? instance.backend : names.fleet(instance);
    return [{ name, cost, pricePerHour: present, instance: id }];
  }
  const held = jobs.flatMap((job): Share[] => {
    if (job.heldFrom === null || job.pricePerHour === null) return [];
    return [
      {
        name: by === 'run' ? names.run(job.runId) : names.user(job.runId),
        cost: costWithin(question, job.pricePerHour, job.heldFrom, job.heldUntil ?? now),
        pricePerHour: job.heldUntil === null ? Math.min(present, job.pricePerHour) : 0,
        instance: id,
      },
    ];
  });
  // What nobody held it for: while it stood idle, or was on its way out.
  const idle = sumDollars([cost, ...held.map((share) => -share.cost)]);
  const idlePrice = sumDollars([present, ...held.map((share) => -share.pricePerHour)]);
  const rest = { name: null, cost: Math.max(0, idle), pricePerHour: Math.max(0, idlePrice), instance: id };
  return rest.cost === 0 && rest.pricePerHour === 0 ? held : [...held, rest];
}

/** Seen on a cloud and on no book. What it costs is known where it was on one before. */
function orphansIn(question: CostQuestion, { orphans, formerly }: CostRows, now: Millis): CostView['orphans'] {
  const rows = new Map(formerly.map((row) => [row.id, row]));
  return orphans.flatMap((orphan) => {
    const until = orphan.goneAt ?? now;
    if (orphan.firstSeenAt >= question.until || until <= question.since) return [];
    const row = orphan.instanceId === null ? undefined : rows.get(orphan.instanceId);
    // It was billed from the moment on which the book forgot it.
    const since = row?.terminatedAt ?? orphan.firstSeenAt;
    const { cloudId, backend, region, status, goneAt } = orphan;
    const cost = row === undefined ? null : costWithin(question, row.pricePerHour, since, until);
    return [{ cloud_id: cloudId, backend, region, status, since, until: goneAt, cost }];
  });
}

function costWithin({ since, until }: CostQuestion, pricePerHour: number, from: Millis, to: Millis): number {
  return holdCost(pricePerHour, Math.max(from, since), Math.min(to, until));
}
