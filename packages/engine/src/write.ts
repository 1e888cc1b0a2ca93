import type { Millis, RandomBytes } from '@berth/core';
import { newId } from '@berth/core';
import type { Tx } from './books.ts';
import type { Write } from './decision.ts';

/** Writes what was decided, in its order. Several writes to one row must be one write. */
export async function applyWrites(
  tx: Tx,
  writes: readonly Write[],
  ids: { readonly now: () => Millis; readonly random: RandomBytes },
): Promise<void> {
  for (const write of writes) {
    if ('event' in write) await tx.event(write.event);
    else if ('add' in write) {
      if (write.add === 'jobs') await tx.add('jobs', { ...write.row, id: newId<'JobId'>(ids.now(), ids.random) });
      else if (write.add === 'orphans')
        await tx.add('orphans', { ...write.row, id: newId<'OrphanId'>(ids.now(), ids.random) });
      else await tx.add('intents', { ...write.row, id: newId<'IntentId'>(ids.now(), ids.random) });
    } else if (write.change === 'runs') await tx.change('runs', write.row, write.patch);
    else if (write.change === 'jobs') await tx.change('jobs', write.row, write.patch);
    else if (write.change === 'instances') await tx.change('instances', write.row, write.patch);
    else if (write.change === 'fleets') await tx.change('fleets', write.row, write.patch);
    else if (write.change === 'orphans') await tx.change('orphans', write.row, write.patch);
    else if (write.change === 'bootstraps') await tx.change('bootstraps', write.row, write.patch);
    else await tx.change('intents', write.row, write.patch);
  }
}
