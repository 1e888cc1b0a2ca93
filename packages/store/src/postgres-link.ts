/** Ways to a database that may be away for a moment: a restart takes seconds, and nobody should notice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresConnection, type PostgresSettings } from './postgres-connection.ts';
import { isPassing } from './postgres-errors.ts';

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

/** Tells how long to wait before each next try, and when no more tries are left. */
export class Patience {
  readonly #until: number;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(patienceMs: number) {
    this.#until = performance.now() + patienceMs;
  }

  get over(): boolean {
    return performance.now() >= this.#until;
  }

  /** Twice as long each time, and never the same for two servers. */
  async pause(): Promise<void> {
    await sleep(this.#pauseMs * (0.5 + Math.random()));
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }
}

/** Calls `action` again while the database is away or others are in the way; `stop` ends that early. */
export async function patiently<T>(
  action: () => Promise<T>,
  patienceMs: number,
  stop: () => boolean = () => false,
): Promise<T> {
  const patience = new Patience(patienceMs);
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isPassing(error) || patience.over || stop()) throw error;
      await patience.pause();
    }
  }
}

/** One connection, made when it is needed, and again when it was lost. */
export class PostgresLink {
  readonly #settings: PostgresSettings;
  #connection: Promise<PostgresConnection> | null = null;
  #open: PostgresConnection | null = null;

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
  }

  /** @throws LostConnection or DatabaseError, without another try */
  async connection(): Promise<PostgresConnection> {
    if (this.#open?.lost) this.drop();
    this.#connection ??= PostgresConnection.open(this.#settings);
    const opening = this.#connection;
    try {
      const connection = await opening;
      if (this.#connection === opening) this.#open = connection;
      return connection;
    } catch (error) {
      if (this.#connection === opening) this.#connection = null;
      throw error;
    }
  }

  /** Statements that wait for their answer; for a link that is not up, none. */
  get inFlight(): number {
    return this.#open?.inFlight ?? 0;
  }

  /** The next one who asks gets a new connection; this one ends when it has answered what it was asked. */
  drop(): void {
    this.#open?.close();
    this.#open = null;
    this.#connection = null;
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => null);
    this.#connection = null;
    this.#open = null;
    await connection?.close();
  }
}
