/**
 * The one writer of a server. Its works are done one after the other, on one connection. Works of several
 * servers are done beside each other, as SERIALIZABLE allows: when the outcome could differ from one after
 * the other, Postgres refuses one of them, and it is begun again.
 *
 * Works that wait already when a transaction of the database begins are done in it as well, up to a limit: a
 * commit waits for the disk, and one wait then serves them all. None is told as done before that commit. A
 * work that comes later must wait for the next: what its caller knows of may be newer than what this
 * transaction sees.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as otherEvents } from 'node:timers/promises';
import type { PostgresConnection, PostgresSettings } from './postgres-connection.ts';
import { isPassing, isReadOnly, storeError } from './postgres-errors.ts';
import { Patience, PostgresLink, patiently } from './postgres-link.ts';
import { hasCommitted, markStatement } from './postgres-marker.ts';
import { PostgresTransaction } from './postgres-transaction.ts';
import { RowCache } from './row-cache.ts';
import type { Statement } from './sql.ts';
import { StoreUnavailable } from './store.ts';
import { withinTime } from './time-limit.ts';

/** In the shared memory of Postgres there is room for 64 nested transactions of each; then it gets slow. */
const MAX_BATCH = 32;
/** How long the first of a batch may have to wait for the last. */
const MAX_BATCH_MS = 20;

export interface WriterOptions {
  /** No other writer has the same, ever. */
  readonly name: string;
  readonly settings: PostgresSettings;
  /** The database as people know it. */
  readonly place: string;
  readonly maxTransactionMs: number;
  /** What is sent with the commit, once for all works of a batch. */
  readonly beforeCommit: (done: readonly PostgresTransaction[]) => readonly Statement[];
  /** Called after the commit for each work in order, before its promise resolves. */
  readonly committed: (transaction: PostgresTransaction) => void;
}

/** A work that was handed in. */
interface Entry {
  readonly work: (transaction: PostgresTransaction) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Outcome {
  readonly entry: Entry;
  readonly transaction: PostgresTransaction;
  readonly result: unknown;
  readonly error: unknown;
  readonly failed: boolean;
}

export class PostgresWriter {
  readonly #options: WriterOptions;
  readonly #link: PostgresLink;
  readonly #queue: Entry[] = [];
  /** Of the transactions of the database, also of those that failed. */
  #number = 0;
  #working: Promise<void> | null = null;
  #closed: Error | null = null;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#link = new PostgresLink(options.settings);
  }

