/**
 * A cloud's list against the books, both ways. The list is asked for first and the books are read after
 * it: what was made in between is on the books and not yet in the list, and is left alone.
 */
import type { CloudInstance } from '@berth/backend';
import type { InstanceId, Millis, ProjectId } from '@berth/core';
import { isInstanceReady } from '@berth/core';
import type { InstanceRow, IntentRow, OrphanRow } from '@berth/store';
import { settled } from './decide-intent.ts';
import { sooner, type Write } from './decision.ts';
import { factsOf } from './machine-facts.ts';
import { DENIAL_GAP_MS, ORPHAN_MIN_AGE_MS, REPORTED_SEEN_EVERY_MS, TERMINATE_DEADLINE_MS } from './timing.ts';

export interface SweepSnapshot {
  readonly project: ProjectId;
  readonly backend: string;
  /** When the list was asked for: all else is younger. */
  readonly askedAt: Millis;
  /** How late the list may learn of a new machine. */
  readonly lagMs: number;
  readonly machines: readonly CloudInstance[];
  /** This backend's rows that are not terminated, and all rows of any project whose token a machine carries. */
  readonly rows: readonly InstanceRow[];
  /** Intents to create that are open, and those of rows that the list does not show. */
  readonly creates: readonly IntentRow[];
  /** This backend's orphans that are not gone, and gone ones that are listed again. */
  readonly orphans: readonly OrphanRow[];
  /** When the cloud denied a row for the first time. */
  readonly denials: ReadonlyMap<InstanceId, Millis>;
}

export interface SweepDecision {
  readonly writes: readonly Write[];
  readonly denials: ReadonlyMap<InstanceId, Millis>;
  /** When to compare again, because something was seen only once; null: as usual. */
  readonly wakeAt: Millis | null;
  /** Rows that are written off, and those whose lost creation was found. */
  readonly gone: readonly InstanceRow[];
  readonly adopted: readonly InstanceRow[];
}

export function decideSweep(snapshot: SweepSnapshot, now: Millis): SweepDecision {
  const orphaned = judgeMachines(snapshot, now);
  const believed = judgeRows(snapshot, now);
  return {
    writes: [...believed.writes, ...orphaned.writes],
    denials: believed.denials,
    wakeAt: sooner(orphaned.wakeAt, believed.wakeAt),
    gone: believed.gone,
    adopted: believed.adopted,
  };
}

/**
 * Whether a book expects this machine, so that nobody but the book's own engine may end it. A row that
 * is terminated expects it as long as its creation is open, or the list can be older than the end.
 */
export function isExpected(
  machine: Pick<CloudInstance, 'cloudId' | 'token'>,
  row: InstanceRow | undefined,
  context: Pick<SweepSnapshot, 'project' | 'backend' | 'askedAt' | 'lagMs'> & { readonly createIsOpen: boolean },
): boolean {
  if (row === undefined) return false;
  if (context.createIsOpen) return true;
  if (row.status === 'terminated') {
    const endedAfterMs = (row.terminatedAt ?? 0) - context.askedAt;
    // Far in the future: from before the clock was set back. The least age of an orphan is protection enough then.
    return endedAfterMs > -context.lagMs && endedAfterMs <= 2 * TERMINATE_DEADLINE_MS;
  }
  // A cloud that made two of one token (against C2). Another backend may call the same machine otherwise.
  const isOwn = row.projectId === context.project && row.backend === context.backend;
  return !(isOwn && row.cloudId !== null && row.cloudId !== machine.cloudId);
}

/** What `decideSweep` must know of the creation of. */
export function unlisted(machines: readonly CloudInstance[], rows: readonly InstanceRow[]): readonly InstanceRow[] {
  const listed = new Set(machines.map(({ cloudId }) => cloudId));
  return rows.filter((row) => isBelievedIn(row) && row.cloudId !== null && !listed.has(row.cloudId));
}

function isBelievedIn(row: InstanceRow): boolean {
  return row.status === 'provisioning' || isInstanceReady(row.status);
}

interface Machines {
  readonly writes: readonly Write[];
  readonly wakeAt: Millis | null;
}

function judgeMachines(snapshot: SweepSnapshot, now: Millis): Machines {
  const { rows, creates, orphans, lagMs } = snapshot;
  const byToken = new Map(rows.map((row) => [row.token, row]));
  const open = new Set(creates.filter(({ status }) => status === 'open').map(({ instanceId }) => instanceId));
  const known = new Map(orphans.map((orphan) => [orphan.cloudId, orphan]));
  const writes: Write[] = [];
  const seen = new Set<string>();
  let wakeAt: Millis | null = null;
  for (const machine of snapshot.machines) {
    if (machine.state === 'terminated' || seen.has(machine.cloudId)) continue;
    const row = machine.token === null ? undefined : byToken.get(machine.token);
    if (isExpected(machine, row, { ...snapshot, createIsOpen: row !== undefined && open.has(row.id) })) continue;
    seen.add(machine.cloudId);
    const orphan = known.get(machine.cloudId);
    const judged = orphan === undefined ? found(snapshot, machine, row, now) : seenAgain(orphan, lagMs, now);
    writes.push(...judged.writes);
    wakeAt = sooner(wakeAt, judged.wakeAt);
  }
  for (const orphan of orphans) {
    if (orphan.status === 'gone' || seen.has(orphan.cloudId)) continue;
    const isListed = snapshot.machines.some((m) => m.cloudId === orphan.cloudId && m.state !== 'terminated');
    const missing = now - Math.min(orphan.lastSeenAt, now);
    if (isListed || missing >= lagMs) {
      writes.push({ change: 'orphans', row: orphan, patch: { status: 'gone', goneAt: now, nextAttemptAt: null } });
    } else wakeAt = sooner(wakeAt, now + lagMs - missing);
  }
  return { writes, wakeAt };
}

