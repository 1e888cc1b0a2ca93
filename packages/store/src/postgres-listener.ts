/** The ear of a server: one connection that LISTENs, made again when it is lost. */
import { PostgresConnection, type PostgresSettings } from './postgres-connection.ts';
import { Patience, patiently } from './postgres-link.ts';

/** A connection whose other end has vanished says nothing by itself. */
const CHECK_MS = 15_000;
const CHECK_TIMEOUT_MS = 10_000;

export interface Hearing {
  /** As SQL writes it, with its quotes. */
  readonly channel: string;
  readonly heard: (payload: string) => void;
  /** Listening again after a time in which nothing could be heard. */
  readonly missed: () => void;
}

export class PostgresListener {
  readonly #settings: PostgresSettings;
  readonly #hearing: Hearing;
  #connection: PostgresConnection | null = null;
  #listening: Promise<void> | null = null;
  #closed = false;

  constructor(settings: PostgresSettings, hearing: Hearing) {
    this.#settings = settings;
    this.#hearing = hearing;
  }

  /** Resolves when it can hear. */
  async open(): Promise<void> {
    const connection = await patiently(() => this.#connect(), this.#settings.patienceMs);
    this.#listening = this.#stayOn(connection);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection?.close();
    await this.#listening;
  }

  async #connect(): Promise<PostgresConnection> {
    const connection = await PostgresConnection.open(this.#settings);
    connection.onNotification(this.#hearing.heard);
    try {
      await connection.exec(`LISTEN ${this.#hearing.channel}`);
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#connection = connection;
    return connection;
  }

  async #stayOn(first: PostgresConnection): Promise<void> {
    for (let connection = first; ; this.#hearing.missed()) {
      await endOf(connection);
      const next = await this.#connectAgain();
      if (!next) return;
      connection = next;
    }
  }

  /** For as long as it takes. Null: closed meanwhile. */
  async #connectAgain(): Promise<PostgresConnection | null> {
    const patience = new Patience(0);
    while (!this.#closed) {
      try {
        const connection = await this.#connect();
        if (!this.#closed) return connection;
        await connection.close();
      } catch {
        // Whoever reads or writes meanwhile is told what is wrong.
        await patience.pause();
      }
    }
    return null;
  }
}

async function endOf(connection: PostgresConnection): Promise<void> {
  const checks = setInterval(async () => {
    const silence = setTimeout(() => connection.break(), CHECK_TIMEOUT_MS);
    await connection.exec('SELECT 1').catch(() => {});
    clearTimeout(silence);
  }, CHECK_MS);
  await connection.ended;
  clearInterval(checks);
}
