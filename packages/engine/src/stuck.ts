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

function isStuck(intent: IntentRow, row: InstanceRow, error: string | null, now: Millis): boolean {
  if (row.status !== 'terminating') return false;
  if (error !== null && intent.attempts >= STUCK_AFTER_ATTEMPTS) return true;
  return now - (row.terminationRequestedAt ?? now) >= STUCK_AFTER_MS;
}