function found(
  { project, backend }: SweepSnapshot,
  machine: CloudInstance,
  row: InstanceRow | undefined,
  now: Millis,
): Machines {
  const { cloudId, token, name, region, zone } = machine;
  const orphan = {
    projectId: project,
    backend,
    cloudId,
    token,
    name,
    region,
    zone,
    instanceId: row?.id ?? null,
    // Our tag without a token that we gave proves nothing: somebody may have copied a machine.
    status: token === null ? 'reported' : 'watched',
    firstSeenAt: now,
    lastSeenAt: now,
    attempts: 0,
    nextAttemptAt: null,
    lastError: null,
    goneAt: null,
  } as const;
  return { writes: [{ add: 'orphans', row: orphan }], wakeAt: token === null ? null : now + ORPHAN_MIN_AGE_MS };
}

function seenAgain(orphan: OrphanRow, lagMs: number, now: Millis): Machines {
  const change = (patch: Partial<OrphanRow>): Write => ({ change: 'orphans', row: orphan, patch });
  // A time in the future is from before the clock was set back.
  const firstSeenAt = Math.min(orphan.firstSeenAt, now);
  switch (orphan.status) {
    case 'gone': {
      const status = orphan.token === null ? 'reported' : 'watched';
      const anew = { status, firstSeenAt: now, lastSeenAt: now, goneAt: null, attempts: 0, lastError: null } as const;
      return { writes: [change(anew)], wakeAt: null };
    }
    case 'reported': {
      const isNews = Math.abs(now - orphan.lastSeenAt) >= REPORTED_SEEN_EVERY_MS;
      return { writes: isNews ? [change({ lastSeenAt: now })] : [], wakeAt: null };
    }
    case 'terminating':
      return { writes: [change({ lastSeenAt: now })], wakeAt: null };
    case 'watched': {
      const dueAt = firstSeenAt + Math.max(ORPHAN_MIN_AGE_MS, lagMs);
      if (now < dueAt) return { writes: [change({ firstSeenAt, lastSeenAt: now })], wakeAt: dueAt };
      return { writes: [change({ status: 'terminating', lastSeenAt: now, nextAttemptAt: now })], wakeAt: null };
    }
  }
}

interface Believed extends Pick<SweepDecision, 'writes' | 'denials' | 'wakeAt' | 'gone' | 'adopted'> {}

function judgeRows(snapshot: SweepSnapshot, now: Millis): Believed {
  const { project, backend, machines, creates, lagMs } = snapshot;
  const listed = new Map(machines.map((machine) => [machine.cloudId, machine]));
  const writes: Write[] = [];
  const denials = new Map<InstanceId, Millis>();
  const gone: InstanceRow[] = [];
  const adopted: InstanceRow[] = [];
  let wakeAt: Millis | null = null;
  for (const row of snapshot.rows) {
    if (row.projectId !== project || row.backend !== backend) continue;
    if (row.cloudId === null) {
      const adoption = adopt(row, creates, machines, now);
      writes.push(...adoption);
      if (adoption.length > 0) adopted.push(row);
      continue;
    }
    if (!isBelievedIn(row) || isAnswering(row)) continue;
    const machine = listed.get(row.cloudId);
    if (machine !== undefined && machine.state !== 'terminated') continue;
    if (machine === undefined) {
      const madeAt = creates.find(({ instanceId }) => instanceId === row.id)?.settledAt ?? row.createdAt;
      if (snapshot.askedAt - madeAt < lagMs) continue;
      const first = Math.min(snapshot.denials.get(row.id) ?? now, now);
      const confirmedAt = first + Math.max(lagMs, DENIAL_GAP_MS);
      if (now < confirmedAt) {
        denials.set(row.id, first);
        wakeAt = sooner(wakeAt, confirmedAt);
        continue;
      }
    }
    writes.push(...writeOff(row, now));
    gone.push(row);
  }
  return { writes, denials, wakeAt, gone, adopted };
}

/** A list may be stale; an agent that answers is there. */
function isAnswering(row: InstanceRow): boolean {
  return isInstanceReady(row.status) && row.unreachableSince === null;
}

/** The answer to a create was lost, and here is what it made. */
function adopt(
  row: InstanceRow,
  creates: readonly IntentRow[],
  machines: readonly CloudInstance[],
  now: Millis,
): readonly Write[] {
  if (row.status !== 'provisioning' && row.status !== 'terminating') return [];
  const intent = creates.find(({ instanceId, status, uncertain }) => {
    return instanceId === row.id && status === 'open' && uncertain;
  });
  const machine = machines.find(({ token, state }) => token === row.token && state !== 'terminated');
  if (intent === undefined || machine === undefined) return [];
  return [settled(intent, 'done', now), { change: 'instances', row, patch: factsOf(machine, row) }];
}

function writeOff(row: InstanceRow, now: Millis): readonly Write[] {
  const message = row.capacityType === 'spot' ? 'The cloud took it back.' : 'The cloud does not have it any more.';
  return [
    {
      change: 'instances',
      row,
      patch: {
        status: 'terminated',
        endReason: 'gone',
        message,
        terminatedAt: now,
        busyBlocks: 0,
        unreachableSince: null,
      },
    },
    {
      event: {
        projectId: row.projectId,
        kind: 'instance.gone',
        message: `Instance ${row.name} (${row.backend} ${row.instanceType} in ${row.region}) is gone: ${message}`,
        targetKind: 'instance',
        targetId: row.id,
        targetName: row.name,
        runId: null,
        details: { cloud_id: row.cloudId },
      },
    },
  ];
}
