import { isDeepStrictEqual } from 'node:util';
import type { BackendEntry, Logger } from '@berth/backend';
import { type Clock, newId, type ProjectId, type RandomBytes } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import { INSTANCE_STATUSES, isInstanceAlive } from '@berth/core/states';
import type { Sealer } from '@berth/engine';
import type { BackendRow, Store, Tables } from '@berth/store';
import type { RecordEvent } from '../events/record.ts';

/** A backend as it was written down. */
export type Entry = BackendEntry;

export interface RecordsOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly recordEvent: RecordEvent;
}

const ALIVE = INSTANCE_STATUSES.filter(isInstanceAlive);

/**
 * What the store knows of backends. It is not what decides which there are (the configuration does), but
 * lets a server that starts with machines of a backend that was taken out still give them back.
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

  /** The backends, wanted or removed, that hold machines. */
  async withMachines(project: ProjectId): Promise<readonly BackendRow[]> {
    const { read } = this.#options.store;
    const held = await read.instances.find({ where: { projectId: project, status: { in: ALIVE } } });
    const rows: BackendRow[] = [];
    for (const name of new Set(held.map(({ backend }) => backend))) {
      const row = await read.backends.first({ where: { projectId: project, name }, orderBy: ['createdAt', 'desc'] });
      if (row !== null) rows.push(row);
    }
    return rows;
  }

  /** Writes the entry down, sealed, if it is not there just so. */
  async write(project: ProjectId, entry: Entry): Promise<BackendRow> {
    const { store, clock, random, sealer } = this.#options;
    const now = clock.now();
    const { kind, value } = entry.credentials;
    const patch = {
      type: entry.type,
      config: entry.config as Readonly<Record<string, unknown>>, // read from a map
      credentialKind: kind,
      credentials: value === null ? null : sealer.seal(new Secret(JSON.stringify(value))),
    };
    return store.transaction(async (tables) => {
      const current = await tables.backends.first({ where: { projectId: project, name: entry.name, deletedAt: null } });
      if (current !== null) {
        return this.#isWritten(current, entry) ? current : tables.backends.update(current.id, current.version, patch);
      }
      const row = await tables.backends.insert({
        id: newId<'BackendId'>(now, random),
        projectId: project,
        name: entry.name,
        source: 'config.yml',
        createdAt: now,
        deletedAt: null,
        ...patch,
      });
      await this.#record(tables, row, 'backend.added', `Backend ${row.name} was added.`);
      return row;
    });
  }

  async retire(row: BackendRow): Promise<BackendRow> {
    const { store, clock } = this.#options;
    const held = await this.machines(row.projectId, row.name);
    const deletedAt = clock.now();
    return store.transaction(async (tables) => {
      const current = await tables.backends.get(row.id);
      if (current === null) return { ...row, deletedAt };
      const kept = held === 0 ? '.' : `; it is kept until its ${held} machines are gone.`;
      await this.#record(tables, row, 'backend.removed', `Backend ${row.name} was removed${kept}`);
      return tables.backends.update(current.id, current.version, { deletedAt });
    });
  }

  async unavailable(row: BackendRow, reason: string): Promise<void> {
    const message = `Backend ${row.name} cannot be used: ${reason}`;
    await this.#options.store
      .transaction((tables) => this.#record(tables, row, 'backend.unavailable', message))
      .catch((error: unknown) => this.#options.log.error('event was not recorded', { message, error }));
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

  #record(tables: Tables, row: BackendRow, kind: string, message: string): Promise<void> {
    return this.#options.recordEvent(tables, {
      projectId: row.projectId,
      actor: null,
      kind,
      message,
      targetKind: 'backend',
      targetId: row.id,
      targetName: row.name,
    });
  }
}
