import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Instance } from './instance.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, read_only INTEGER NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER, revoked_until INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS instances (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, client_token TEXT, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS instances_by_token ON instances (client_token);
  CREATE TABLE IF NOT EXISTS stock (
    region TEXT NOT NULL, instance_type TEXT NOT NULL, spot INTEGER NOT NULL, left_over INTEGER NOT NULL,
    PRIMARY KEY (region, instance_type, spot)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS quotas (region TEXT PRIMARY KEY, vcpus INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS prices (instance_type TEXT PRIMARY KEY, on_demand REAL NOT NULL, spot REAL) STRICT;
`;

/**
 * Opens what the cloud knows, in its data directory. The cloud and its CLI may have it open at the same time.
 * A killed cloud loses nothing: what SQLite wrote is the operating system's to keep.
 */
export function openDatabase(dataDir: string): DatabaseSync {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(join(dataDir, 'fluffycloud.db'));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 5000;');
  db.exec(SCHEMA);
  return db;
}

/** A random text that is made once and then kept: the cloud's id, its admin token. */
export function lastingSecret(db: DatabaseSync, name: string, bytes: number): string {
  db.prepare('INSERT OR IGNORE INTO facts VALUES (?, ?)').run(name, randomBytes(bytes).toString('hex'));
  return String(db.prepare('SELECT value FROM facts WHERE name = ?').get(name)?.['value']);
}

/** The instances on disk, and for a while what each was before. */
export class InstanceTable {
  readonly #db: DatabaseSync;
  readonly #past = new Map<string, { readonly until: number; readonly instance: Instance }[]>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** A new one gets its number in the order of launches. */
  insert(make: (seq: number) => Instance): Instance {
    const last = this.#db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'instances'").get()?.['seq'];
    const instance = make(Number(last ?? 0) + 1);
    this.#db
      .prepare('INSERT INTO instances (seq, id, client_token, body) VALUES (?, ?, ?, ?)')
      .run(instance.seq, instance.id, instance.clientToken, JSON.stringify(instance));
    return instance;
  }

  get(id: string): Instance | undefined {
    return parse(this.#db.prepare('SELECT body FROM instances WHERE id = ?').get(id));
  }

  /** The latest one that was launched with the token. */
  byToken(token: string): Instance | undefined {
    return parse(
      this.#db.prepare('SELECT body FROM instances WHERE client_token = ? ORDER BY seq DESC LIMIT 1').get(token),
    );
  }

  /** In order of launch, terminated ones included. */
  all(): Instance[] {
    const rows = this.#db.prepare('SELECT body FROM instances ORDER BY seq').all();
    return rows.map(parse).filter((instance) => instance !== undefined);
  }

  /** Everything that takes a place in the quota. */
  alive(): Instance[] {
    return this.all().filter((instance) => instance.status !== 'terminated');
  }

  save(instance: Instance, now: number): void {
    const before = this.get(instance.id);
    if (before !== undefined) {
      const past = this.#past.get(instance.id) ?? [];
      past.push({ until: now, instance: before });
      this.#past.set(instance.id, past.slice(-20));
    }
    this.#db.prepare('UPDATE instances SET body = ? WHERE id = ?').run(JSON.stringify(instance), instance.id);
  }

  /** As they were at that time, as far as this process remembers. */
  asOf(time: number): Instance[] {
    return this.all()
      .filter((instance) => instance.createdAt <= time)
      .map((instance) => this.#past.get(instance.id)?.find((past) => past.until > time)?.instance ?? instance);
  }

  /** Forgets what was terminated before that time, and with it its token. */
  forget(terminatedBefore: number): void {
    for (const instance of this.all()) {
      if (instance.terminatedAt === null || instance.terminatedAt >= terminatedBefore) continue;
      this.#db.prepare('DELETE FROM instances WHERE id = ?').run(instance.id);
      this.#past.delete(instance.id);
    }
  }
}

function parse(row: Record<string, unknown> | undefined): Instance | undefined {
  // Written by `insert` and `save` alone.
  return row === undefined ? undefined : (JSON.parse(String(row['body'])) as Instance);
}
