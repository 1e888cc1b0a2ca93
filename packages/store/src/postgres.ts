/** The store on PostgreSQL: one database for several servers, each of which hears what the others commit. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, randomBytes } from 'node:crypto';
import { BerthError, type Clock, Secret } from '@berth/core';
import { Announcements, checkedAnnouncement } from './announcements.ts';
import { CommitListeners, warnOfListener } from './commit-listeners.ts';
import { postgres } from './dialect.ts';
import { PostgresConnection, type PostgresSettings } from './postgres-connection.ts';
import { storeError } from './postgres-errors.ts';
import { patiently } from './postgres-link.ts';
import { PostgresListener } from './postgres-listener.ts';
import { forgetOldWriters } from './postgres-marker.ts';
import { migratePostgres } from './postgres-migrate.ts';
import { PostgresReaders } from './postgres-readers.ts';
import type { PostgresTransaction } from './postgres-transaction.ts';
import { hear, tellAnnouncement, tellChanges } from './postgres-words.ts';
import { PostgresWriter } from './postgres-writer.ts';
import type { Statement } from './sql.ts';
import {
  type Commit,
  type ReadTables,
  type RowChange,
  type Store,
  StoreUnavailable,
  type Tables,
  TransactionMisuse,
} from './store.ts';
import { readTables, type SqlRows } from './table.ts';

export interface PostgresOptions {
  /**
   * `postgresql://user:password@host:port/database`, with what libpq's URLs may say besides. Another schema
   * than the user's own: `?options=-c%20search_path%3DNAME`. It must lead to the database itself or to a
   * pool that gives each client a session of its own: NOTIFY and prepared statements need one.
   */
  readonly url: Secret<string> | string;
  /** Tells when migrations were applied. */
  readonly clock?: Clock;
  /** A transaction whose work takes longer, not counting what it waits for the database, is rolled back as misuse. */
  readonly maxTransactionMs?: number;
  /** Told what a commit listener threw. Without it, the process warns. */
  readonly onListenerError?: (error: unknown) => void;
  /** How long reads and transactions wait for a database that is away or busy before they fail. */
  readonly patienceMs?: number;
  /** At least 3: one writes, one listens, the others read. */
  readonly maxConnections?: number;
}

/** Others may wait for the rows that a work has written: far above what any takes, and soon over. */
const MAX_TRANSACTION_MS = 5_000;
/** The database ends what a stopped or vanished server has left open after the limit that the server would keep itself. */
const IDLE_MARGIN_MS = 1_000;
/** Longer than that, so that whoever waits for such a server does not give up before. */
const LOCK_MARGIN_MS = 5_000;
/** A restart takes seconds; nobody should notice. */
const PATIENCE_MS = 10_000;
const MAX_CONNECTIONS = 6;

/**
 * Opens the database and brings its schema to today's. Any number of servers may work on it.
 * @throws BerthError `conflict` when it is not a database that this Berth can use.
 * @throws StoreUnavailable when it cannot be reached or used.
 */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const maxTransactionMs = options.maxTransactionMs ?? MAX_TRANSACTION_MS;
  const idleInTransactionMs = maxTransactionMs + IDLE_MARGIN_MS;
  const settings: PostgresSettings = {
    url: options.url instanceof Secret ? options.url.reveal() : options.url,
    idleInTransactionMs,
    lockMs: idleInTransactionMs + LOCK_MARGIN_MS,
    patienceMs: options.patienceMs ?? PATIENCE_MS,
  };
  const clock = options.clock ?? { now: () => Date.now() };
  const where = { place: 'PostgreSQL' };
  try {
    const { lockKey } = await patiently(() => prepare(settings, clock, where), settings.patienceMs);
    const store = new PostgresStore(where.place, lockKey, { ...options, maxTransactionMs }, settings);
    await store.listen();
    return store;
  } catch (error) {
    throw storeError(error, where.place);
  }
}

/** Checks the database and brings it up to date. Writes into `where` what it has learned of its name. */
async function prepare(settings: PostgresSettings, clock: Clock, where: { place: string }) {
  const connection = await PostgresConnection.open(settings);
  try {
    const [database, schema, encoding] = await whereIs(connection);
    where.place = `database ${database}${schema === 'public' ? '' : `, schema ${schema}`}`;
    if (typeof schema !== 'string')
      throw new BerthError(
        'conflict',
        `database ${database} has no schema of the name that its search_path begins with`,
        {
          hint: 'CREATE SCHEMA first, or leave the search_path as it is.',
        },
      );
    if (encoding !== 'UTF8')
      throw new BerthError('conflict', `${where.place} is encoded as ${String(encoding)}`, {
        hint: 'Berth keeps text in all scripts: CREATE DATABASE … ENCODING UTF8.',
      });
    const lockKey = createHash('sha256').update(`berth:${schema}`).digest().readBigInt64BE();
    await migratePostgres(connection, where.place, lockKey, clock);
    await forgetOldWriters(connection);
    return { lockKey };
  } finally {
    await connection.close();
  }
}

