/** Leases as rows. */
import type { ServerId } from '@berth/core';
import type { LeaseRow, Tables } from '@berth/store';
import type { Grip, Lane } from './lanes.ts';

export function leaseId(lane: Lane): string {
  return `lane-${String(lane).padStart(2, '0')}`;
}

export function laneOfLease(id: string): Lane {
  return Number(id.slice('lane-'.length));
}

export function leasesByLane(rows: readonly LeaseRow[]): ReadonlyMap<Lane, LeaseRow> {
  return new Map(rows.map((row) => [laneOfLease(row.id), row]));
}

/**
 * Gives lanes to `owner`, or to nobody. Those that are not as they were seen are left alone: somebody else
 * was faster. Returns the new tokens.
 */
export async function changeOwner(
  tables: Pick<Tables, 'leases'>,
  seen: readonly (Grip | Pick<LeaseRow, 'id'> | LeaseRow)[],
  owner: ServerId | null,
): Promise<ReadonlyMap<Lane, number>> {
  const changed = new Map<Lane, number>();
  for (const before of seen) {
    const id = 'id' in before ? before.id : leaseId(before.lane);
    const token = 'token' in before ? before.token : null;
    const row = await tables.leases.get(id);
    if ((row?.token ?? null) !== token) continue;
    const now =
      row === null
        ? await tables.leases.insert({ id, owner, token: 1 })
        : await tables.leases.update(id, row.version, { owner, token: row.token + 1 });
    changed.set(laneOfLease(id), now.token);
  }
  return changed;
}
