import { createHash, randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { ApiError } from './api-error.ts';

/** A key without its secret part, of which only a hash is kept. Times in milliseconds since 1970. */
export interface Key {
  readonly id: string;
  readonly name: string;
  readonly readOnly: boolean;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedUntil: number | null;
}

export interface NewKey {
  readonly name: string;
  readonly readOnly?: boolean;
  readonly expiresAt?: number | null;
}

/** A revocation without an end. */
export const FOR_EVER = Number.MAX_SAFE_INTEGER;

/** The account's keys. */
export class Keys {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** `key` is told here, once. */
  create(wanted: NewKey, now: number): Key & { readonly key: string } {
    const key = `fluffy_${randomBytes(20).toString('hex')}`;
    const id = `fk-${randomBytes(4).toString('hex')}`;
    this.#db
      .prepare('INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL)')
      .run(id, hash(key), wanted.name, Number(wanted.readOnly ?? false), now, wanted.expiresAt ?? null);
    return {
      key,
      id,
      name: wanted.name,
      readOnly: wanted.readOnly ?? false,
      createdAt: now,
      expiresAt: wanted.expiresAt ?? null,
      revokedUntil: null,
    };
  }

  list(): Key[] {
    return this.#db.prepare('SELECT * FROM keys ORDER BY created_at, id').all().map(toKey);
  }

  /** `id` undefined: all that there are now. False: there is no such key. */
  revoke(id: string | undefined, until: number): boolean {
    const result =
      id === undefined
        ? this.#db.prepare('UPDATE keys SET revoked_until = ?').run(until)
        : this.#db.prepare('UPDATE keys SET revoked_until = ? WHERE id = ?').run(until, id);
    return Number(result.changes) > 0;
  }

  /** The key of an Authorization header. @throws ApiError of status 401 */
  check(header: string | undefined, now: number): Key {
    const presented = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
    if (presented === undefined) {
      throw new ApiError('key-missing', 'send a key: "Authorization: Bearer fluffy_…"');
    }
    const row = this.#db.prepare('SELECT * FROM keys WHERE hash = ?').get(hash(presented));
    if (row === undefined) throw new ApiError('key-invalid', 'no account has this key');
    const key = toKey(row);
    if (key.expiresAt !== null && key.expiresAt <= now) {
      throw new ApiError('key-expired', `key ${key.id} expired at ${new Date(key.expiresAt).toISOString()}`);
    }
    if (key.revokedUntil !== null && key.revokedUntil > now) {
      throw new ApiError('key-revoked', `key ${key.id} was revoked`);
    }
    return key;
  }
}

function hash(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function toKey(row: Record<string, unknown>): Key {
  const time = (value: unknown): number | null => (value === null ? null : Number(value));
  return {
    id: String(row['id']),
    name: String(row['name']),
    readOnly: row['read_only'] === 1,
    createdAt: Number(row['created_at']),
    expiresAt: time(row['expires_at']),
    revokedUntil: time(row['revoked_until']),
  };
}
