import type { Millis } from '@berth/core';
import type { InstanceRow, IntentRow } from '@berth/store';
import type { Tx } from './books.ts';
import { STUCK_AFTER_ATTEMPTS, STUCK_AFTER_MS } from './timing.ts';

/**
 * Writes `instance.stuck`, once for each instance, when a machine that nobody wants cannot be got rid of.
 * @param error why the last attempt failed; null: it was accepted, and the cloud still lists the machine
 */
export async function noteIfStuck(tx: Tx, intent: IntentRow, error: string | null, now: Millis): Promise<void> {
  const row = await tx.read.instances.get(intent.instanceId);
  if (row === null || !isStuck(intent, row, error, now)) return;
  const told = await tx.read.events.first({ where: { targetId: row.id, kind: 'instance.stuck' } });
  if (told !== null) return;
  const why = error ?? 'the cloud still lists it';
  await tx.event({
    projectId: row.projectId,
    kind: 'instance.stuck',
    message: `Instance ${row.name} cannot be terminated (${why}). It may still be billed; it is tried for ever.`,
    targetKind: 'instance',
    targetId: row.id,
    targetName: row.name,
    runId: null,
    details: { attempts: intent.attempts },
  });
}

/** Why a machine does not get where it should, since when, and what is done about it. */
export interface Stuck {
  readonly what: 'cannot be terminated' | 'cannot be created' | 'its creation cannot be settled';
  readonly why: string;
  readonly since: Millis;
  readonly attempts: number;
  readonly nextAttemptAt: Millis;
}

/** @param open the instance's intents that are not settled */
export function stuckness(row: InstanceRow, open: readonly IntentRow[], now: Millis): Stuck | null {
  const create = open.find(({ kind }) => kind === 'instance.create') ?? null;
  const end = open.find(({ kind }) => kind === 'instance.terminate') ?? null;
  if (row.status === 'terminating') {
    const since = row.terminationRequestedAt ?? now;
    // The creation is settled first: before that it is not known what there is to terminate.
    const intent = create ?? end;
    if (intent === null || !isStuck(intent, row, intent.lastError?.message ?? null, now)) return null;
    const what = create === null ? 'cannot be terminated' : 'its creation cannot be settled';
    return { what, since, ...attemptsOf(intent, 'the cloud still lists it') };
  }
  if (create === null || create.attempts < STUCK_AFTER_ATTEMPTS) return null;
  return {
    what: 'cannot be created',
    since: create.createdAt,
    ...attemptsOf(create, 'the cloud has not answered yet'),
  };
}

function attemptsOf(
  { attempts, lastError, nextAttemptAt }: IntentRow,
  otherwise: string,
): Omit<Stuck, 'what' | 'since'> {
  return { why: lastError?.message ?? otherwise, attempts, nextAttemptAt };
}

function isStuck(intent: IntentRow, row: InstanceRow, error: string | null, now: Millis): boolean {
  if (row.status !== 'terminating') return false;
  if (error !== null && intent.attempts >= STUCK_AFTER_ATTEMPTS) return true;
  return now - (row.terminationRequestedAt ?? now) >= STUCK_AFTER_MS;
}
