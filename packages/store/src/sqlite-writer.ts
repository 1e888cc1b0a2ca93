/**
 * The one writer of an SQLite file. Works are done one after the other, in the order in which they came. Those that
 * wait while others are done share their transaction of the database, up to a limit: a commit costs as much as many
 * rows, and one then serves all. A savepoint before its first write undoes a work that fails, and nothing but
 * that. None is told as done before the commit.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as otherEvents } from 'node:timers/promises';
import { RowCache } from './row-cache.ts';
import type { Connection } from './sqlite-connection.ts';
import { storeError } from './sqlite-errors.ts';
import { SqliteTransaction } from './sqlite-transaction.ts';
import { withinTime } from './time-limit.ts';

/** The first of a batch waits for the last: so many at most, and none is begun after this time. */
const MAX_BATCH = 64;
const MAX_BATCH_MS = 10;

const BEGIN = { sql: 'BEGIN IMMEDIATE', values: [] };
const OTHERS = { sql: 'PRAGMA data_version', values: [] };
const COMMIT = { sql: 'COMMIT', values: [] };

export interface SqliteWriterOptions {
  readonly path: string;
  readonly maxTransactionMs: number;
  /** Of the moment: one that cannot roll back is replaced. */
  readonly connection: () => Connection;
  /** Rolls back whatever is open. */
  readonly rollBack: () => void;
  /** Does it again while another process holds the database. */
  readonly whenFree: <T>(action: () => T) => Promise<T>;
  /** Called after the commit for each work in order, before its promise resolves. */
  readonly committed: (transaction: SqliteTransaction) => void;
}

/** A work that was handed in; or, without `work`, what must not fall into the middle of a transaction. */
interface Entry {
  readonly work: ((transaction: SqliteTransaction) => Promise<unknown>) | null;
  readonly alone: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Done {
  readonly entry: Entry;
  readonly transaction: SqliteTransaction;
  readonly result: unknown;
}

export class SqliteWriter {
  readonly #options: SqliteWriterOptions;
  readonly #cache = new RowCache();
  /** SQLite's count of the commits of others. */
  #others: unknown = null;
  #queue: Entry[] = [];
  #working: Promise<void> | null = null;
  #closed: Error | null = null;

  constructor(options: SqliteWriterOptions) {
    this.#options = options;
  }

  submit<T>(work: (transaction: SqliteTransaction) => Promise<T>): Promise<T> {
    // A batch is done in the context of whoever began it; each work belongs into that of its own caller.
    const inContext = AsyncLocalStorage.snapshot();
    const submitted = this.#enter((transaction) => inContext(async () => work(transaction)), nothing);
    return submitted as Promise<T>; // what `work` has resolved with
  }

  /** Between two transactions. */
  alone<T>(action: () => T): Promise<T> {
    return this.#enter(null, action) as Promise<T>; // what `action` has returned
  }

  /** Waits for the works that were begun; refuses those that were not. */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    for (const entry of this.#queue.splice(0)) entry.reject(error);
    await this.#working;
  }

  #enter(work: Entry['work'], alone: Entry['alone']): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#queue.push({ work, alone, resolve, reject });
    this.#working ??= this.#workOff();
    return promise;
  }

  async #workOff(): Promise<void> {
    while (this.#queue.length > 0) {
      // What one event of the process brings about comes together; and other events have their turn in between.
      await otherEvents();
      const first = this.#queue.shift();
      if (first?.work === null) this.#doAlone(first);
      else if (first !== undefined) await this.#doBatch(first);
    }
    this.#working = null;
  }

  #doAlone({ alone, resolve, reject }: Entry): void {
    try {
      resolve(alone());
    } catch (error) {
      reject(error);
    }
  }

  async #doBatch(first: Entry): Promise<void> {
    const { connection, whenFree, committed, path } = this.#options;
    const startedAt = performance.now();
    const done: Done[] = [];
    try {
      await whenFree(() => connection().run(BEGIN));
      this.#forgetWhatOthersChanged();
    } catch (error) {
      this.#rollBack();
      return first.reject(storeError(error, path));
    }
    for (let entry: Entry | null = first; entry !== null; entry = this.#next(done.length, startedAt)) {
      const outcome = await this.#do(entry, done.length === 0);
      if (!('error' in outcome)) {
        done.push(outcome);
        continue;
      }
      if (outcome.isAlive) {
        entry.reject(outcome.error);
        continue;
      }
      // Nothing of the batch is left in the database. Those before it were not told: they are done once more.
      this.#rollBack();
      this.#queue.unshift(...done.map((before) => before.entry));
      if (this.#closed) for (const before of this.#queue.splice(0)) before.reject(this.#closed);
      return entry.reject(outcome.error);
    }
    try {
      connection().run(COMMIT);
    } catch (error) {
      this.#rollBack();
      for (const { entry } of done) {
        entry.reject(storeError(error, path));
      }
      return;
    }
    for (const { entry, transaction, result } of done) {
      committed(transaction);
      entry.resolve(result);
    }
  }

  /** Nobody else should write, but a person with a shell may. */
  #forgetWhatOthersChanged(): void {
    const [[others] = []] = this.#options.connection().all(OTHERS);
    if (others !== this.#others) this.#cache.clear();
    this.#others = others;
  }

  #rollBack(): void {
    this.#cache.clear();
    this.#options.rollBack();
  }

  #next(count: number, startedAt: number): Entry | null {
    const isFull = count >= MAX_BATCH || performance.now() - startedAt > MAX_BATCH_MS;
    if (isFull || !this.#queue[0]?.work) return null;
    return this.#queue.shift() ?? null;
  }

  /** `isAlive`: the transaction of the database is, and nothing of this work is left in it. */
  async #do(entry: Entry, isFirst: boolean): Promise<Done | { readonly error: unknown; readonly isAlive: boolean }> {
    const { path, maxTransactionMs, connection } = this.#options;
    const transaction = new SqliteTransaction(connection(), this.#cache, path, isFirst);
    try {
      const working = entry.work?.(transaction) ?? Promise.resolve();
      // SQLite answers at once, so that all time that passes is the work's own.
      const result = await withinTime(working, maxTransactionMs, () => false);
      transaction.open = false;
      transaction.keep();
      return { entry, transaction, result };
    } catch (error) {
      transaction.open = false;
      return { error: storeError(error, path), isAlive: transaction.undo() };
    }
  }
}

const nothing = (): void => {};