  submit<T>(work: (transaction: PostgresTransaction) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closed);
    // A batch is done in the context of whoever began it; each work belongs into that of its own caller.
    const inContext = AsyncLocalStorage.snapshot();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#queue.push({ work: (transaction) => inContext(async () => work(transaction)), resolve, reject });
    this.#working ??= this.#workOff();
    return promise as Promise<T>; // what `work` has resolved with
  }

  /** Waits for the works that were begun; refuses those that were not. */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    for (const entry of this.#queue.splice(0)) entry.reject(error);
    await this.#working;
    await this.#link.close();
  }

  async #workOff(): Promise<void> {
    while (this.#queue.length > 0) {
      // What one event of the process brings about comes together.
      await otherEvents();
      const first = this.#queue.shift();
      if (first) await this.#doBatch([first]);
    }
    this.#working = null;
  }

  /** Tries until the works that were begun are committed or refused for good. */
  async #doBatch(begun: Entry[]): Promise<void> {
    const patience = new Patience(this.#options.settings.patienceMs);
    for (;;) {
      try {
        return await this.#tryBatch(begun);
      } catch (error) {
        if (isPassing(error) && !patience.over && !this.#closed) {
          // Alone it is done sooner, and others come less in its way.
          this.#queue.unshift(...begun.splice(1));
          await patience.pause();
          continue;
        }
        for (const entry of begun) this.#refuse(entry, error);
        return;
      }
    }
  }

  /** `begun` grows by the works that are taken up; all of them are settled, or none when it throws. */
  async #tryBatch(begun: Entry[]): Promise<void> {
    const connection = await this.#link.connection();
    // Sent ahead of the first statement.
    const beginning = connection.exec('BEGIN ISOLATION LEVEL SERIALIZABLE');
    beginning.catch(() => {}); // Awaited below, once the first work has been done.
    const startedAt = performance.now();
    let waiting = this.#queue.length;
    const outcomes: Outcome[] = [];
    // Nobody else's changes are seen within it, so that what was read once need not be asked for again.
    const cache = new RowCache();
    try {
      for (let i = 0; ; i++) {
        if (i === begun.length && waiting-- > 0) this.#takeNext(begun, startedAt);
        const entry = begun[i];
        if (!entry) break;
        if (i > 0) connection.exec('SAVEPOINT berth_work').catch(() => {}); // Then the work fails as well.
        const outcome = await this.#do(entry, connection, cache);
        await beginning;
        if (outcome.transaction.broken !== null && isPassing(outcome.transaction.broken))
          throw outcome.transaction.broken;
        if (outcome.failed && i === 0) {
          // Without a savepoint: alone it needs none. Whoever is behind it begins anew.
          await connection.exec('ROLLBACK');
          this.#queue.unshift(...begun.splice(1));
          return this.#refuse(entry, outcome.error);
        }
        if (outcome.failed) {
          outcome.transaction.forget();
          await connection.exec('ROLLBACK TO SAVEPOINT berth_work; RELEASE SAVEPOINT berth_work');
        } else if (i > 0) connection.exec('RELEASE SAVEPOINT berth_work').catch(() => {}); // Then the commit fails.
        outcomes.push(outcome);
      }
      await this.#commit(outcomes, connection);
    } catch (error) {
      if (!connection.lost) await connection.exec('ROLLBACK').catch(() => {});
      if (connection.lost) this.#link.drop();
      throw error;
    }
    for (const { entry, transaction, result, error, failed } of outcomes) {
      if (!failed) this.#options.committed(transaction);
      if (failed) this.#refuse(entry, error);
      else entry.resolve(result);
    }
  }

  #refuse(entry: Entry, error: unknown): void {
    // A database that can only be read now may have handed its place to another one: look again.
    if (isReadOnly(error)) this.#link.drop();
    entry.reject(storeError(error, this.#options.place));
  }

  #takeNext(begun: Entry[], startedAt: number): void {
    if (begun.length >= MAX_BATCH || performance.now() - startedAt > MAX_BATCH_MS) return;
    const next = this.#queue.shift();
    if (next) begun.push(next);
  }

  async #do(entry: Entry, connection: PostgresConnection, cache: RowCache): Promise<Outcome> {
    const transaction = new PostgresTransaction(connection, cache, this.#options.place);
    const outcome = { entry, transaction, result: undefined, error: undefined, failed: false };
    try {
      const working = entry.work(transaction);
      const result = await withinTime(working, this.#options.maxTransactionMs, () => transaction.waits);
      transaction.open = false;
      await transaction.settled();
      return transaction.broken === null
        ? { ...outcome, result }
        : { ...outcome, error: transaction.broken, failed: true };
    } catch (error) {
      transaction.open = false;
      await transaction.settled();
      return { ...outcome, error, failed: true };
    }
  }

  async #commit(outcomes: readonly Outcome[], connection: PostgresConnection): Promise<void> {
    const { name, place, beforeCommit } = this.#options;
    const done = outcomes.filter((outcome) => !outcome.failed).map((outcome) => outcome.transaction);
    const number = ++this.#number;
    const statements = done.some(({ changes }) => changes.size > 0) ? [markStatement(name, number)] : [];
    const sent = Promise.all([...statements, ...beforeCommit(done)].map((statement) => connection.all(statement)));
    sent.catch(() => {}); // Awaited below, when the commit says that something has failed.
    let command: string;
    try {
      command = await connection.exec('COMMIT');
    } catch (error) {
      if (!connection.lost || statements.length === 0) throw error;
      if (await this.#hasCommitted(number, error)) return;
      throw error;
    }
    if (command === 'COMMIT') return;
    await sent;
    throw new Error(`${place}: a commit ended as ${command}`);
  }

  /** @throws StoreUnavailable `unknown-outcome` when there is nobody to tell */
  async #hasCommitted(number: number, cause: unknown): Promise<boolean> {
    this.#link.drop();
    const { name, place, settings } = this.#options;
    try {
      return await patiently(
        async () => hasCommitted(await this.#link.connection(), name, number),
        settings.patienceMs,
      );
    } catch (error) {
      throw new StoreUnavailable(
        'unknown-outcome',
        `${place}: the connection was lost while a transaction was being committed, and what became of it cannot be asked: ${String(error)}`,
        cause,
      );
    }
  }
}
