/** One connection to Postgres, with its settings and its prepared statements. */
import type { Socket } from 'node:net';
import { Client, DatabaseError, type QueryArrayResult } from 'pg';
import { isConnectionLost, LostConnection } from './postgres-errors.ts';
import type { Statement } from './sql.ts';
import type { SqlRows } from './table.ts';

export interface PostgresSettings {
  readonly url: string;
  /** A transaction that waits for its client for longer than this is ended by the database, with its connection. */
  readonly idleInTransactionMs: number;
  /** How long a lock of somebody else is waited for. */
  readonly lockMs: number;
  /** How long the database may be away, or others in the way, before that is an error. */
  readonly patienceMs: number;
}

const CONNECT_MS = 5_000;
/** No statement of ours takes long; one that does is waiting for something that is broken. */
const STATEMENT_MS = 30_000;
/** The database itself gives up before; this is for a database that does not answer at all. */
const SILENCE_MS = STATEMENT_MS + 5_000;
const CLOSE_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;

/** Statements are few, see `sql.ts`; those beyond the limit are parsed each time. Names are the same on all connections. */
const MAX_PREPARED = 500;
const names = new Map<string, string>();

function statementName(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined || names.size >= MAX_PREPARED) return known;
  const name = `berth_${names.size}`;
  names.set(sql, name);
  return name;
}

const INT8 = 20;
const BOOLEAN = 16;
const FLOAT8 = 701;
/** Every integer that is kept is a safe one, see `codec.ts`. */
const parseNumber = (text: string): number => Number(text);
const parseBoolean = (text: string): boolean => text === 't';
const keepText = (text: string): string => text;
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [INT8]: parseNumber,
  [FLOAT8]: parseNumber,
  [BOOLEAN]: parseBoolean,
};

/** Statements are sent at once and answered in order: whoever need not wait for an answer does not. */
export class PostgresConnection {
  readonly #client: Client;
  #lost: unknown = null;
  #inFlight = 0;
  #corked = false;
  /** Resolves when the connection is no more, for whatever reason. */
  readonly ended: Promise<void>;

  private constructor(client: Client) {
    this.#client = client;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    client.on('error', (error) => {
      this.#lost ??= error;
    });
    client.on('end', () => {
      this.#lost ??= new Error('the connection was ended');
      resolve();
    });
  }

  /** @throws LostConnection or DatabaseError */
  static async open(settings: PostgresSettings): Promise<PostgresConnection> {
    const client = new Client({
      connectionString: settings.url,
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      query_timeout: SILENCE_MS,
      lock_timeout: settings.lockMs,
      idle_in_transaction_session_timeout: settings.idleInTransactionMs,
      fallback_application_name: 'berth',
      // The types of `pg` want every type of the database named.
      types: { getTypeParser: (oid: number) => PARSERS[oid] ?? keepText } as never,
    });
    const connection = new PostgresConnection(client);
    try {
      await client.connect();
      return connection;
    } catch (error) {
      client.end().catch(() => {});
      throw connection.#own(error);
    }
  }

  /** No statement can be answered any more. */
  get lost(): boolean {
    return this.#lost !== null;
  }

  /** Statements that were not answered yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  async all({ sql, values }: Statement): Promise<SqlRows> {
    const name = statementName(sql);
    const query = { text: sql, values: [...values], rowMode: 'array' as const };
    return (await this.#answer(() => this.#client.query(name === undefined ? query : { ...query, name }))).rows;
  }

  /** Statements without parameters, joined by semicolons. Returns what the last one has done: `COMMIT`, `ROLLBACK`. */
  async exec(sql: string): Promise<string> {
    return (await this.#results(sql)).at(-1)?.command ?? '';
  }

  onNotification(listener: (payload: string) => void): void {
    this.#client.on('notification', (message) => listener(message.payload ?? ''));
  }

  /** Ends it without a word to the other end. */
  break(): void {
    this.#lost ??= new Error('the other end does not answer');
    internals(this.#client).stream.destroy();
  }

  /** Waits for what is in flight, but not for an end that does not answer. */
  async close(): Promise<void> {
    if (this.lost) return;
    const silence = setTimeout(() => this.break(), CLOSE_MS);
    await this.#client.end().catch(() => {});
    clearTimeout(silence);
  }

  async #results(sql: string): Promise<readonly QueryArrayResult<unknown[]>[]> {
    const answer: unknown = await this.#answer(() => this.#client.query({ text: sql, rowMode: 'array' }));
    // Several statements are answered by a list, which the types of `pg` do not say.
    return (Array.isArray(answer) ? answer : [answer]) as readonly QueryArrayResult<unknown[]>[];
  }

  async #answer<T>(query: () => Promise<T>): Promise<T> {
    this.#inFlight++;
    try {
      this.#sendTogether();
      return await query();
    } catch (error) {
      throw this.#own(error);
    } finally {
      this.#inFlight--;
    }
  }

  /** What is asked before anything is awaited goes out in one write: the kernel costs more than the words. */
  #sendTogether(): void {
    if (this.#corked || this.lost) return;
    this.#corked = true;
    const { stream } = internals(this.#client);
    stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      stream.uncork();
    });
  }

  /** Everything that is no answer of the database means that there will be none. */
  #own(error: unknown): unknown {
    const own =
      error instanceof DatabaseError
        ? error
        : new LostConnection(error instanceof Error ? error.message : String(error), { cause: error });
    if (isConnectionLost(own)) this.#lost ??= own;
    return own;
  }
}

/** Not in the types of `pg`. */
function internals(client: Client): { readonly stream: Socket } {
  return (client as unknown as { readonly connection: { readonly stream: Socket } }).connection;
}
