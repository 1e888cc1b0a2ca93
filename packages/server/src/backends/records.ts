import { isDeepStrictEqual } from 'node:util';
import type { BackendEntry, Logger } from '@berth/backend';
import { type Clock, newId, type ProjectId, type RandomBytes, type UserId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import { INSTANCE_STATUSES, isInstanceAlive } from '@berth/core/states';
import type { Sealer } from '@berth/engine';
import type { BackendRow, InstanceRow, Store, Tables } from '@berth/store';
import type { RecordEvent } from '../events/record.ts';

/** A backend as it was written down. */
export type Entry = BackendEntry;

/** Who wants a change: a person by the API, or the configuration. */
export type Author = { readonly source: 'api'; readonly actor: UserId } | { readonly source: 'config.yml' };

export interface RecordsOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly recordEvent: RecordEvent;
}

const ALIVE = INSTANCE_STATUSES.filter(isInstanceAlive);
export const BY_CONFIG: Author = { source: 'config.yml' };

/**
 * What the store knows of backends. Of those that the API made it is all that there is; of those of the
 * configuration it lets a server that starts with machines of one that was taken out still give them back.
 */
export class BackendRecords {
  readonly #options: RecordsOptions;

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  /** Machines of this backend that may still cost money. */
  machines(project: ProjectId, backend: string): Promise<number> {
    return this.#options.store.read.instances.count({ projectId: project, backend, status: { in: ALIVE } });
  }

  machinesOf(project: ProjectId, backend: string): Promise<readonly InstanceRow[]> {
    return this.#options.store.read.instances.find({
      where: { projectId: project, backend, status: { in: ALIVE } },
      orderBy: ['createdAt', 'asc'],
    });
  }

  /** How many machines each backend holds, by its name. */
  async held(project: ProjectId): Promise<ReadonlyMap<string, number>> {
    const held = await this.#options.store.read.instances.find({
      where: { projectId: project, status: { in: ALIVE } },
    });
    const counts = new Map<string, number>();
    for (const { backend } of held) counts.set(backend, (counts.get(backend) ?? 0) + 1);
    return counts;
  }

  /** The backends, wanted or removed, that hold machines. */
  async withMachines(project: ProjectId): Promise<readonly BackendRow[]> {
    const { read } = this.#options.store;
    const rows: BackendRow[] = [];
    for (const name of (await this.held(project)).keys()) {
      const row = await read.backends.first({ where: { projectId: project, name }, orderBy: ['createdAt', 'desc'] });
      if (row !== null) rows.push(row);
    }
    return rows;
  }

  /** The row of a backend that is wanted. */
  current(project: ProjectId, name: string): Promise<BackendRow | null> {
    return this.#options.store.read.backends.first({ where: { projectId: project, name, deletedAt: null } });
  }

  /** Writes the entry down, sealed, if it is not there just so. */
  async write(project: ProjectId, entry: Entry, author: Author): Promise<BackendRow> {
    const { store, clock, random, sealer } = this.#options;
    const now = clock.now();
    const { kind, value } = entry.credentials;
    const { source } = author;
    const patch = {
      type: entry.type,
      config: entry.config as Readonly<Record<string, unknown>>, // read from a map
      credentialKind: kind,
      credentials: value === null ? null : sealer.seal(new Secret(JSON.stringify(value))),
      source,
    };
    return store.transaction(async (tables) => {
      const current = await tables.backends.first({ where: { projectId: project, name: entry.name, deletedAt: null } });
      if (current !== null) {
        if (current.source === source && this.#isWritten(current, entry)) return current;
        const message =
          current.source === 'api' && source === 'config.yml'
            ? `Backend ${current.name} is now what config.yml says; what was stored for it is replaced.`
            : `Backend ${current.name} was changed.`;
        await this.#record(tables, current, 'backend.changed', message, author);
        return tables.backends.update(current.id, current.version, patch);
      }
      const row = await tables.backends.insert({
        id: newId<'BackendId'>(now, random),
        projectId: project,
        name: entry.name,
        createdAt: now,
        deletedAt: null,
        ...patch,
      });
      await this.#record(tables, row, 'backend.added', `Backend ${row.name} was added.`, author);
      return row;
    });
  }

  async retire(row: BackendRow, author: Author): Promise<BackendRow> {
    const { store, clock } = this.#options;
    const held = await this.machines(row.projectId, row.name);
    const deletedAt = clock.now();
    return store.transaction(async (tables) => {
      const current = await tables.backends.get(row.id);
      if (current === null) return { ...row, deletedAt };
      const kept = held === 0 ? '.' : `; it is kept until its ${machinesText(held)} gone.`;
      await this.#record(tables, row, 'backend.removed', `Backend ${row.name} was removed${kept}`, author);
      return tables.backends.update(current.id, current.version, { deletedAt });
    });
  }

  /** It was removed, and the last of its machines is gone. */
  gone(row: BackendRow): Promise<void> {
    return this.#notice(row, 'backend.gone', `Backend ${row.name}, which was removed, holds nothing any more.`);
  }

  /** Said once, also if the server starts again meanwhile. */
  async unavailable(row: BackendRow, reason: string): Promise<void> {
    const message = `Backend ${row.name} cannot be used: ${reason}`;
    if ((await this.#last(row)) !== message) await this.#notice(row, 'backend.unavailable', message);
  }

  /** Said when it was told before that it cannot be used. */
  async available(row: BackendRow): Promise<void> {
    if (!(await this.#last(row))?.startsWith(`Backend ${row.name} cannot be used`)) return;
    await this.#notice(row, 'backend.available', `Backend ${row.name} can be used again.`);
  }

  /** @throws BerthError when its credentials cannot be opened */
  entryOf(row: BackendRow): Entry {
    const { name, type, config, credentialKind: kind, credentials } = row;
    const value: unknown = credentials === null ? null : JSON.parse(this.#options.sealer.open(credentials).reveal());
    return { name, type, config, credentials: { kind, value } };
  }

  #isWritten(row: BackendRow, entry: Entry): boolean {
    try {
      return isDeepStrictEqual(this.entryOf(row), entry);
    } catch {
      return false; // sealed with a key that is gone
    }
  }

  async #last(row: BackendRow): Promise<string | null> {
    const { events } = this.#options.store.read;
    return (await events.first({ where: { targetId: row.id }, orderBy: ['id', 'desc'] }))?.message ?? null;
  }

  /** Of what happened by itself: that it cannot be written down must not stop anything. */
  async #notice(row: BackendRow, kind: string, message: string): Promise<void> {
    await this.#options.store
      .transaction((tables) => this.#record(tables, row, kind, message, BY_CONFIG))
      .catch((error: unknown) => this.#options.log.error('event was not recorded', { message, error }));
  }

  #record(tables: Tables, row: BackendRow, kind: string, message: string, author: Author): Promise<void> {
    return this.#options.recordEvent(tables, {
      projectId: row.projectId,
      actor: author.source === 'api' ? author.actor : null,
      kind,
      message,
      targetKind: 'backend',
      targetId: row.id,
      targetName: row.name,
    });
  }
}

/** `2 machines are`. */
export function machinesText(count: number): string {
  return count === 1 ? '1 machine is' : `${count} machines are`;
}
