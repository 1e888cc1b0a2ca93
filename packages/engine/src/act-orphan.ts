/** Terminates a machine that is on no book: tried for ever, and each attempt is written down first. */
import { asBackendError } from '@berth/backend';
import type { Millis } from '@berth/core';
import type { OrphanRow } from '@berth/store';
import type { Books, Tx } from './books.ts';
import { type Decision, NOTHING } from './decision.ts';
import type { EnginePorts } from './ports.ts';
import { backoff, isDue, ORPHAN_BACKOFF, STUCK_AFTER_ATTEMPTS } from './timing.ts';

export interface OrphanEffect {
  readonly kind: 'terminate-orphan';
  readonly orphan: OrphanRow;
}

export function decideOrphan(orphan: OrphanRow, now: Millis): Decision<OrphanEffect> {
  if (orphan.status !== 'terminating') return NOTHING;
  if (!isDue(orphan.nextAttemptAt, now, ORPHAN_BACKOFF.maxMs)) return { ...NOTHING, wakeAt: orphan.nextAttemptAt };
  return { writes: [], effects: [{ kind: 'terminate-orphan', orphan }], wakeAt: null };
}

type Ports = Pick<EnginePorts, 'backends' | 'clock' | 'log'>;

/** That it is gone is for the next sweep to see. */
export async function terminateOrphan(
  books: Books,
  ports: Ports,
  orphan: OrphanRow,
  signal: AbortSignal,
): Promise<void> {
  const { cloudId, token, region, zone } = orphan;
  const backend = ports.backends.get(orphan.projectId, orphan.backend);
  if (!(await begin(books, orphan, ports.clock.now()))) return;
  try {
    if (backend === null) throw new Error(`Backend ${orphan.backend} cannot be used at present.`);
    await backend.compute.terminate({ cloudId, token: token ?? '', region, zone }, { signal, log: ports.log });
  } catch (thrown) {
    const error = asBackendError(thrown);
    if (error.code === 'not-found') return;
    await books.write(null, async (tx) => {
      const fresh = await tx.read.orphans.get(orphan.id);
      if (fresh?.status !== 'terminating') return;
      await tx.change('orphans', fresh, { lastError: { code: error.code, message: error.message } });
      if (fresh.attempts === STUCK_AFTER_ATTEMPTS) await tellStuck(tx, fresh, error.message);
    });
  }
}

/** False: nothing is to be done any more, because a book has it after all. */
async function begin(books: Books, orphan: OrphanRow, now: Millis): Promise<boolean> {
  return books.write(null, async (tx) => {
    const fresh = await tx.read.orphans.get(orphan.id);
    if (fresh?.status !== 'terminating') return false;
    if (await isOnABook(tx, fresh)) {
      await tx.change('orphans', fresh, { status: 'gone', goneAt: now, nextAttemptAt: null });
      return false;
    }
    const attempts = fresh.attempts + 1;
    await tx.change('orphans', fresh, { attempts, nextAttemptAt: now + backoff(ORPHAN_BACKOFF, attempts) });
    return true;
  });
}

/** Somebody may have put it there since the sweep: a database that was restored and then merged. */
async function isOnABook(tx: Tx, orphan: OrphanRow): Promise<boolean> {
  if (orphan.token === null) return true; // not provably ours
  const row = await tx.read.instances.first({ where: { token: orphan.token } });
  if (row === null) return false;
  const create = await tx.read.intents.first({
    where: { instanceId: row.id, kind: 'instance.create', status: 'open' },
  });
  if (create !== null) return true;
  return row.status !== 'terminated' && (row.cloudId === null || row.cloudId === orphan.cloudId);
}

async function tellStuck(tx: Tx, orphan: OrphanRow, why: string): Promise<void> {
  const name = orphan.name ?? orphan.cloudId;
  await tx.event({
    projectId: orphan.projectId,
    kind: 'orphan.stuck',
    message: `Machine ${name} is on no book and cannot be terminated (${why}). It may still be billed; it is tried for ever.`,
    targetKind: 'orphan',
    targetId: orphan.id,
    targetName: name,
    runId: null,
    details: { attempts: orphan.attempts },
  });
}
