/**
 * The only way by which the engine writes. A change of a status is checked against the tables of
 * `core/states` and leaves an event in the same transaction; what was written is told after the
 * commit, so that exactly the things concerned are woken.
 */
import type { Clock, RandomBytes, UserId } from '@berth/core';
import { mayFollow, newId } from '@berth/core';
import type { Commit, EventRow, Insert, Patch, Rows, Store, Tables } from '@berth/store';
import { announceWakes } from './announce-wakes.ts';
import { describeStatus } from './describe.ts';
import { Fenced, type Grip, type Lane, type Lanes } from './lanes.ts';
import type { StoreOutage } from './store-outage.ts';
import { type Concern, concernedBy, overBy } from './wake.ts';

export type LiveTable = 'runs' | 'jobs' | 'instances' | 'fleets' | 'intents' | 'orphans' | 'failures' | 'bootstraps';

/** A row that was written, and which of its fields; null: it is new. */
export type Touched = {
  readonly [N in LiveTable]: {
    readonly table: N;
    readonly row: Rows[N];
    readonly fields: readonly (keyof Rows[N] & string)[] | null;
  };
}[LiveTable];

export type EventDraft = Omit<EventRow, 'id' | 'at' | 'actor'>;

export interface Tx {
  /** For reading; writes go through `change` and `add`. */
  readonly read: { readonly [N in keyof Tables]: Pick<Tables[N], 'get' | 'find' | 'first' | 'count'> };
  change<N extends LiveTable>(table: N, row: Rows[N], patch: Patch<Rows[N]>): Promise<Rows[N]>;
  add<N extends LiveTable>(table: N, row: Insert<Rows[N]>): Promise<Rows[N]>;
  /** What was remembered and is not true any more. Wakes nobody. */
  forget(table: 'failures' | 'bootstraps', id: string): Promise<void>;
  event(draft: EventDraft): Promise<void>;
}

export interface BooksPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly outage: StoreOutage;
  readonly lanes: Lanes;
  /** Called after a commit that wrote something, with whom of this server's lanes it concerns. */
  readonly onWritten: (concerned: readonly Concern[], over: readonly Concern[]) => void;
}

export class Books {
  readonly store: Store;
  readonly #ports: BooksPorts;
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #outage: StoreOutage;
  /** For which it is written; null: for nobody's, as requests of users are. */
  readonly #grip: Grip | null;

  constructor(ports: BooksPorts, grip: Grip | null = null) {
    this.store = ports.store;
    this.#ports = ports;
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#outage = ports.outage;
    this.#grip = grip;
  }

  /** The same books; whatever is written there is refused as `Fenced` once the lane is let go, for whatever reason. */
  in(lane: Lane): Books {
    const { lanes } = this.#ports;
    return lanes.shared ? new Books(this.#ports, lanes.grip(lane)) : this;
  }

  /** @throws Fenced when the lane has been let go. Costs nothing where there is one server. */
  async assertOurs(): Promise<void> {
    if (this.#grip !== null) await this.write(null, async () => {});
  }

  /** `actor`: the user whose request this is; null for what the engine does by itself. */
  async write<T>(actor: UserId | null, work: (tx: Tx) => Promise<T>): Promise<T> {
    const { lanes } = this.#ports;
    const touched: Touched[] = [];
    let concerned: readonly Concern[] = [];
    let result: T;
    try {
      result = await this.store.transaction(async (tables, commit) => {
        touched.length = 0;
        const events: Promise<unknown>[] = [];
        const tx = this.#tx(tables, actor, touched, events);
        const worked = await work(tx);
        if (touched.length > 0) await this.#outage.tell(tx);
        await Promise.all(events);
        concerned = touched.flatMap(concernedBy);
        if (lanes.shared) concerned = await this.#fence(tables, commit, concerned, touched);
        return worked;
      });
    } catch (error) {
      this.#outage.failed(error);
      if (error instanceof Fenced) lanes.refused(error);
      throw error;
    }
    if (touched.length > 0) {
      this.#outage.written();
      this.#ports.onWritten(
        concerned,
        touched.map(overBy).filter((over) => over !== null),
      );
    }
    return result;
  }

  /**
   * Refuses what is written for a lane that is not ours any more, and leaves the waking of what is not ours
   * to whose it is. At the end, so that one read answers for all lanes: what stands in the transaction is
   * nothing before its commit. Returns those who are ours.
   */
  async #fence(
    tables: Tables,
    commit: Commit,
    concerned: readonly Concern[],
    touched: readonly Touched[],
  ): Promise<readonly Concern[]> {
    const { lanes } = this.#ports;
    const ours = await lanes.confirm(tables, this.#grip, new Set(concerned.map(({ lane }) => lane)));
    const over = touched.map(overBy).filter((one) => one !== null);
    const others = [...concerned, ...over].filter(({ lane }) => !ours.has(lane) && lane !== this.#grip?.lane);
    announceWakes(commit, lanes.server, others);
    return concerned.filter(({ lane }) => ours.has(lane));
  }

  /** `events`: their inserts, which nobody waits for until the end. */
  #tx(tables: Tables, actor: UserId | null, touched: Touched[], events: Promise<unknown>[]): Tx {
    const event = async (draft: EventDraft): Promise<void> => {
      const now = this.#clock.now();
      const inserted = tables.events.insert({ ...draft, id: newId<'EventId'>(now, this.#random), at: now, actor });
      inserted.catch(() => {}); // Awaited at the end, unless the work has failed before.
      events.push(inserted);
    };
    const noteStatus = async (entry: Touched): Promise<void> => {
      const draft = describeStatus(entry);
      if (draft !== null) await event(draft);
    };
    return {
      read: tables,
      event,
      forget: async (table, id) => {
        await tables[table].delete({ id });
      },
      change: async (table, row, patch) => {
        // Failures have no status; they are believed or not.
        const before = row as { status?: string };
        const after = patch as { status?: string };
        const statusChanges = after.status !== undefined && after.status !== before.status;
        if (statusChanges) checkTransition(table, row.id, before.status ?? '', after.status ?? '');
        // The generic table of N: TypeScript cannot follow the index through the union.
        const target = tables[table] as unknown as {
          update(id: string, version: number, patch: unknown): Promise<Rows[typeof table]>;
        };
        const updated = await target.update(row.id, row.version, patch);
        const entry = { table, row: updated, fields: Object.keys(patch) } as Touched;
        touched.push(entry);
        if (statusChanges) await noteStatus(entry);
        return updated;
      },
      add: async (table, row) => {
        const target = tables[table] as unknown as { insert(row: unknown): Promise<Rows[typeof table]> };
        const added = await target.insert(row);
        const entry = { table, row: added, fields: null } as Touched;
        touched.push(entry);
        await noteStatus(entry);
        return added;
      },
    };
  }
}

function checkTransition(table: LiveTable, id: string, from: string, to: string): void {
  const kind = table === 'runs' ? 'run' : table === 'jobs' ? 'job' : table === 'instances' ? 'instance' : null;
  if (kind === null) return;
  if (!mayFollow(kind, from as never, to as never)) {
    throw new Error(`Defect: ${kind} ${id} may not go from ${from} to ${to}.`);
  }
}
