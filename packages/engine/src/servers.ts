/** The servers on one database, as rows: each gives signs of life, and one that is gone is told of. */
import { type Millis, newId, type RandomBytes, type ServerId } from '@berth/core';
import type { ServerRow, Tables } from '@berth/store';

interface Stamp {
  readonly now: Millis;
  readonly random: RandomBytes;
}

interface Who {
  readonly id: ServerId;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: Millis;
}

/** Also signs it in: at the start, and when others have given it up meanwhile. */
export async function giveSign(tables: Pick<Tables, 'servers' | 'events'>, who: Who, stamp: Stamp): Promise<void> {
  const row = await tables.servers.get(who.id);
  if (row !== null) {
    await tables.servers.update(row.id, row.version, { seenAt: stamp.now });
    return;
  }
  const { id, host, pid, startedAt } = who;
  const added = await tables.servers.insert({ id, host, pid, url: null, startedAt, seenAt: stamp.now });
  await tell(tables, added, 'server.joined', `Server ${nameOf(added)} takes its share of the work`, stamp);
}

export async function takeLeave(tables: Pick<Tables, 'servers' | 'events'>, id: ServerId, stamp: Stamp): Promise<void> {
  const row = await tables.servers.get(id);
  if (row === null) return;
  await tables.servers.delete({ id });
  await tell(tables, row, 'server.left', `Server ${nameOf(row)} has handed its work over`, stamp);
}

/** Those that have been silent for too long; one that has spoken since is left alone. */
export async function forgetServers(
  tables: Pick<Tables, 'servers' | 'events'>,
  silent: readonly ServerRow[],
  stamp: Stamp,
): Promise<void> {
  for (const { id, version } of silent) {
    const row = await tables.servers.get(id);
    if (row?.version !== version) continue;
    await tables.servers.delete({ id });
    await tell(tables, row, 'server.lost', `Server ${nameOf(row)} gives no sign of life; others do its work`, stamp);
  }
}

function nameOf({ host, pid }: ServerRow): string {
  return `${host} (process ${pid})`;
}

async function tell(
  tables: Pick<Tables, 'events'>,
  row: ServerRow,
  kind: string,
  message: string,
  { now, random }: Stamp,
): Promise<void> {
  await tables.events.insert({
    id: newId<'EventId'>(now, random),
    at: now,
    actor: null,
    projectId: null,
    kind,
    message,
    targetKind: 'server',
    targetId: row.id,
    targetName: row.host,
    runId: null,
    details: { pid: row.pid },
  });
}
