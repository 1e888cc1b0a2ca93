import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  BackendError,
  type BackendHost,
  type BackendRegistry,
  type ConfiguredBackend,
  type Logger,
} from '@berth/backend';
import type { BackendView } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import type { Clock, ProjectId, RandomBytes } from '@berth/core/ids';
import type { Backends, UsableBackend } from '@berth/engine';
import type { BackendRow, Store } from '@berth/store';
import type { ConfiguredEntry } from '../config/server-config.ts';
import type { BackendRecords, Entry } from './records.ts';

export interface DirectoryOptions {
  readonly store: Store;
  readonly records: BackendRecords;
  readonly registry: BackendRegistry;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly installation: string;
  /** Each backend of each project has a folder of its own below. */
  readonly stateDir: string;
  /** Offers of clouds, for backends whose machines somebody sells. */
  readonly market?: BackendHost['market'];
}

/** What each project should have. */
export type Wanted = ReadonlyMap<ProjectId, readonly ConfiguredEntry[]>;

type Slot = {
  readonly entry: Entry;
  readonly row: BackendRow;
  /** Null while it was never ready. One that is not wanted any more is kept for what it still holds. */
  backend: UsableBackend | null;
  view: BackendView;
  /** May take new work. */
  usable: boolean;
};

/** A cloud that did not answer is asked again: soon, and then ever more seldom. */
const RETRY_MS = [60_000, 2 * 60_000, 5 * 60_000, 10 * 60_000];

/**
 * The backends of every project. What is wanted comes from the configuration; what still holds machines
 * stays, unwanted or not, until they are gone: who takes a backend out of a file must not lose sight of
 * what it bills.
 */
