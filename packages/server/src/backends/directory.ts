import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  BackendError,
  type BackendHost,
  type BackendRegistry,
  type ConfiguredBackend,
  EntryError,
  type Logger,
} from '@berth/backend';
import type { BackendView } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import type { Clock, ProjectId, RandomBytes } from '@berth/core/ids';
import type { Backends, UsableBackend } from '@berth/engine';
import type { BackendRow, Store } from '@berth/store';
import type { ConfiguredEntry } from '../config/server-config.ts';
import { admitAccount } from './held-account.ts';
import { type Author, type BackendRecords, BY_CONFIG, type Entry } from './records.ts';
import { brokenView, fill, forgottenView, newSlot, REMOVED, removedReason, type Slot } from './slot.ts';
import { Turns } from './turns.ts';
import { whyNot } from './why-not.ts';

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

/** What the configuration wants each project to have. */
export type Wanted = ReadonlyMap<ProjectId, readonly ConfiguredEntry[]>;

/** A cloud that did not answer is asked again: soon, and then ever more seldom. */
const RETRY_MS = [60_000, 2 * 60_000, 5 * 60_000, 10 * 60_000];
/**
 * After a call was refused for its credentials, the cloud is asked whether they are good any more: soon, but
 * not oftener than this, since they may be good and lack one right.
 */
const REFUSED_MS = 100;
const ASKED_AGAIN_MS = 60_000;
/** A machine may be on its way to the books while its backend is removed: offers are gathered before it is written. */
const LATE_MACHINE_MS = 15_000;

/**
 * The backends of every project. What is wanted comes from the configuration and from what the API stored;
 * what still holds machines stays, unwanted or not, until they are gone: who takes a backend away must not
 * lose sight of what it bills.
 */
