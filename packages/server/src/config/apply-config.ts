import type { Logger } from '@berth/backend';
import { BerthError, type ConfigIssue } from '@berth/core/errors';
import type { Clock, ProjectId, RandomBytes } from '@berth/core/ids';
import type { ProjectRow, Store } from '@berth/store';
import type { BackendDirectory, Wanted } from '../backends/directory.ts';
import type { BackendRecords } from '../backends/records.ts';
import type { Notices } from '../events/notices.ts';
import type { RecordEvent } from '../events/record.ts';
import { createProject, projectTarget } from '../handlers/projects.ts';
import { FIRST_PROJECT } from '../start/first-start.ts';
import { type ConfiguredEntry, LOCAL_ENTRY, type ServerConfig } from './server-config.ts';

export interface AppliedConfigOptions {
  readonly store: Store;
  readonly directory: BackendDirectory;
  readonly records: BackendRecords;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly recordEvent: RecordEvent;
}

/** The configuration that is in force. */
export class AppliedConfig {
  readonly #options: AppliedConfigOptions;
  /** Null: the file was broken when the server started, and what it said before is in force. */
  #config: ServerConfig | null;
  #wanted: Wanted | null = new Map();

  constructor(options: AppliedConfigOptions, config: ServerConfig | null) {
    this.#options = options;
    this.#config = config;
  }

  isConfigured(projectName: string): boolean {
    return this.#config?.projects?.some(({ name }) => name === projectName) ?? false;
  }

  /** Whether the project should have any backend, usable or not. */
  hasBackend(project: ProjectId): boolean {
    return (this.#wanted?.get(project) ?? []).length > 0 || this.#options.directory.has(project);
  }

  /** Makes the projects that are missing, and brings every backend to what is written. */
  async apply(config: ServerConfig | null = this.#config): Promise<void> {
    this.#config = config;
    this.#wanted = config === null ? null : await this.#wantedBy(config);
    await this.#options.directory.apply(this.#wanted);
  }

  /** The file changed. What cannot change while the server runs is told. */
  async change(config: ServerConfig): Promise<void> {
    const { log } = this.#options;
    const { limits, keys } = this.#config ?? {};
    const names = (all: ServerConfig['keys'] | undefined): string => (all ?? []).map(({ name }) => name).join();
    if (JSON.stringify(limits) !== JSON.stringify(config.limits) || names(keys) !== names(config.keys)) {
      log.warn('`limits` and `encryption` take effect when the server starts again');
    }
    log.info('config.yml has changed and is applied');
    await this.apply(config);
  }

  /** The file is broken. What was in force stays so. */
  async refuse(error: unknown): Promise<void> {
    const { store, notices } = this.#options;
    for (const project of await store.read.projects.find({ where: { deletedAt: null } })) {
      notices.add({
        projectId: project.id,
        actor: null,
        kind: 'server.config-broken',
        message: `The server's config.yml cannot be used, so nothing changes: ${describe(error)}`,
        ...projectTarget(project),
      });
    }
  }

  async #wantedBy(config: ServerConfig): Promise<Wanted> {
    if (config.projects === null) {
      const first = await this.#firstProject();
      return new Map(first === null ? [] : [[first.id, [LOCAL_ENTRY]]]);
    }
    const wanted = new Map<ProjectId, readonly ConfiguredEntry[]>();
    for (const { name, backends } of config.projects) wanted.set((await this.#project(name)).id, backends);
    return wanted;
  }

  /**
   * The one that was made with the server. Jobs on `local` have the rights of the server itself, so the
   * name alone is no proof: when `main` was deleted, any user may have made another.
   */
  async #firstProject(): Promise<ProjectRow | null> {
    const { read } = this.#options.store;
    const named = await read.projects.first({ where: { name: FIRST_PROJECT, deletedAt: null } });
    const owner = named === null ? null : await read.users.get(named.ownerId);
    return owner?.globalRole === 'admin' ? named : null;
  }

  /** One that the file names and nobody has made belongs to the first admin. */
  async #project(name: string): Promise<ProjectRow> {
    const { store } = this.#options;
    const found = await store.read.projects.first({ where: { name, deletedAt: null } });
    if (found !== null) return found;
    return store.transaction(async (tables) => {
      // Another server of the same database may read the same file at the same time.
      const made = await tables.projects.first({ where: { name, deletedAt: null } });
      if (made !== null) return made;
      const admin = await tables.users.first({ where: { globalRole: 'admin', active: true } });
      if (admin === null) throw new Error('a server has an admin');
      return createProject(this.#options, tables, name, admin.id);
    });
  }
}

function describe(error: unknown): string {
  if (!(error instanceof BerthError)) return error instanceof Error ? error.message : String(error);
  const place = ({ line, message }: ConfigIssue): string => (line === undefined ? message : `line ${line}: ${message}`);
  return error.issues.length === 0 ? error.message : error.issues.slice(0, 3).map(place).join('; ');
}