export class BackendDirectory implements Backends {
  readonly #options: DirectoryOptions;
  readonly #projects = new Map<ProjectId, Map<string, Slot>>();
  readonly #listeners = new Set<(project: ProjectId) => void>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  readonly #closing = new AbortController();
  readonly #stopListening: () => void;
  /** One change after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#stopListening = options.store.onCommit((changes) => {
      if (!changes.some(({ table }) => table === 'instances')) return;
      for (const [project, slots] of this.#projects) {
        const held = [...slots.values()].some(({ row }) => row.deletedAt !== null);
        if (held) void this.#inTurn(() => this.#letGo(project));
      }
    });
  }

  usable(project: ProjectId): readonly UsableBackend[] {
    return [...(this.#projects.get(project)?.values() ?? [])].flatMap(({ backend, usable }) =>
      usable && backend !== null ? [backend] : [],
    );
  }

  get(project: ProjectId, name: string): UsableBackend | null {
    return this.#projects.get(project)?.get(name)?.backend ?? null;
  }

  onChange(listener: (project: ProjectId) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Also those packages that were found and cannot be used by anybody. */
  views(project: ProjectId): readonly BackendView[] {
    const own = [...(this.#projects.get(project)?.values() ?? [])].map(({ view }) => view);
    const broken = this.#options.registry.unavailable.map(
      ({ dir, reason }): BackendView => ({
        name: basename(dir),
        type: basename(dir),
        title: basename(dir),
        kind: null,
        status: 'unavailable',
        reason,
        account: null,
        facets: [],
      }),
    );
    return [...own.toSorted((a, b) => (a.name < b.name ? -1 : 1)), ...broken];
  }

  /** Brings every project to what is wanted. Resolves when each backend is ready or known not to be. */
  apply(wanted: Wanted): Promise<void> {
    return this.#inTurn(async () => {
      const rows = await this.#options.store.read.backends.find({ where: { deletedAt: null } });
      const projects = new Set([...wanted.keys(), ...this.#projects.keys(), ...rows.map(({ projectId }) => projectId)]);
      const known = Map.groupBy(rows, ({ projectId }) => projectId);
      await Promise.all(
        [...projects].map((project) =>
          this.#applyProject(project, wanted.get(project) ?? [], known.get(project) ?? []),
        ),
      );
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the server stops'));
    this.#stopListening();
    for (const retry of this.#retries.values()) clearTimeout(retry);
    await this.#turn;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #applyProject(
    project: ProjectId,
    entries: readonly ConfiguredEntry[],
    known: readonly BackendRow[],
  ): Promise<void> {
    const slots = this.#projects.get(project) ?? new Map<string, Slot>();
    this.#projects.set(project, slots);
    await this.#recall(project, slots);
    const names = new Set(entries.map(({ name }) => name));
    for (const [name, slot] of slots) if (!names.has(name)) await this.#retire(project, slot);
    // Taken out while no server was running, and without machines.
    for (const row of known) if (!names.has(row.name) && !slots.has(row.name)) await this.#options.records.retire(row);
    await this.#letGo(project);
    await Promise.all(entries.map((entry) => this.#want(project, slots, entry)));
    this.#tell(project);
  }

  /** After a start, nothing is known but what is in the store: also backends that were taken out long ago. */
  async #recall(project: ProjectId, slots: Map<string, Slot>): Promise<void> {
    const { records, log } = this.#options;
    for (const row of await records.withMachines(project)) {
      if (slots.has(row.name)) continue;
      let entry: Entry;
      try {
        entry = records.entryOf(row);
      } catch (error) {
        // Its machines cannot be reached without its credentials; everything else must go on.
        log.error('backend cannot be recalled', { project, backend: row.name, error });
        continue;
      }
      const slot = this.#slot(entry, row);
      slots.set(row.name, slot);
      await this.#configure(project, slot);
    }
  }

  async #want(project: ProjectId, slots: Map<string, Slot>, wanted: ConfiguredEntry): Promise<void> {
    const { line: _line, ...entry } = wanted;
    const before = slots.get(entry.name);
    const same = before !== undefined && before.row.deletedAt === null && isDeepStrictEqual(before.entry, entry);
    if (same && before.backend !== null) {
      before.usable = before.view.status === 'ready';
      return;
    }
    if (
      before !== undefined &&
      before.entry.type !== entry.type &&
      (await this.#options.records.machines(project, entry.name)) > 0
    ) {
      before.usable = false;
      before.view = {
        ...before.view,
        status: 'unavailable',
        reason: `It is to become a ${entry.type}, but still holds machines as a ${before.entry.type}; give the new one another name.`,
      };
      return;
    }
    const row = await this.#options.records.write(project, entry);
    const slot = this.#slot(entry, row);
    // Whatever becomes of the new one: what the old one holds can be given back.
    slot.backend = before?.backend ?? null;
    slots.set(entry.name, slot);
    await this.#configure(project, slot, wanted.line);
  }

  async #configure(project: ProjectId, slot: Slot, line: number | null = null, attempt = 0): Promise<void> {
    const { registry, log } = this.#options;
    const wanted = slot.row.deletedAt === null;
    const key = `${project}/${slot.entry.name}`;
    clearTimeout(this.#retries.get(key));
    this.#retries.delete(key);
    try {
      const ready = await registry.configure(slot.entry, this.#host(project, slot.entry.name), this.#closing.signal);
      slot.backend = usableBackend(ready, log);
      slot.usable = wanted;
      slot.view = {
        name: ready.name,
        type: ready.type,
        title: ready.title,
        kind: ready.kind,
        status: wanted ? 'ready' : 'unavailable',
        reason: wanted ? null : REMOVED,
        account: ready.account,
        facets: [...ready.facets],
      };
    } catch (error) {
      const where = line === null ? '' : ` (config.yml, line ${line})`;
      const reason = `${error instanceof Error ? error.message : String(error)}${where}`;
      const isNews = slot.view.reason !== reason;
      slot.usable = false;
      slot.view = { ...slot.view, status: 'unavailable', reason };
      if (this.#closing.signal.aborted) return;
      log.warn('backend is unavailable', { project, backend: slot.entry.name, reason });
      if (isNews) await this.#options.records.unavailable(slot.row, reason);
      if (error instanceof BackendError || !(error instanceof BerthError))
        this.#retryLater(project, slot, line, attempt);
    }
  }

  /** Only a cloud that may answer otherwise next time; what is written wrong stays wrong until it is changed. */
  #retryLater(project: ProjectId, slot: Slot, line: number | null, attempt: number): void {
    const retry = setTimeout(
      () => {
        void this.#inTurn(async () => {
          if (this.#projects.get(project)?.get(slot.entry.name) !== slot) return;
          await this.#configure(project, slot, line, attempt + 1);
          this.#tell(project);
        });
      },
      RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)],
    );
    retry.unref();
    this.#retries.set(`${project}/${slot.entry.name}`, retry);
  }

  /** Not wanted any more. It takes no new work, and stays while it holds machines. */
  async #retire(project: ProjectId, slot: Slot): Promise<void> {
    slot.usable = false;
    if (slot.row.deletedAt !== null) return;
    const row = await this.#options.records.retire(slot.row);
    const view: BackendView = { ...slot.view, status: 'unavailable', reason: REMOVED };
    this.#projects.get(project)?.set(slot.entry.name, { ...slot, row, view });
  }

  /** Forgets those that are not wanted and hold nothing. */
  async #letGo(project: ProjectId): Promise<void> {
    const slots = this.#projects.get(project);
    for (const [name, slot] of slots ?? []) {
      if (slot.row.deletedAt === null || (await this.#options.records.machines(project, name)) > 0) continue;
      clearTimeout(this.#retries.get(`${project}/${name}`));
      slots?.delete(name);
      this.#tell(project);
    }
  }

  #slot(entry: Entry, row: BackendRow): Slot {
    const definition = this.#options.registry.definition(entry.type);
    return {
      entry,
      row,
      backend: null,
      usable: false,
      view: {
        name: entry.name,
        type: entry.type,
        title: definition?.title ?? entry.type,
        kind: definition?.kind ?? null,
        status: 'unavailable',
        reason: 'It is being configured.',
        account: null,
        facets: [],
      },
    };
  }

  #host(project: ProjectId, name: string) {
    const { installation, stateDir, clock, random, log, market } = this.#options;
    const base = { installation, stateDir: join(stateDir, project, name), clock, random, log };
    return market === undefined ? base : { ...base, market };
  }

  #tell(project: ProjectId): void {
    for (const listener of this.#listeners) listener(project);
  }
}

const REMOVED = 'It was removed from the configuration and is kept until its machines are gone.';

function usableBackend(configured: ConfiguredBackend, log: Logger): UsableBackend {
  return {
    name: configured.name,
    type: configured.type,
    facets: configured.facets,
    provisioningTimeoutMs: configured.limits.provisioningTimeoutMs,
    ...(configured.limits.listLagMs === undefined ? {} : { listLagMs: configured.limits.listLagMs }),
    kind: configured.kind,
    agentStart: configured.agentStart,
    compute: configured.compute,
    offers: (requirements, signal) => configured.offers(requirements, { signal, log }),
    forgetOffers: () => configured.forgetOffers(),
  };
}
