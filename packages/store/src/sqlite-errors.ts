/** What SQLite's numbers mean to us. */
import { BerthError } from '@berth/core';
import { StoreUnavailable, UniqueViolation } from './store.ts';
import { tableShape } from './table-shape.ts';
import { TABLE_NAMES } from './tables.ts';

/** Primary result codes, https://sqlite.org/rescode.html; an extended code holds one in its low byte. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const FULL = 13;
const NOT_A_DATABASE = 26;
const CONSTRAINT = 19;

/** Null for an error that is not SQLite's. */
function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}

export const isBusy = (error: unknown): boolean => {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
};

/** `UNIQUE constraint failed: runs.project_id, runs.name` → index. Columns tell, since SQLite names no index. */
const UNIQUE_INDEXES: ReadonlyMap<string, UniqueViolation> = new Map(
  TABLE_NAMES.flatMap((name) => {
    const table = tableShape(name);
    const columns = (sql: readonly string[]) => sql.map((column) => `${name}.${column.replaceAll('"', '')}`).join(', ');
    return [
      [columns(['id']), new UniqueViolation(name, `${name}_pkey`)] as const,
      ...table.indexes
        .filter((index) => index.unique)
        .map((index) => [columns(index.columns.map((c) => c.sql)), new UniqueViolation(name, index.name)] as const),
    ];
  }),
);

/** The store's own error for one of SQLite's; anything else is given back as it is. */
export function storeError(error: unknown, path: string): unknown {
  const code = resultCode(error);
  if (code === null || !(error instanceof Error)) return error;
  if (code === CONSTRAINT) {
    const known = UNIQUE_INDEXES.get(error.message.replace('UNIQUE constraint failed: ', ''));
    return known ? new UniqueViolation(known.table, known.index) : error;
  }
  const unavailable = (reason: StoreUnavailable['reason'], what: string) =>
    new StoreUnavailable(reason, `${path}: ${what} (${error.message})`, error);
  switch (code) {
    case BUSY:
    case LOCKED:
      return unavailable('busy', 'another process holds the database');
    case READONLY:
      return unavailable('read-only', 'the database cannot be written');
    case FULL:
      return unavailable('disk-full', 'the disk is full');
    case 10: // IOERR
    case 11: // CORRUPT
    case 14: // CANTOPEN
    case NOT_A_DATABASE:
      return unavailable('other', 'the database cannot be used');
    default:
      return error;
  }
}

/** As `storeError`, also for what the file system answers while the file is made. */
export function openError(error: unknown, path: string): unknown {
  if (resultCode(error) === NOT_A_DATABASE)
    return new BerthError('conflict', `${path} is not a database`, {
      hint: 'Give Berth a path of its own, or restore the database from a copy.',
      cause: error,
    });
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return storeError(error, path);
  const reason = FILE_ERRORS[String(error.code)] ?? 'other';
  return new StoreUnavailable(reason, `${path} cannot be made: ${error.message}`, error);
}

const FILE_ERRORS: Readonly<Record<string, StoreUnavailable['reason']>> = {
  EACCES: 'read-only',
  EPERM: 'read-only',
  EROFS: 'read-only',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
};
