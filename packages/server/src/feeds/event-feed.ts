import { type EventId, newId, type ProjectId, type RunId } from '@berth/core/ids';
import type { EventRow, Store } from '@berth/store';
import { Pulse } from './pulse.ts';

/** Events read at a time. */
const BATCH = 200;
/** Ids that a slow reader may fall behind in memory; beyond that it reads them from the store again. */
const MAX_WAITING = 10_000;
/** After a time in which the database could not be heard, so much is looked through. */
const LONGEST_SILENCE_MS = 2 * 60_000;
/** Ids begin with ten characters of time. Within a millisecond their order is chance. */
const TIME_CHARACTERS = 10;

export interface EventFilter {
  readonly project: ProjectId;
  readonly run: RunId | null;
}

/**
 * The events of a project, or of one run, in the order of their commits. Ids alone would not do: of two
 * events of one millisecond the later may have the smaller id, and clocks are set back. So the store
 * names what is committed, and only what this did not hear of is looked for by its id.
 */
export class EventFeed {
  readonly #store: Store;
  readonly #where: { readonly projectId: ProjectId; readonly runId?: RunId };
  readonly #pulse = new Pulse();
  readonly #stopListening: () => void;
  #waiting: EventId[] = [];
  /** All with an id from here on must be looked for in the store. */
  #missedFrom: string | null;
  readonly #seen: EventId | null;

  /**
   * With `lastSeen` it goes on behind that event, told by whoever was cut off. Others of the very same
   * millisecond are given again: which of them were seen cannot be known.
   */
  constructor(store: Store, filter: EventFilter, lastSeen: EventId | null) {
    this.#store = store;
    this.#where = { projectId: filter.project, ...(filter.run === null ? {} : { runId: filter.run }) };
    this.#seen = lastSeen;
    this.#missedFrom = lastSeen === null ? null : timeOf(lastSeen);
    this.#stopListening = store.onCommit(
      (changes) => {
        // Rows of this table have ids of this kind.
        for (const { table, id } of changes) if (table === 'events') this.#heard(id as EventId);
      },
      () => this.#lookAgain(),
    );
  }

  close(): void {
    this.#stopListening();
  }

  /** Ends when aborted. */
  async *batches(signal: AbortSignal): AsyncGenerator<readonly EventRow[]> {
    while (!signal.aborted) {
      const from = this.#missedFrom;
      if (from !== null) {
        this.#missedFrom = null;
        yield* this.#lookFor(from);
        continue;
      }
      const ids = this.#waiting.splice(0, BATCH);
      if (ids.length === 0) {
        await this.#pulse.wait(signal);
        continue;
      }
      const rows = await this.#store.read.events.find({
        where: { ...this.#where, id: { in: ids } },
        orderBy: ['id', 'asc'],
      });
      if (rows.length > 0) yield rows;
    }
  }

  /** Another server's events went unheard. What was given lately is rather given twice. */
  #lookAgain(): void {
    const from = timeOf(newId(Date.now() - LONGEST_SILENCE_MS, (bytes) => new Uint8Array(bytes)));
    if (this.#missedFrom === null || from < this.#missedFrom) this.#missedFrom = from;
    this.#pulse.beat();
  }

  #heard(id: EventId): void {
    this.#waiting.push(id);
    this.#pulse.beat();
    if (this.#waiting.length <= MAX_WAITING) return;
    let first = this.#missedFrom ?? id;
    for (const waiting of this.#waiting) if (waiting < first) first = waiting;
    this.#missedFrom = timeOf(first);
    this.#waiting = [];
  }

  async *#lookFor(from: string): AsyncGenerator<readonly EventRow[]> {
    const given = new Set<EventId>(this.#seen === null ? [] : [this.#seen]);
    for (let after = from; ; ) {
      const rows = await this.#store.read.events.find({
        where: this.#where,
        orderBy: ['id', 'asc'],
        limit: BATCH,
        after,
      });
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last.id;
      for (const { id } of rows) given.add(id);
      yield rows.filter(({ id }) => id !== this.#seen);
    }
    // What was committed meanwhile was read with the rest.
    this.#waiting = this.#waiting.filter((id) => !given.has(id));
  }
}

const timeOf = (id: string): string => id.slice(0, TIME_CHARACTERS);
