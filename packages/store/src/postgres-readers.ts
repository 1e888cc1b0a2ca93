import type { PostgresSettings } from './postgres-connection.ts';
import { PostgresLink, patiently } from './postgres-link.ts';
import type { Statement } from './sql.ts';
import type { SqlRows } from './table.ts';

/** Connections for reads outside of transactions. A new one is made only when all others are busy. */
export class PostgresReaders {
  readonly #links: readonly PostgresLink[];
  readonly #patienceMs: number;

  constructor(settings: PostgresSettings, count: number) {
    this.#patienceMs = settings.patienceMs;
    this.#links = Array.from({ length: count }, () => new PostgresLink(settings));
  }

  /** A read is asked again when its connection is lost. */
  all(statement: Statement, stop: () => boolean): Promise<SqlRows> {
    return patiently(async () => (await this.#idlest().connection()).all(statement), this.#patienceMs, stop);
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }

  /** The first of those with the least to do, so that the last ones are never made when there is little to do. */
  #idlest(): PostgresLink {
    return this.#links.reduce((best, link) => (link.inFlight < best.inFlight ? link : best));
  }
}