export class BackendDirectory implements Backends {
  readonly #options: DirectoryOptions;
  readonly #projects = new Map<ProjectId, Map<string, Slot>>();
  readonly #listeners = new Set<(project: ProjectId) => void>();
  /** One change after the other. */
  readonly #turns = new Turns();
  readonly #stopListening: () => void;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#stopListening = options.store.onCommit((changes) => {
      const rows = changes.filter(({ table }) => table === 'backends').map(({ id }) => id);
      if (rows.length > 0) void this.inTurn(() => this.#heed(rows));
      if (!changes.some(({ table }) => table === 'instances')) return;
      for (const [project, slots] of this.#projects) {
        const held = [...slots.values()].some(({ row }) => row.deletedAt !== null);
        if (held) void this.inTurn(() => this.#letGo(project));
      }
    });
  }

  usable(project: ProjectId): readonly UsableBackend[] {
    return [...(this.#projects.get(project)?.values() ?? [])].flatMap(({ backend, usable }) =>
      usable && backend !== null ? [backend] : [],
    );
  }

  get(project: ProjectId, name: string): UsableBackend | null {
    return this.slot(project, name)?.backend ?? null;
  }

  onChange(listener: (project: ProjectId) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  slot(project: ProjectId, name: string): Slot | null {
    return this.#projects.get(project)?.get(name) ?? null;
  }

  /** Names of those that are wanted, and of those that are kept. */
  names(project: ProjectId): readonly string[] {
    return [...(this.#projects.get(project)?.keys() ?? [])];
  }

  /** Whether the project should have any, usable or not. */
  has(project: ProjectId): boolean {
    return [...(this.#projects.get(project)?.values() ?? [])].some(({ row }) => row.deletedAt === null);
  }

  /** Also what holds machines and was forgotten, and packages that were found and cannot be used by anybody. */
  async views(project: ProjectId): Promise<readonly BackendView[]> {
    const held = await this.#options.records.held(project);
    const slots = this.#projects.get(project) ?? new Map<string, Slot>();
    const own = [...slots.values()].map(({ view }) => ({ ...view, holds: held.get(view.name) ?? 0 }));
    const forgotten = [...held].filter(([name]) => !slots.has(name)).map(([name, holds]) => forgottenView(name, holds));
    const broken = this.#options.registry.unavailable.map(brokenView);
    return [...[...own, ...forgotten].toSorted((a, b) => (a.name < b.name ? -1 : 1)), ...broken];
  }

  /** Why the cloud cannot be asked about machines of this backend; null: it can. */
  outOfReach(project: ProjectId, name: string): string | null {
    const slot = this.slot(project, name);
    if (slot === null) return `Nothing is known of the backend ${name} any more.`;
    const why = slot.backend === null ? (slot.view.reason ?? 'it is not ready') : slot.lost;
    return why === null ? null : `Backend ${name} cannot be used: ${why}`;
  }

  /**
   * Brings every project to what is wanted. Resolves when each backend is ready or known not to be.
   * @param wanted null: the configuration cannot be read, and everything stays as the store has it
   */
  apply(wanted: Wanted | null): Promise<void> {
    return this.inTurn(async () => {
      const { read } = this.#options.store;
      const rows = await read.backends.find({ where: { deletedAt: null } });
      const known = Map.groupBy(rows, ({ projectId }) => projectId);
      const alive = new Set((await read.projects.find({ where: { deletedAt: null } })).map(({ id }) => id));
      const projects = new Set([...(wanted?.keys() ?? []), ...this.#projects.keys(), ...known.keys()]);
      await Promise.all(
        [...projects].map((project) => {
          const own = known.get(project) ?? [];
          const stored = alive.has(project) ? own.filter(({ source }) => wanted === null || source === 'api') : [];
          return this.#applyProject(project, wanted?.get(project) ?? [], own, stored);
        }),
      );
    });
  }

  async close(): Promise<void> {
    this.#stopListening();
    await this.#turns.close();
  }

  /** Changes wait for each other. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(work);
  }

  /**
   * Asks the cloud about an entry that is not stored, or not yet. Its folder goes again unless it is to be
   * kept, or a backend of that name uses it.
   * @throws BerthError or BackendError
   */
  async tryOut(project: ProjectId, entry: Entry, { keep }: { readonly keep: boolean }): Promise<ConfiguredBackend> {
    const host = this.#host(project, entry.name);
    let ready: ConfiguredBackend | null = null;
    try {
      ready = await this.#options.registry.configure(entry, host, this.#turns.signal);
      return ready;
    } finally {
      const used = (keep && ready !== null) || this.slot(project, entry.name) !== null;
      if (!used) await rm(host.stateDir, { recursive: true, force: true });
    }
  }

  /**
   * Before what was tried is stored: the machines that are held must be those of its account. To be called in turn.
   * @throws BackendError `config`
   */
  async admit(project: ProjectId, ready: ConfiguredBackend): Promise<void> {
    await admitAccount(this.#options, project, ready);
  }

  /** Puts what was tried and stored into its place. To be called in turn. */
  install(project: ProjectId, row: BackendRow, entry: Entry, ready: ConfiguredBackend): void {
    this.#turns.cancel(`${project}/${row.name}`);
    const slot = newSlot(row, entry, null, 'api', this.#options.registry);
    this.#fill(project, slot, ready);
    this.#slotsOf(project).set(row.name, slot);
    this.#tell(project);
  }

  /** It takes no new work, and stays while it holds machines. To be called in turn. */
  async retire(project: ProjectId, slot: Slot, author: Author): Promise<void> {
    slot.usable = false;
    if (slot.row.deletedAt !== null) return;
    await this.#retired(project, slot, await this.#options.records.retire(slot.row, author));
    this.#turns.later(`late ${project}`, LATE_MACHINE_MS, () => this.#recall(project, this.#slotsOf(project)));
  }

  async #retired(project: ProjectId, slot: Slot, row: BackendRow): Promise<void> {
    const slots = this.#slotsOf(project);
    if ((await this.#options.records.machines(project, row.name)) === 0) {
      this.#turns.cancel(`${project}/${row.name}`);
      slots.delete(row.name);
    } else {
      const view = { ...slot.view, status: 'removed' as const, reason: removedReason(slot) };
      slots.set(row.name, { ...slot, row, view, usable: false });
    }
    this.#tell(project);
  }

  async #applyProject(
    project: ProjectId,
    entries: readonly ConfiguredEntry[],
    known: readonly BackendRow[],
    stored: readonly BackendRow[],
  ): Promise<void> {
    const slots = this.#slotsOf(project);
    await this.#recall(project, slots);
    // The file wins over what is stored; what a server without a file has gives way.
    const written = entries.filter(({ name, place }) => place !== null || !stored.some((row) => row.name === name));
    const inFile = new Set(written.map(({ name }) => name));
    const kept = stored.filter(({ name }) => !inFile.has(name));
    const names = new Set([...inFile, ...kept.map(({ name }) => name)]);
    for (const [name, slot] of slots) if (!names.has(name)) await this.retire(project, slot, BY_CONFIG);
    // Taken out while no server was running, and without machines.
    for (const row of known)
      if (!names.has(row.name) && !slots.has(row.name)) await this.#options.records.retire(row, BY_CONFIG);
    await this.#letGo(project);
    await Promise.all([
      ...written.map((entry) => this.#want(project, slots, entry)),
      ...kept.map((row) => this.#wantStored(project, slots, row)),
    ]);
    this.#tell(project);
  }

  /** After a start, nothing is known but what is in the store: also backends that were taken out long ago. */
  async #recall(project: ProjectId, slots: Map<string, Slot>): Promise<void> {
    for (const row of await this.#options.records.withMachines(project)) {
      if (!slots.has(row.name)) await this.#wantStored(project, slots, row);
    }
  }

  async #want(project: ProjectId, slots: Map<string, Slot>, wanted: ConfiguredEntry): Promise<void> {
    const { place, faults, ...entry } = wanted;
    const { records, registry } = this.#options;
    const source = place === null ? 'default' : 'config.yml';
    const before = slots.get(entry.name);
    const isWanted = before?.row.deletedAt === null && before.row.source === 'config.yml';
    if (isWanted && before.backend !== null && faults.length === 0 && isDeepStrictEqual(before.entry, entry)) {
      before.usable = before.view.status === 'ready';
      before.view = { ...before.view, source };
      return;
    }
    if (before !== undefined && before.row.type !== entry.type) {
      if ((await records.machines(project, entry.name)) > 0) {
        before.usable = false;
        before.view = {
          ...before.view,
          status: 'unavailable',
          reason: `It is to become a ${entry.type}, but still holds machines as a ${before.row.type}; give the new one another name.`,
        };
        return;
      }
    }
    // What is stored is better than what cannot be read.
    const kept = faults.length === 0 ? null : await records.current(project, entry.name);
    const row = kept ?? (await records.write(project, entry, BY_CONFIG));
    const slot = newSlot(row, entry, place, source, registry);
    // Whatever becomes of the new one: what the old one holds can be given back.
    slot.backend = before?.backend ?? null;
    slots.set(entry.name, slot);
    if (faults.length > 0) await this.#refuse(project, slot, new EntryError(entry, faults));
    else await this.#configure(project, slot);
  }

  /** What the API made, or what holds machines. */
  async #wantStored(project: ProjectId, slots: Map<string, Slot>, row: BackendRow): Promise<void> {
    const { records, registry } = this.#options;
    const before = slots.get(row.name);
    if (before?.backend != null && before.row.id === row.id && before.row.version === row.version) {
      before.usable = before.view.status === 'ready';
      return;
    }
    let entry: Entry | null = null;
    let lost: unknown = null;
    try {
      entry = records.entryOf(row);
    } catch (error) {
      lost = error;
    }
    const slot = newSlot(row, entry, null, row.source, registry);
    slot.backend = before?.backend ?? null;
    slots.set(row.name, slot);
    if (entry === null) await this.#refuse(project, slot, lost);
    else await this.#configure(project, slot);
  }

  /** Rows that this or another server has written. */
  async #heed(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if (this.#turns.signal.aborted) return;
      const row = await this.#options.store.read.backends.get(id);
      if (row?.source !== 'api') continue; // every server reads its own file
      const slots = this.#slotsOf(row.projectId);
      const slot = slots.get(row.name);
      if (slot?.row.id === row.id && slot.row.version === row.version) continue;
      if (slot !== undefined && slot.row.source !== 'api' && slot.row.deletedAt === null) continue;
      if (row.deletedAt === null) await this.#wantStored(row.projectId, slots, row);
      else if (slot?.row.id === row.id) await this.#retired(row.projectId, slot, row);
      this.#tell(row.projectId);
    }
  }

  async #configure(project: ProjectId, slot: Slot, attempt = 0): Promise<void> {
    const { registry, records } = this.#options;
    this.#turns.cancel(`${project}/${slot.row.name}`);
    if (slot.entry === null) return;
    try {
      const host = this.#host(project, slot.row.name);
      const ready = await registry.configure(slot.entry, host, this.#turns.signal);
      await this.admit(project, ready);
      this.#fill(project, slot, ready);
      if (slot.usable) await records.available(slot.row);
    } catch (error) {
      await this.#refuse(project, slot, error);
      if (this.#turns.signal.aborted) return;
      // Only a cloud may answer otherwise next time; what is written wrong stays wrong until it is changed.
      if (error instanceof BerthError && !(error instanceof BackendError)) return;
      const delay = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0;
      this.#turns.later(`${project}/${slot.row.name}`, delay, async () => {
        if (this.slot(project, slot.row.name) !== slot) return;
        await this.#configure(project, slot, attempt + 1);
        this.#tell(project);
      });
    }
  }

  #fill(project: ProjectId, slot: Slot, ready: ConfiguredBackend): void {
    const key = `${project}/${slot.row.name}`;
    const filledAt = this.#options.clock.now();
    fill(slot, ready, this.#options.log, () => {
      // One refusal brings many; and what is asked again already need not be asked oftener.
      if (this.#turns.isDue(key)) return;
      const isNew = this.#options.clock.now() - filledAt < ASKED_AGAIN_MS;
      this.#turns.later(key, isNew ? ASKED_AGAIN_MS : REFUSED_MS, async () => {
        const current = this.slot(project, slot.row.name);
        // A removed one stands in a slot of its own, with the same entry.
        if (current === null || current.entry !== slot.entry) return;
        await this.#configure(project, current);
        this.#tell(project);
      });
    });
  }

  async #refuse(project: ProjectId, slot: Slot, error: unknown): Promise<void> {
    const why = whyNot(error, slot.place);
    const reason = slot.row.deletedAt === null ? why : `${REMOVED} They cannot be reached: ${why}`;
    const isNews = slot.view.reason !== reason;
    // It was ready with this very entry: its machines are out of reach, too.
    if (slot.view.account !== null && error instanceof BackendError && error.code === 'auth') slot.lost = why;
    slot.usable = false;
    slot.view = { ...slot.view, status: slot.row.deletedAt === null ? 'unavailable' : 'removed', reason };
    if (this.#turns.signal.aborted) return;
    this.#options.log.warn('backend is unavailable', { project, backend: slot.row.name, reason });
    if (isNews) await this.#options.records.unavailable(slot.row, reason);
  }

  /** Forgets those that are not wanted and hold nothing. */
  async #letGo(project: ProjectId): Promise<void> {
    const slots = this.#slotsOf(project);
    for (const [name, slot] of slots) {
      if (slot.row.deletedAt === null || (await this.#options.records.machines(project, name)) > 0) continue;
      this.#turns.cancel(`${project}/${name}`);
      slots.delete(name);
      await this.#options.records.gone(slot.row);
      this.#tell(project);
    }
  }

  #slotsOf(project: ProjectId): Map<string, Slot> {
    let slots = this.#projects.get(project);
    if (slots === undefined) {
      slots = new Map();
      this.#projects.set(project, slots);
    }
    return slots;
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
