/**
 * A second machine for a job whose first takes too long. Both are on the books; whichever is ready first
 * gets the job, and the other one is let go in the same transaction.
 */
import type { Millis } from '@berth/core';
import { isInstanceReady } from '@berth/core';
import type { InstanceRow, JobRow, Patch } from '@berth/store';
import { letGo } from './decide-instance.ts';
import type { Write } from './decision.ts';
import { HEDGE_AFTER_MS } from './timing.ts';

export interface Hedging {
  /** Those that were ever made beside the job's instance. */
  readonly hedges: readonly InstanceRow[];
  /** How long the instance may take; null: no other one may be made for this job. */
  readonly afterMs: number | null;
}

/** @param provisioningTimeoutMs of the backend: until then a machine is waited for at all */
export function hedgeAfter(provisioningTimeoutMs: number): number {
  return Math.min(HEDGE_AFTER_MS, provisioningTimeoutMs / 2);
}

/** The one that may still win. */
export function liveHedge(hedging: Hedging | null): InstanceRow | null {
  return hedging?.hedges.find(({ status }) => status !== 'terminating' && status !== 'terminated') ?? null;
}

/** Whether the job should change over: the hedge is ready and the instance is not, or the instance is lost. */
export function hedgeWins(hedge: InstanceRow, instance: InstanceRow | null): boolean {
  const isLost = instance === null || instance.status === 'terminating' || instance.status === 'terminated';
  if (isLost) return true;
  return !isInstanceReady(instance.status) && isInstanceReady(hedge.status) && hedge.unreachableSince === null;
}

/**
 * @param lessons what the job has learned of the instance
 * @param released what the instance looks like without the job; empty: it does not change
 */
export function changeOver(
  job: JobRow,
  hedge: InstanceRow,
  instance: InstanceRow | null,
  lessons: Pick<Patch<JobRow>, 'avoidOffers'>,
  released: Patch<InstanceRow>,
  now: Millis,
): readonly Write[] {
  const taken = isInstanceReady(hedge.status) ? ({ status: 'busy', idleSince: null } as const) : {};
  const writes: Write[] = [
    {
      change: 'jobs',
      row: job,
      patch: { ...lessons, instanceId: hedge.id, pricePerHour: hedge.pricePerHour, heldFrom: now, message: null },
    },
    { change: 'instances', row: hedge, patch: { ...taken, busyBlocks: 1, hedgeOf: null } },
  ];
  if (instance === null) return writes;
  const ended = unneeded(instance, hedge, now);
  const patch = { ...released, ...ended };
  if (Object.keys(patch).length > 0) writes.push({ change: 'instances', row: instance, patch });
  return writes;
}

/** The hedge is not needed: the instance is ready, or nobody wants either any more. */
export function giveUpHedge(hedging: Hedging | null, why: string, now: Millis): readonly Write[] {
  return (hedging?.hedges ?? []).flatMap((hedge) => letGo(hedge, 'hedged', why, now));
}

function unneeded(instance: InstanceRow, winner: InstanceRow, now: Millis): Patch<InstanceRow> {
  const [write] = letGo(instance, 'hedged', `${winner.name} was ready first.`, now);
  return write !== undefined && 'change' in write && write.change === 'instances' ? write.patch : {};
}

/** When a hedge is to be made; null: never. */
export function hedgeDueAt(
  job: JobRow,
  instance: InstanceRow,
  hedging: Hedging | null,
  awakeSince: Millis,
): Millis | null {
  if (hedging === null || hedging.afterMs === null || hedging.hedges.length > 0) return null;
  return Math.max(instance.createdAt, job.heldFrom ?? 0, awakeSince) + hedging.afterMs;
}
