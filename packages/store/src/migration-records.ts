/** What a database says of the migrations it has seen, held against those that this Berth knows. Pure. */
import { createHash } from 'node:crypto';
import { BerthError, VERSION } from '@berth/core';
import type { Dialect } from './dialect.ts';
import type { Migration } from './migrations/index.ts';

/** A row of the table `migrations`. */
export interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
  readonly berthVersion: string;
}

/** Of what the statements say; how they are laid out in the file does not count. */
export const checksum = (migration: Migration, dialect: Dialect): string =>
  createHash('sha256').update(migration[dialect.name].join(';').replace(/\s+/g, ' ')).digest('hex');

/**
 * Null when nothing is left to do. `place` is the database as people know it.
 * @throws BerthError `conflict`: a newer Berth's database, or a changed migration.
 */
export function nextMigration(
  applied: readonly AppliedMigration[],
  migrations: readonly Migration[],
  dialect: Dialect,
  place: string,
): Migration | null {
  for (const record of applied) {
    const known = migrations[record.number - 1];
    if (!known) {
      throw new BerthError(
        'conflict',
        `${place} was written by Berth ${record.berthVersion}, which is newer than this one (${VERSION}): its schema has number ${applied.length}, this Berth knows ${migrations.length}`,
        {
          hint: `Use Berth ${record.berthVersion} or later, or restore the copy of the database that was made before the upgrade.`,
          details: { schema: applied.length, known: migrations.length, writtenBy: record.berthVersion },
        },
      );
    }
    if (known.name !== record.name || checksum(known, dialect) !== record.checksum) {
      throw new BerthError(
        'conflict',
        `${place} was made by a Berth ${record.berthVersion} whose migration ${record.number} (${record.name}) differs from the one in this Berth (${VERSION})`,
        {
          hint: 'It comes from a development version: use that one again, or move the database away and start with a new one.',
          details: { migration: record.number, name: record.name },
        },
      );
    }
  }
  return migrations[applied.length] ?? null;
}

/** For a database that has tables, and none of them says that Berth made it. */
export function foreignDatabase(place: string, hint: string, cause?: unknown): BerthError {
  return new BerthError('conflict', `${place} is a database of another program`, { hint, cause });
}