async function whereIs(connection: PostgresConnection): Promise<readonly unknown[]> {
  const sql = `SELECT current_database()::text, current_schema()::text, current_setting('server_encoding')`;
  return (await connection.all({ sql, values: [] }))[0] ?? [];
}

class PostgresStore implements Store {
  readonly read: ReadTables;
  readonly #place: string;
  readonly #channel: string;
  /** Tells this store's own words and commits from those of others. */
  readonly #name = randomBytes(8).toString('hex');
  readonly #writer: PostgresWriter;
  readonly #readers: PostgresReaders;
  readonly #listener: PostgresListener;
  readonly #current = new AsyncLocalStorage<PostgresTransaction>();
  readonly #listeners: CommitListeners;
  readonly #announcements: Announcements;
  #closed: Promise<void> | null = null;

  constructor(
    place: string,
    lockKey: bigint,
    options: PostgresOptions & { readonly maxTransactionMs: number },
    settings: PostgresSettings,
  ) {
    this.#place = place;
    // A channel belongs to the whole database: each schema needs one of its own. Names are 63 bytes at most.
    this.#channel = `berth_${BigInt.asUintN(64, lockKey).toString(16)}`;
    const onListenerError = options.onListenerError ?? warnOfListener;
    this.#listeners = new CommitListeners(onListenerError);
    this.#announcements = new Announcements(onListenerError);
    this.#readers = new PostgresReaders(settings, Math.max(1, (options.maxConnections ?? MAX_CONNECTIONS) - 2));
    this.#listener = new PostgresListener(settings, {
      channel: `"${this.#channel}"`,
      heard: (payload) => this.#heard(payload),
      missed: () => this.#missed(),
    });
    this.#writer = new PostgresWriter({
      name: this.#name,
      settings,
      place,
      maxTransactionMs: options.maxTransactionMs,
      beforeCommit: (done) => this.#words(done),
      committed: (transaction) => this.#tell(transaction),
    });
    this.read = readTables({ dialect: postgres, all: (statement) => this.#readBeside(statement) });
  }

  /** Resolves once others can be heard. */
  listen(): Promise<void> {
    return this.#listener.open();
  }

  async transaction<T>(work: (tables: Tables, commit: Commit) => Promise<T>): Promise<T> {
    this.#refuseInsideTransaction(
      'a transaction was begun inside the work of another one; use the tables it was given',
    );
    return this.#writer.submit((transaction) =>
      this.#current.run(transaction, () => work(transaction.tables, transaction.commit)),
    );
  }

  onCommit(listener: (changes: readonly RowChange[]) => void, onMissed?: () => void): () => void {
    return this.#listeners.listen(listener, onMissed);
  }

  onAnnouncement(listener: (message: string) => void, onMissed?: () => void): () => void {
    return this.#announcements.listen(listener, onMissed);
  }

  announce(message: string): void {
    this.#announcements.tell(checkedAnnouncement(message));
    const statement = this.#notification(tellAnnouncement(this.#name, message));
    // Best effort, as promised.
    if (!this.#closed) this.#readers.all(statement, () => true).catch(() => {});
  }

  close(): Promise<void> {
    this.#closed ??= this.#writer
      .close(this.#closedError())
      .then(() => Promise.all([this.#readers.close(), this.#listener.close()]))
      .then(() => {});
    return this.#closed;
  }

  async #readBeside(statement: Statement): Promise<SqlRows> {
    this.#refuseInsideTransaction('store.read was used inside the work of a transaction; use the tables it was given');
    if (this.#closed) throw this.#closedError();
    try {
      return await this.#readers.all(statement, () => this.#closed !== null);
    } catch (error) {
      throw storeError(error, this.#place);
    }
  }

  #closedError(): StoreUnavailable {
    return new StoreUnavailable('closed', `${this.#place} is closed`);
  }

  #refuseInsideTransaction(message: string): void {
    if (this.#current.getStore()?.open) throw new TransactionMisuse(message);
  }

  /** What other servers are told of the works that are committed together. */
  #words(done: readonly PostgresTransaction[]): readonly Statement[] {
    const changes = new Map(done.flatMap((transaction) => [...transaction.changes]));
    const announced = new Set(done.flatMap((transaction) => [...transaction.announced]));
    return [
      ...tellChanges(this.#name, [...changes.values()]),
      ...[...announced].map((message) => tellAnnouncement(this.#name, message)),
    ].map((payload) => this.#notification(payload));
  }

  #notification(payload: string): Statement {
    return { sql: 'SELECT pg_notify($1, $2)', values: [this.#channel, payload] };
  }

  #tell(transaction: PostgresTransaction): void {
    this.#listeners.tell([...transaction.changes.values()]);
    for (const message of transaction.announced) this.#announcements.tell(message);
  }

  #heard(payload: string): void {
    const word = hear(payload, this.#name);
    if (word?.kind === 'changes') this.#listeners.tell(word.changes);
    else if (word?.kind === 'announcement') this.#announcements.tell(word.message);
    else if (word?.kind === 'missed') this.#listeners.missed();
  }

  #missed(): void {
    this.#listeners.missed();
    this.#announcements.missed();
  }
}
