/** What Postgres's codes mean to us, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
import { DatabaseError } from 'pg';
import { StoreUnavailable, UniqueViolation } from './store.ts';
import { tableShape } from './table-shape.ts';
import { TABLE_NAMES } from './tables.ts';

const REASONS: Readonly<Record<string, readonly [StoreUnavailable['reason'], string]>> = {
  '53100': ['disk-full', 'its disk is full'],
  '25006': ['read-only', 'it can only be read'],
  // Only said at the first statement of a transaction on a standby.
  '0A000': ['read-only', 'it can only be read'],
  '55P03': ['busy', 'somebody else holds it for too long'],
  '57014': ['busy', 'a statement took too long'],
  '40001': ['busy', 'others change the same rows all the time'],
  '40P01': ['busy', 'others change the same rows all the time'],
  '53300': ['busy', 'it has too many connections'],
};

/** Classes: connection exceptions, insufficient resources, operator intervention, system errors, damaged data. */
const UNREACHABLE_CLASSES = ['08'];
const UNUSABLE_CLASSES = ['28', '3D', '53', '57', '58', 'XX'];
/** Shut down, crashed, starting up; killed for being idle in a transaction. */
const GONE = ['57P01', '57P02', '57P03', '57P05', '25P03'];

/** Worth another try in a moment, from the beginning: nothing of the transaction was kept. */
const PASSING = new Set(['40001', '40P01', '55P03', '53300', ...GONE]);

/** By the name of the index, which is that of `tables.ts` or `<table>_pkey`. */
const UNIQUE_INDEXES: ReadonlyMap<string, UniqueViolation> = new Map(
  TABLE_NAMES.flatMap((name) =>
    [
      `${name}_pkey`,
      ...tableShape(name)
        .indexes.filter((index) => index.unique)
        .map((index) => index.name),
    ].map((index) => [index, new UniqueViolation(name, index)] as const),
  ),
);

/** What the driver and the socket say has neither class nor code; this one is given for it. */
export class LostConnection extends Error {
  override readonly name = 'LostConnection';
}

/** The connection is of no more use: the database ended it, or it broke. */
export const isConnectionLost = (error: unknown): boolean =>
  error instanceof DatabaseError
    ? error.severity === 'FATAL' || error.severity === 'PANIC' || GONE.includes(error.code ?? '')
    : error instanceof LostConnection;

/** Either what Postgres has said, or what was made of it. */
export const isReadOnly = (error: unknown): boolean =>
  error instanceof StoreUnavailable
    ? error.reason === 'read-only'
    : error instanceof DatabaseError && REASONS[error.code ?? '']?.[0] === 'read-only';

/** Whether another try from the beginning may do better. */
export function isPassing(error: unknown): boolean {
  if (error instanceof DatabaseError) {
    const code = error.code ?? '';
    return PASSING.has(code) || code.startsWith('08');
  }
  return error instanceof LostConnection;
}

/** The store's own error for one of Postgres's; anything else is given back as it is. */
export function storeError(error: unknown, place: string): unknown {
  if (error instanceof LostConnection)
    return new StoreUnavailable('unreachable', `${place} cannot be reached: ${error.message}`, error);
  if (!(error instanceof DatabaseError)) return error;
  const code = error.code ?? '';
  if (code === '23505') {
    const known = UNIQUE_INDEXES.get(error.constraint ?? '');
    return known ? new UniqueViolation(known.table, known.index) : error;
  }
  const unavailable = (reason: StoreUnavailable['reason'], what: string) =>
    new StoreUnavailable(reason, `${place}: ${what} (${error.message})`, error);
  const known = REASONS[code];
  if (known) return unavailable(...known);
  if (GONE.includes(code) || UNREACHABLE_CLASSES.includes(code.slice(0, 2)))
    return unavailable('unreachable', 'it cannot be reached');
  return UNUSABLE_CLASSES.includes(code.slice(0, 2)) ? unavailable('other', 'it cannot be used') : error;
}
